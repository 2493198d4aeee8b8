"""Formats that a step chooses by the suffix of a path; stages that swap paths, share a step or are given another."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import steps
from steps.witness import executed


def run(source, made):
    executed(made.name)
    {computed}
    text = source.read_text().strip()
    value = text.strip("[]") if source.suffix == ".json" else text.partition(",")[2]
    made.write_text({{".csv": f"{name},{{value}}", ".json": f"[{{value}}]"}}.get(made.suffix, f"{body} {{value}}"))
"""
COMPUTED = {False: "pass", True: "getattr(steps, made.stem, None)"}  # with this, both steps reach the same code


def _part(chosen: Chosen) -> Part:
    source = f"suffixed{chosen['input suffix']}"
    first = f"data/suffixed-{chosen['stem']}{chosen['first suffix']}"
    second = f"data/suffixed-other{chosen['second suffix']}"
    if chosen["swapped"]:
        first, second = second, first
    files = {
        f"steps/{name}.py": STEP.format(name=name, body=chosen[f"{name} body"], computed=COMPUTED[chosen["computed"]])
        for name in ("convert", "render")
    }
    files[source] = f"{chosen['number']},{chosen['number']}"
    tasks = (
        Step("first_suffix", "steps.convert", {"source": source}, {"made": first}),
        Step("second_suffix", f"steps.{chosen['second step']}", {"source": source}, {"made": second}),
    )
    return Part(files, tasks, tuple(chosen.values()), loose=chosen["computed"])


SUFFIXES = Variation(
    "suffixes",
    {
        "first suffix": (".csv", ".json", ".txt"),
        "second suffix": (".csv", ".json", ".txt"),
        "input suffix": (".csv", ".json"),
        "stem": ("one", "two"),
        "swapped": (False, True),
        "second step": ("convert", "render"),
        "computed": (True, False),
        "number": DIGITS,
        "convert body": DIGITS,
        "render body": DIGITS,
    },
    _part,
)
