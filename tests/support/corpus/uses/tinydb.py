"""Use TinyDB: a database in a file, with queries that operators build."""

import json
import os
import tempfile

from steps.witness import executed
from tinydb import Query, TinyDB, operations, where


def run(source, made):
    """Write what a database answers."""
    executed(made.name)
    with tempfile.TemporaryDirectory() as folder, TinyDB(os.path.join(folder, "db.json"), indent=1) as database:
        people = database.table("people", cache_size=2)
        people.insert_multiple([json.loads(line) for line in source.read_text().splitlines()])
        person = Query()
        found = [
            people.search((person.age > 30) & ~(person.name == "Bob")),
            people.search(where("name").matches("A.*") | person.age.one_of([25])),
            people.update(operations.increment("age"), person.name == "Bob"),
            people.get(doc_id=2),
            people.count(person.age.test(lambda age: age % 2 == 0)),
            people.remove(person.age < 30),
            people.all(),
        ]
    made.write_text("\n".join(map(str, found)))
