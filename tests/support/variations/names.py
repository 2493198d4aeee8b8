"""Names of stages, as odd as doit takes them, of which no result depends; two names for one step and its inputs."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
from steps.witness import executed


def run(source, made):
    executed(made.name)
    made.write_text(source.read_text() + "{body}")
"""
ODD = (
    "named",
    "größe 学习率",
    "学习率" * 12,
    "x" * 200,
    "with two spaces",
    "a.b.c",
    "100%",
    'it\'s "so"',
    "sub/folder",
    "..",
    "group:sub",
    "group:a b.c",
    "$HOME",
    "{curly}",
    "named\u0301",
)


def _part(chosen: Chosen) -> Part:
    files = {"steps/named.py": STEP.format(body=chosen["body"]), "named.txt": "named "}
    tasks = [Step(chosen["name"], "steps.named", {"source": "named.txt"}, {"made": "data/named.txt"})]
    if chosen["second"]:
        tasks.append(Step("second name", "steps.named", {"source": "named.txt"}, {"made": "data/named-again.txt"}))
    return Part(files, tuple(tasks), (chosen["body"], chosen["second"]))


NAMES = Variation("names", {"name": ODD, "second": (False, True), "body": DIGITS}, _part)
