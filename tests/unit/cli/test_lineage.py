"""`doit lineage`: what may be asked for, which file is meant, and where the page goes."""

import json
import re

import pytest
from commands import call
from projects import ALL, Pipeline

from redoit.lineage.page import GENERATOR

TAKEN = "found another file, or a stage's output, expected a free place for the page; say: doit lineage -o another.html"
ERRORS = {
    "--runs 0": "--runs: found 0, expected a number of runs; say --runs 20",
    "--runs ten": "--runs: found ten, expected a number of runs; say --runs 20",
    "--runs=-1": "--runs: found -1, expected a number of runs; say --runs 20",
    "--json --svg": "doit lineage: found --json and --svg, expected one of them; leave the others out",
    "--svg data/made.txt": "doit lineage: found --svg and a file, expected one of them; leave one out",
    "source.txt --svg": "--svg: found after the file source.txt, expected nothing; say: doit lineage --svg source.txt",
    "source.txt x": "x: found after the file source.txt, expected nothing; ask for one file at a time",
    "data/mad.txt": "data/mad.txt: no stage makes or reads this file; did you mean data/made.txt?",
    "dodo.py": "dodo.py: no stage makes or reads this file; ",
    "sort": "sort: found a stage, expected a file; say: doit lineage data/ordered.txt",
    "-o data/made.txt": f"data/made.txt: {TAKEN}",
    "-o data/new.txt": f"data/new.txt: {TAKEN}",
    "-o dodo.py": f"dodo.py: {TAKEN}",
    "-o data": f"data: {TAKEN}",
    "-o link.html": f"link.html: {TAKEN}",
}


@pytest.mark.parametrize("arguments", ERRORS)
def test_what_can_not_be_shown_is_one_line(chain: Pipeline, arguments: str) -> None:
    """A wrong argument, or a place that is taken, is one line, and nothing is written."""
    chain.edit("dodo.py", '"data/made.txt"})', '"data/made.txt", "new": "data/new.txt"})')
    chain.edit("steps/make.py", "made: Path,", "made: Path, new: Path,")
    chain.path("page.html").write_bytes(GENERATOR)
    chain.path("link.html").symlink_to("page.html")
    before = chain.outputs(), chain.read("dodo.py"), chain.read("source.txt")
    result = call(chain.root, "lineage", *arguments.split())
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f"ERROR: {ERRORS[arguments]}")
    assert result.err.count("\n") == 1
    assert (chain.outputs(), chain.read("dodo.py"), chain.read("source.txt")) == before


@pytest.mark.parametrize(
    ("folder", "argument", "path"),
    [
        (".", "data/made.txt", "data/made.txt"),
        (".", "./data/../source.txt", "source.txt"),
        (".", "{root}/source.txt", "source.txt"),
        ("data", "made.txt", "data/made.txt"),
        ("steps", "../source.txt", "source.txt"),
        ("steps", "data/made.txt", "data/made.txt"),
    ],
)
def test_a_file_may_be_named_from_anywhere(chain: Pipeline, folder: str, argument: str, path: str) -> None:
    """A file is found by its path from the current folder, from the project's, and from the root."""
    result = call(chain.root / folder, "lineage", argument.format(root=chain.root))
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"{path}  ")


def test_a_file_is_a_tree_of_what_made_it(chain: Pipeline) -> None:
    """The provenance of a file goes up to the sources, with the settings and metrics of each result."""
    text = re.sub(r" on \d{4}-.*", " TIME", call(chain.root, "lineage", "data/total.txt").out)
    assert re.sub(r"\b[0-9a-f]{12}\b", "DIGEST", text).splitlines() == [
        "data/total.txt  DIGEST  3 bytes",
        "└── made by side TIME",
        "    ├── metrics total 180",
        "    └── data/made.txt  DIGEST  8 bytes",
        "        └── made by make TIME",
        "            ├── settings times=3",
        "            ├── metrics count 3",
        "            └── source.txt  DIGEST  source",
    ]


def test_a_file_that_is_no_recorded_result_is_said_to_be_so(chain: Pipeline) -> None:
    """Of an edited file the latest result is shown, with a remark; without any result, that is what is said."""
    chain.write("data/report.txt", "mine")
    edited = "data/report.txt differs from the latest recorded result of join, shown here"
    lines = call(chain.root, "lineage", "data/report.txt").lines
    assert lines[1].startswith("└── made by join on ")
    assert lines[-1] == f"{edited}: it was edited, or made by a run that is not recorded."
    assert call(chain.root, "cache", "clear", "--yes").code == 0
    lines = call(chain.root, "lineage", "data/report.txt").lines
    assert lines[-1] == "No result of join is recorded: how data/report.txt was made is unknown."


def test_programs_get_the_provenance_with_what_is_in_place(chain: Pipeline) -> None:
    """JSON has the file asked for first, and the digest of what is in place: null if nothing is."""
    found = json.loads(call(chain.root, "lineage", "--json", "data/total.txt").out)
    assert [each["path"] for each in found["files"]] == ["data/total.txt", "data/made.txt", "source.txt"]
    assert found["in_place"] == found["files"][0]["digest"]
    chain.path("data/total.txt").unlink()
    assert json.loads(call(chain.root, "lineage", "--json", "data/total.txt").out) == {**found, "in_place": None}


def test_runs_are_shown_up_to_a_number(chain: Pipeline) -> None:
    """`--runs` limits the runs, the newest first; the option may be a number in pyproject.toml."""
    for _ in range(2):
        assert call(chain.root, "run", "-o", "reported.txt").code == 0
    assert len(json.loads(call(chain.root, "lineage", "--json").out)["runs"]) == 2
    limited = call(chain.root, "lineage", "--json", "--runs", "1")
    found = json.loads(limited.out)
    assert (len(found["runs"]), found["older_runs"]) == (1, 1)
    assert {name: each["verdict"] for name, each in found["runs"][0]["stages"].items()} == dict.fromkeys(ALL, "kept")
    chain.write("pyproject.toml", "[tool.doit.commands.lineage]\nshown_runs = 1\n")
    assert call(chain.root, "lineage", "--json") == limited
    chain.write("pyproject.toml", "[tool.doit.commands.lineage]\nshown_runs = 0\n")
    assert call(chain.root, "lineage", "--json").code == 3


@pytest.mark.parametrize(("form", "start"), [("--json", "{"), ("--mermaid", "flowchart LR\n"), ("--svg", "<svg ")])
def test_a_form_is_printed_and_no_page_is_written(chain: Pipeline, form: str, start: str) -> None:
    """With a form the lineage goes to standard output, with one line end behind it."""
    result = call(chain.root, "lineage", form)
    assert result.code == 0
    assert result.out.startswith(start)
    assert result.out.rstrip("\n") + "\n" == result.out
    assert not chain.path("data/lineage.html").exists()


def test_the_page_replaces_an_earlier_one(chain: Pipeline) -> None:
    """The page is written into the project, from any folder, and replaces only such a page."""
    for folder, shown in ((".", "data/lineage.html"), ("steps", "../data/lineage.html")):
        result = call(chain.root / folder, "lineage")
        assert result.lines[0].startswith(f"{shown}: 4 stages, 0 runs, ")
        assert result.lines[1] == f"Open it in a browser: {chain.path('data/lineage.html').as_uri()}"
    assert chain.read("data/lineage.html").startswith("<!doctype html>")


def test_a_named_page_goes_to_the_current_folder(chain: Pipeline) -> None:
    """`-o` names a file from the current folder; folders on the way are made."""
    result = call(chain.root / "steps", "lineage", "-o", "pages/größe.html")
    assert result.lines[0].startswith("pages/größe.html: 4 stages, ")
    assert chain.path("steps/pages/größe.html").is_file()
    assert not chain.path("data/lineage.html").exists()
