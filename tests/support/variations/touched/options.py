"""What a project asks of observing: an undeclared input is an error, or nothing is observed at all."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import os
from pathlib import Path

from steps.witness import executed


def run(source, made):
    executed(made.name)
    made.write_text(source.read_text() + {found})
"""
WAYS = {  # what is read, and what to declare then
    "file": ('Path("strict.txt").read_text()', ', uses=["strict.txt"]'),
    "variable": ('os.environ["ORACLE_STRICT"]', ', environ=["ORACLE_STRICT"]'),
    "nothing": ('"nothing"', ""),
    "look": ('str(os.path.exists("strict.txt"))', ""),
    "list": ('"".join(sorted(os.listdir("strict")))', ""),
}
UNSEEN = """
import os
import pickle
from pathlib import Path

from steps.witness import executed


def run(source, made):
    executed(made.name)
    touched = {touched}
    made.write_text(source.read_text() + {body!r} + str(len(str(touched))))
"""
TOUCHES = {  # things of which the result does not depend, as far as their edits go
    "file": 'Path("unseen.txt").read_text()',
    "absence": 'os.path.exists("unseen.missing") * 0',
    "listing": 'len(os.listdir("unseen")) * 0',
    "variable": 'os.environ["ORACLE_UNSEEN"]',
    "code": 'pickle.loads(b"cunseen\\nVALUE\\n.")',
}


def _strict(chosen: Chosen) -> Part:
    found, declares = WAYS[chosen["way"]]
    number = f"{chosen['number']}"
    files = {
        "steps/strictly.py": STEP.format(found=found),
        "pyproject.toml": "[tool.redoit]\nstrict = true\n" if chosen["strict"] else "",
        "strictly.txt": f"strictly {chosen['declared number']} ",
        "strict.txt": number,
        f"strict/{number}": "",
    }
    arguments = declares if chosen["declares"] else ""
    inputs, outputs = {"source": "strictly.txt"}, {"made": "data/strictly.txt"}
    tasks = (Step("strictly", "steps.strictly", inputs, outputs, arguments=arguments),)
    error = "undeclared" if chosen["strict"] and declares and not chosen["declares"] else ""
    reads = "" if chosen["way"] == "nothing" else number
    needs = chosen["way"], chosen["declared number"], bool(arguments), reads
    return Part(files, tasks, needs, variables={"ORACLE_STRICT": number}, error=error)


STRICT = Variation(
    "strict",
    {
        "strict": (True, False),
        "way": tuple(WAYS),
        "declares": (True, False),
        "number": DIGITS,
        "declared number": DIGITS,
    },
    _strict,
    alone=True,
)


def _unobserved(chosen: Chosen) -> Part:
    number, observes = f"{chosen['number']}", chosen["observes"]
    files = {
        "steps/unseeing.py": UNSEEN.format(touched=TOUCHES[chosen["way"]], body=f"{chosen['body']}"),
        "unseeing.txt": f"unseeing {chosen['declared']} ",
        "unseen.txt": number,
        "unseen.py": f"VALUE = {number}\n",
        "unseen/kept": "",
    }
    if chosen["number"] == DIGITS[1]:
        files |= {"unseen.missing": "", "unseen/added": ""}
    arguments = "" if observes else ", observe=False"
    inputs, outputs = {"source": "unseeing.txt"}, {"made": "data/unseeing.txt"}
    tasks = (Step("unseeing", "steps.unseeing", inputs, outputs, arguments=arguments),)
    needs = chosen["way"], chosen["declared"], chosen["body"], observes, observes and number
    return Part(files, tasks, needs, variables={"ORACLE_UNSEEN": number})


UNOBSERVED = Variation(
    "unobserved",
    {
        "observes": (False, True),
        "way": tuple(TOUCHES),
        "number": DIGITS,
        "declared": DIGITS,
        "body": DIGITS,
    },
    _unobserved,
)
