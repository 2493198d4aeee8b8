"""Use marshmallow: schemas, which a metaclass makes and a registry finds by name."""

import json

from marshmallow import Schema, ValidationError, fields, post_load, validate
from steps.witness import executed


class AuthorSchema(Schema):
    """A person."""

    name = fields.String(required=True, validate=validate.Length(min=2))
    born = fields.Date()


class BookSchema(Schema):
    """A book."""

    title = fields.String(required=True)
    price = fields.Decimal(places=2, as_string=True, validate=validate.Range(min=0))
    author = fields.Nested("AuthorSchema")

    @post_load
    def shelved(self, data, **_named):
        """Say where it is."""
        return {**data, "shelf": data["title"][0]}


def run(source, made):
    """Load books, and write them."""
    executed(made.name)
    lines = []
    for line in source.read_text().splitlines():
        try:
            book = BookSchema().load(json.loads(line))
            lines += [str(book), BookSchema().dumps(book)]
        except ValidationError as error:
            lines.append(json.dumps(error.messages, sort_keys=True))
    made.write_text("\n".join(lines))
