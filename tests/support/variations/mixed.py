"""Ordinary tasks of doit between stages: they make what stages read, and read what stages make."""

from variations.base import DIGITS, Chosen, Command, Part, Step, Variation

STEP = """
from steps.witness import executed


def run(source, made):
    executed(made.name)
    made.write_text(source.read_text().strip() + "{body}\\n")
"""


def _part(chosen: Chosen) -> Part:
    number = chosen["command"]
    files = {"steps/mixing.py": STEP.format(body=chosen["body"]), "mixed.raw": f"{chosen['raw']}\n"}
    prepared, mixed, published = "data/prepared.txt", "data/mixed.txt", "data/published.txt"
    line = f"mkdir -p data && sed s/1/{number}/ mixed.raw > {prepared}"
    tasks = (
        Command("prepare", line, ("mixed.raw",), prepared, f"{number}"),
        Step("mix", "steps.mixing", {"source": prepared}, {"made": mixed}),
        Command("publish", f"cp {mixed} {published}", (mixed,), published),
        Step("close", "steps.mixing", {"source": chosen["closes"]}, {"made": "data/closed.txt"}),
    )
    return Part(files, tasks, tuple(chosen.values()))


MIXED = Variation(
    "mixed",
    {
        "raw": DIGITS,
        "command": DIGITS,
        "body": DIGITS,
        "closes": ("data/published.txt", "data/mixed.txt", "data/prepared.txt"),
    },
    _part,
)
