"""Paths through links: to an input, to folders of outputs, and to what another stage makes."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
from steps.witness import executed


def run(source, made):
    executed(made.name)
    made.write_text(source.read_text() + "{body}")
"""
FOLDERS = ("bulk-a", "bulk-b", "deep/bulk-c")
DATA = ("../disk-a", "../disk-b")


def _part(chosen: Chosen) -> Part:
    folder, current = chosen["folder"], chosen["current"]
    between = f"{folder if chosen['direct'] else 'linked'}/between.txt"
    files = {
        "raw-a.txt": f"{chosen['a']}",
        "raw-b.txt": f"{chosen['b']}",
        "steps/linking.py": STEP.format(body=chosen["body"]),
        **{f"{each}/kept.txt": "" for each in (*FOLDERS, *DATA)},
    }
    tasks = (
        Step("link_first", "steps.linking", {"source": "current.txt"}, {"made": "linked/between.txt"}),
        Step("link_second", "steps.linking", {"source": between}, {"made": "data/linked.txt"}),
        Step("link_third", "steps.linking", {"source": "latest.txt"}, {"made": "data/last-linked.txt"}),
    )
    links = {"current.txt": f"raw-{current}.txt", "linked": folder, "latest.txt": "data/linked.txt"}
    if chosen["data"]:
        links["data"] = chosen["data"]
    needs = folder, current, chosen[current], chosen["direct"], chosen["body"]
    return Part(files, tasks, needs, links=links)


LINKS = Variation(
    "links",
    {
        "folder": FOLDERS,
        "current": ("a", "b"),
        "a": DIGITS,
        "b": DIGITS,
        "direct": (False, True),
        "body": DIGITS,
        "data": ("", *DATA),
    },
    _part,
)
