"""`doit lineage`: what made what from what, as JSON, a flowchart, a picture, a page, and for one file a tree."""

import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from projects import ALL, FOR_EVER, Pipeline, until


def lineage(pipeline: Pipeline, *arguments: str) -> dict[str, Any]:
    """Return the output of `--json`."""
    result = pipeline.doit("lineage", "--json", *arguments)
    assert (result.executed, result.code, result.err) == ([], 0, "")
    return json.loads(result.out)


def test_runs_and_traces(built: Pipeline) -> None:
    """Each run has the outcome of each stage; each result names the run that made it, also if it was kept."""
    built.doit("sort.reverse=true")
    found = lineage(built)
    newest, oldest = found["runs"]
    assert found["stages"][0]["name"] == "make"
    assert newest["command"] == "doit sort.reverse=true"
    assert newest["stages"]["sort"]["verdict"] == "ran"
    assert newest["stages"]["sort"]["reason"] == "reverse False -> True"
    kept = newest["stages"]["make"]
    assert kept["verdict"] == "kept"
    trace = found["traces"][kept["trace"]]
    assert trace["run"] == oldest["name"]
    assert trace["settings"] == {"times": 3}
    assert trace["outputs"]["made"]["size"] == len(built.read("data/made.txt"))
    assert found["traces"][newest["stages"]["sort"]["trace"]]["inputs"] == {"made": trace["outputs"]["made"]["digest"]}


def test_so_many_runs(built: Pipeline) -> None:
    """`--runs` limits the runs, and the run that made a result is still named."""
    built.doit()
    built.doit()
    found = lineage(built, "--runs", "1")
    assert (len(found["runs"]), found["older_runs"]) == (1, 2)
    assert all(trace["run"] for trace in found["traces"].values())
    built.write("pyproject.toml", "[tool.doit.commands.lineage]\nshown_runs = 1\n")
    assert len(lineage(built)["runs"]) == 1


def test_the_provenance_of_a_file(built: Pipeline) -> None:
    """The tree of a file shows makers and inputs up to the sources, with settings; nothing runs."""
    result = built.doit("lineage", "data/report.txt")
    assert (result.executed, result.code, result.err) == ([], 0, "")
    lines = result.out.splitlines()
    assert lines[0].startswith("data/report.txt  ")
    assert re.search(r"made by join on 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d, in \d+\.\d{3}s on .* \(doit\)$", lines[1])
    assert result.out.count("source.txt") == 1
    assert "settings times=3" in result.out
    assert "metrics count 3" in result.out
    assert lines[-1].endswith("see above")
    assert built.doit("lineage", "made.txt", folder="data").out.startswith("data/made.txt  ")
    assert built.doit("lineage", "source.txt").out.rstrip().endswith("source")


def test_a_file_changed_by_hand(built: Pipeline) -> None:
    """A file that is not its stage's output is said to be so, and how that output was made."""
    built.write("data/report.txt", "mine")
    built.write("source.txt", "9")
    result = built.doit("lineage", "data/report.txt")
    assert "data/report.txt differs from the latest recorded result of join, shown here: it was edited" in result.out
    assert re.search(r"source\.txt .* source  other content is in place", result.out)
    assert "made by join on" in result.out
    built.path("data/total.txt").unlink()
    assert re.search(r"data/total\.txt .* not in place", built.doit("lineage", "data/report.txt").out)


def test_the_provenance_as_json(built: Pipeline) -> None:
    """The same is there for programs, each content once."""
    files = lineage(built, "data/report.txt")["files"]
    assert [each["path"] for each in files].count("data/made.txt") == 1
    assert files[0]["stage"] == "join"
    assert {each["path"] for each in files} == {
        "source.txt", *(f"data/{name}.txt" for name in ("made", "ordered", "total", "report"))
    }  # fmt: skip


def test_nothing_on_record(fresh: Pipeline) -> None:
    """A pipeline that never ran has a lineage, which says so."""
    assert lineage(fresh)["runs"] == []
    page = fresh.doit("lineage")
    assert (page.code, page.err) == (0, "")
    assert "No run is recorded" in fresh.read("data/lineage.html")
    tree = fresh.doit("lineage", "data/made.txt")
    assert "not recorded" in tree.out
    assert tree.code == 0


def test_what_is_lost(built: Pipeline) -> None:
    """Traces and blobs that are gone or corrupt are absent, and no fault; so are stages declared no longer."""
    built.doit("sort.reverse=true")
    traces = sorted(built.path(".redoit/traces").rglob("*.json"))
    traces[0].unlink()
    traces[1].write_text("{}")
    for blob in built.blobs()[::2]:
        blob.write_bytes(b"x")
    built.edit("dodo.py", "def task_join", "def _join")
    assert "join" not in {stage["name"] for stage in lineage(built)["stages"]}
    assert "join" in lineage(built)["runs"][0]["stages"]
    assert built.doit("lineage").code == 0
    assert built.doit("lineage", "data/made.txt").code == 0


def test_a_flowchart(built: Pipeline) -> None:
    """Mermaid has a node for each stage and file, with the outcome in the newest run."""
    result = built.doit("lineage", "--mermaid")
    assert result.out.startswith("flowchart LR\n")
    assert 'f0(["source.txt"])' in result.out
    assert '["make<br>ran"]' in result.out
    assert result.out.count("-->") == 9


def test_a_picture(built: Pipeline) -> None:
    """The picture is well-formed, and the same each time."""
    first = built.doit("lineage", "--svg").out
    assert first == built.doit("lineage", "--svg").out
    root = ET.fromstring(first)
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {*ALL, "source.txt", "report.txt"} <= texts


def test_the_page(built: Pipeline) -> None:
    """One page is written, which names no other place; doit goes on to find nothing to do."""
    result = built.doit("lineage")
    assert result.out.startswith("data/lineage.html: 4 stages, 1 run, ")
    assert f"Open it in a browser: file://{built.path('data/lineage.html')}" in result.out
    page = built.read("data/lineage.html")
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)
    assert len(page) < 300_000
    assert built.doit().told("kept") == ALL
    assert built.doit("lineage", "-o", "../mine.html", folder="steps").code == 0
    assert built.read("mine.html").startswith("<!doctype html>")


TAKEN = "found another file, or a stage's output, expected a free place for the page; "
WRONG = {
    "qqqqqqqq": "ERROR: qqqqqqqq: no stage makes or reads this file; known: ",
    "data/mad.txt": "ERROR: data/mad.txt: no stage makes or reads this file; did you mean data/made.txt?\n",
    "sort": "ERROR: sort: found a stage, expected a file; say: doit lineage data/ordered.txt\n",
    "--runs x": "ERROR: --runs: found x, expected a number of runs; say --runs 20\n",
    "--runs 0": "ERROR: --runs: found 0, expected a number of runs; say --runs 20\n",
    "--runs -1": "ERROR: --runs: found -1, expected a number of runs; say --runs 20\n",
    "--json --svg": "ERROR: doit lineage: found --json and --svg, expected one of them; leave the others out\n",
    "data/made.txt --svg": "ERROR: --svg: found after the file data/made.txt, expected nothing; "
    "say: doit lineage --svg data/made.txt\n",
    "-o data/made.txt": f"ERROR: data/made.txt: {TAKEN}",
    "-o data": f"ERROR: data: {TAKEN}",
    "-o source.txt": f"ERROR: source.txt: {TAKEN}",
    "-o dodo.py": f"ERROR: dodo.py: {TAKEN}",
    "-o pipe": f"ERROR: pipe: {TAKEN}",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_can_not_be_shown(built: Pipeline, words: str) -> None:
    """A mistake is one line, and nothing is written."""
    os.mkfifo(built.path("pipe"))
    before, source, dodo = built.outputs(), built.read("source.txt"), built.read("dodo.py")
    result = built.doit("lineage", *words.split())
    assert result.code == 3
    assert result.err.startswith(WRONG[words])
    assert (built.read("source.txt"), built.read("dodo.py"), built.path("pipe").is_fifo()) == (source, dodo, True)
    assert built.outputs() == before


def test_while_another_doit_runs(built: Pipeline) -> None:
    """It does not wait for another doit, and shows the runs that have ended."""
    built.edit("source.txt", "3", "4")
    process = built.start(DURING_make=FOR_EVER)
    until(lambda: "make" in built.executed())
    assert len(lineage(built)["runs"]) == 1
    process.send_signal(signal.SIGINT)
    built.finish(process)


def test_a_store_of_several_checkouts(built: Pipeline, tmp_path: Path) -> None:
    """A result of another checkout is shown with time and host; its run is in that checkout's log."""
    built.write("pyproject.toml", '[tool.redoit]\nstore = "../store"\n')
    assert built.doit("make").executed == ["make"]
    shutil.copytree(built.root, tmp_path / "other", ignore=shutil.ignore_patterns(".redoit", "data"))
    other = Pipeline(tmp_path / "other")
    assert other.doit("make").told("restored") == ["make"]
    trace = next(iter(lineage(other)["traces"].values()))
    assert (trace["stage"], trace["run"]) == ("make", None)
    assert "(its run is not recorded)" in other.doit("lineage", "data/made.txt").out


def test_without_stages(project: Callable[[dict[str, str]], Pipeline]) -> None:
    """Where there are no stages, one line says so."""
    pipeline = project({"dodo.py": "def task_plain():\n    return {'actions': ['true']}\n"})
    assert pipeline.doit("lineage").err.startswith("ERROR: dodo.py: found no stage")
