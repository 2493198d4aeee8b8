"""`doit why`: each kind of reason, in real runs of doit; a dry run changes nothing."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from projects import ALL, Pipeline


def why(pipeline: Pipeline, *arguments: str) -> list[str]:
    """Return the lines that `doit why` prints."""
    result = pipeline.doit("why", *arguments)
    assert (result.executed, result.code, result.err) == ([], 0, ""), result.text
    return result.out.splitlines()


def explained(pipeline: Pipeline, *arguments: str) -> dict[str, dict[str, Any]]:
    """Return the output of `doit why --json`, by stage."""
    result = pipeline.doit("why", "--json", *arguments)
    assert (result.executed, result.code, result.err) == ([], 0, ""), result.text
    return {found["stage"]: found for found in json.loads(result.out)}


def reason_of(pipeline: Pipeline, stage: str, *arguments: str) -> dict[str, Any]:
    """Return the first reason of a stage."""
    found: dict[str, Any] = explained(pipeline, *arguments)[stage]["reasons"][0]
    return found


MADE = r"  made \d{4}-\d\d-\d\d \d\d:\d\d:\d\d on \S+ in \d+\.\d{3}s"


def test_what_is_kept(built: Pipeline) -> None:
    """For a kept stage `why` shows when, where, from which settings and in what time its result was made."""
    lines = why(built, "make")
    assert lines[0] == "make: keep"
    assert re.fullmatch(rf"{MADE}, with times 3", lines[1])
    assert len(lines) == 2


def test_what_is_restored(built: Pipeline) -> None:
    """For a restored stage `why` shows why the outputs in place are not kept, and which result is restored."""
    built.path("data/made.txt").unlink()
    lines = why(built, "make")
    assert lines[:2] == ["make: restore", "  output data/made.txt is missing"]
    assert re.fullmatch(rf"{MADE}, with times 3", lines[2])


def test_the_way_back_is_a_restore(built: Pipeline) -> None:
    """After a run with another setting, the restore is explained by that setting, and the stages behind are decided."""
    assert built.doit("make.times=7").code == 0
    found = explained(built)
    assert [found[name]["verdict"] for name in ALL] == ["restore"] * 4
    assert found["make"]["reasons"][0]["text"] == "times 7 -> 3"
    assert found["make"]["reasons"][0]["from"] == "the default of run"
    assert found["make"]["result"]["settings"] == {"times": 3}
    assert found["sort"]["reasons"][0]["because"] == "times 7 -> 3"


SOURCES: dict[str, tuple[Callable[[Pipeline], object], tuple[str, ...], str]] = {
    "variable": (lambda _: None, ("make.times=4",), "the command line"),
    "option": (lambda _: None, ("make", "--times", "4"), "the command line"),
    "doit.cfg": (lambda found: found.write("doit.cfg", "[task:make]\ntimes = 4\n"), (), "doit.cfg"),
    "pyproject": (
        lambda found: found.write("pyproject.toml", "[tool.doit.tasks.make]\ntimes = 4\n"),
        (),
        "pyproject.toml",
    ),
    "default": (
        lambda found: found.edit("steps/make.py", "times: int = 3", "times: int = 4"),
        (),
        "the default of run",
    ),
}


@pytest.mark.parametrize(("edit", "arguments", "origin"), SOURCES.values(), ids=SOURCES)
def test_a_setting(
    built: Pipeline, edit: Callable[[Pipeline], object], arguments: tuple[str, ...], origin: str
) -> None:
    """A changed setting is shown with its old and new value, and the source of the new one."""
    edit(built)
    assert f"  setting times 3 -> 4, from {origin}" in why(built, *arguments)


def test_code(built: Pipeline) -> None:
    """Changed code is shown by part, with the path of names that reaches it, and a diff."""
    built.edit("steps/deep.py", "FACTOR * 5", "FACTOR * 50")
    text = "\n".join(why(built, "make"))
    assert "  code of steps.deep:weight changed\n" in text
    assert "    reached by steps.make:run -> steps.helper:scale -> steps.deep:weight\n" in text
    assert "    -    return FACTOR * 5\n    +    return FACTOR * 50\n" in text
    assert re.search(r"compared with the result made \d{4}-.* on .* in .*s, with times 3", text)


def test_a_constant_and_a_new_part(built: Pipeline) -> None:
    """A changed constant is shown by name, and code that was not reached before as new."""
    built.edit("steps/constants.py", "FACTOR = 2", "FACTOR = UNUSED + 1")
    reasons = {reason["subject"]: reason for reason in explained(built)["make"]["reasons"]}
    assert reasons["steps.constants:FACTOR"]["diff"][-2:] == ["-FACTOR = 2", "+FACTOR = UNUSED + 1"]
    assert reasons["steps.constants:UNUSED"]["kind"] == "code added"
    assert reasons["steps.constants:UNUSED"]["via"][0] == "steps.make:run"


def test_a_part_that_is_taken_whole(built: Pipeline) -> None:
    """A module that counts whole is shown with the cause."""
    built.edit("steps/deep.py", "from steps", "import sys\nfrom steps")
    built.edit("steps/deep.py", "FACTOR * 5", 'getattr(sys.modules[__name__], "unused")() + FACTOR * 5')
    assert built.doit().code == 0
    built.edit("steps/deep.py", "def unused()", "def unused(more=0)")
    lines = why(built, "make")
    assert "  code of steps.deep:* changed" in lines
    assert any(re.fullmatch(r"    steps.deep: taken whole, .*", line) for line in lines), lines


def test_source_that_the_store_has_lost(built: Pipeline) -> None:
    """Where the earlier source is gone or corrupt there is no diff, and nothing breaks."""
    for blob in built.blobs():
        blob.write_bytes(blob.read_bytes() + b" ")
    built.edit("steps/deep.py", "FACTOR * 5", "FACTOR * 50")
    before = tree(built)
    assert "    its earlier source is no longer in the store" in why(built, "make")
    assert tree(built) == before


def test_an_input_that_no_stage_makes(built: Pipeline) -> None:
    """A changed input is shown with its old and new digest."""
    built.edit("source.txt", "3", "4")
    lines = why(built, "make")
    assert re.fullmatch(r"  input source.txt changed: [0-9a-f]{12} -> [0-9a-f]{12}", lines[1])
    assert lines[2] == "    no stage makes it"


def test_an_input_that_a_stage_made(built: Pipeline) -> None:
    """A changed input is shown with the stage that made it, and why, also in an earlier run."""
    built.edit("steps/helper.py", "number * times", "number + times")
    assert built.doit("make").code == 0
    lines = why(built, "sort")
    assert re.fullmatch(r"  input data/made.txt changed: [0-9a-f]{12} -> [0-9a-f]{12}", lines[1])
    assert lines[2] == "    made by make, where: code of steps.helper:scale changed"


def test_an_input_that_is_rebuilt(built: Pipeline) -> None:
    """An input that will be rebuilt is shown with the stage that rebuilds it, and the condition to keep the stage."""
    built.edit("steps/helper.py", "number * times", "number + times")
    lines = why(built, "sort")
    assert re.fullmatch(
        r"sort: run\?, [~<]\d+\.\d s, unless make rebuilds data/made.txt with the same content", lines[0]
    )
    assert lines[1:3] == [
        "  input data/made.txt is rebuilt by make",
        "    make runs: code of steps.helper:scale changed",
    ]
    assert explained(built)["sort"]["unless_same"] == "kept"


def test_a_package_and_python(built: Pipeline, tmp_path: Path) -> None:
    """A changed package is shown with its old and new version."""
    for version in ("1.0", "2.0"):
        site = tmp_path / "site-packages"
        info = site / f"toy-{version}.dist-info"
        for old in site.glob("toy-*/*"):
            old.unlink()
        for old in site.glob("toy-*"):
            old.rmdir()
        info.mkdir(parents=True)
        (site / "toy.py").write_text("VALUE = 1\n")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: toy\nVersion: {version}\n")
        (info / "RECORD").write_text("toy.py,,\n")
        (info / "top_level.txt").write_text("toy\n")
        if version == "1.0":
            built.edit("steps/side.py", "from pathlib", "import toy\nfrom pathlib")
            assert built.doit(PYTHONPATH=str(site)).executed == ["side"]
    result = built.doit("why", "side", PYTHONPATH=str(site))
    assert "  package toy 1.0 -> 2.0\n" in result.out


def test_an_output_that_was_changed(built: Pipeline) -> None:
    """A changed output is shown with both digests."""
    built.write("data/total.txt", "9")
    lines = why(built, "side")
    assert re.fullmatch(r"  output data/total.txt changed: [0-9a-f]{12} -> [0-9a-f]{12}", lines[1])
    assert lines[2] == "    not what its stage wrote: changed by hand, or corrupt"


def test_an_output_that_is_lost(built: Pipeline) -> None:
    """A stage whose output is missing here and corrupt in the store is planned to run, and runs."""
    for blob in built.blobs():
        if blob.read_bytes() == built.path("data/total.txt").read_bytes():
            blob.write_bytes(b"999")
    built.path("data/total.txt").unlink()
    before = tree(built)
    assert why(built, "side")[1] == "  output data/total.txt is missing, here and in the store"
    assert tree(built) == before
    assert built.doit().executed == ["side"]


def test_invalidation(built: Pipeline) -> None:
    """An invalidation is shown with its time, its command and the stage that it comes from."""
    built.doit("forget", "side")
    lines = why(built, "side", "join")
    by = r"    by: doit forget side, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert lines[1] == "  forgotten"
    assert re.fullmatch(by, lines[2])
    assert lines[3].startswith("  last made 20")
    start = next(index for index, line in enumerate(lines) if line.startswith("join: run"))
    assert lines[start + 1] == "  side was forgotten"
    assert re.fullmatch(by, lines[start + 2])


@pytest.mark.parametrize(
    ("arguments", "reasons"),
    [
        (("-a",), dict.fromkeys(ALL[:1], "forced by doit -a")),
        (("make", "--no-cache"), {"make": "caching is off"}),
        (("make.cache=no",), {"make": "caching is off", "sort": "make is not cached", "join": "make is not cached"}),
    ],
    ids=["always", "no-cache", "variable"],
)
def test_invalidation_by_the_command(built: Pipeline, arguments: tuple[str, ...], reasons: dict[str, str]) -> None:
    """`--no-cache` is shown for a stage and its dependents; a dry run writes no invalidation."""
    found = explained(built, *arguments)
    for name, text in reasons.items():
        assert (found[name]["verdict"], found[name]["reasons"][0]["text"]) == ("run", text)
    assert built.doit().told("kept") == ALL


def test_of_several_results_the_closest_explains(built: Pipeline) -> None:
    """A stage that had several results here is compared with the one that differs least."""
    assert built.doit("make.times=7").code == 0
    built.edit("steps/deep.py", "FACTOR * 5", "FACTOR * 50")
    texts = [reason["text"] for reason in explained(built)["make"]["reasons"]]
    assert texts == ["code of steps.deep:weight changed"]
    assert "(code of steps.deep:weight changed)" in built.doit("make").out


def test_what_can_not_run(built: Pipeline) -> None:
    """A missing input is shown with the error of a run, and so are the stage's dependents."""
    built.path("source.txt").unlink()
    lines = why(built)
    assert lines[0] == "make: fail"
    assert lines[1].startswith("  source.txt: not there, expected the input 'source' of make")
    assert "join: not run" in lines


def test_never_run_before(fresh: Pipeline) -> None:
    """Before the first run that is all there is to say."""
    assert why(fresh, "make") == ["make: run", "  never run before"]


def tree(pipeline: Pipeline) -> dict[str, bytes]:
    """Return all that is remembered, save by looking."""
    learnt = ("stat-cache", "installed", "doit.db", "use")
    files = (path for path in pipeline.root.rglob("*") if path.is_file() and path.name not in learnt)
    return {str(path): path.read_bytes() for path in files if "__pycache__" not in path.parts}


def test_a_dry_run_changes_nothing(built: Pipeline) -> None:
    """A dry run changes neither outputs nor `.redoit/`, whatever a run would do."""
    built.edit("steps/helper.py", "number * times", "number + times")
    built.path("data/total.txt").unlink()
    built.write("data/ordered.txt", "changed")
    before = tree(built)
    for command in (("why",), ("plan",), ("why", "--json"), ("list", "-s"), ("info", "join"), ("plan", "-a")):
        assert built.doit(*command).executed == []
    assert tree(built) == before


def test_info_and_list_agree(built: Pipeline) -> None:
    """`doit list -s` and `doit info` agree with `doit why`."""
    built.edit("steps/side.py", "found = sum", "found = 0 + sum")
    found = explained(built)
    listed = {line.split()[1]: line.split()[0] for line in built.doit("list", "-s").out.splitlines()}
    assert listed == {name: "U" if found[name]["verdict"] == "keep" else "R" for name in ALL}
    assert "status: run\n  code of steps.side:run changed\n" in built.doit("info", "side").out
    unless = "unless side rebuilds data/total.txt with the same content"
    assert f"status: run?\n  {unless}\n" in built.doit("info", "join").out


def test_info_and_list_agree_where_files_are_missing(built: Pipeline) -> None:
    """A file between stages that is missing or damaged comes back, so what is behind it is up to date all the same."""
    built.path("data/made.txt").unlink()
    built.write("data/ordered.txt", "damaged")
    assert [explained(built)[name]["verdict"] for name in ALL] == ["restore", "restore", "keep", "keep"]
    listed = {line.split()[1]: line.split()[0] for line in built.doit("list", "-s").out.splitlines()}
    assert listed == {"make": "R", "sort": "R", "side": "U", "join": "U"}
    for name, words in (("side", "status: keep"), ("sort", "status: restore")):
        assert words in built.doit("info", name).out
    built.path("source.txt").unlink()
    assert "E make" in built.doit("list", "-s").out


def test_info_shows_what_is_in_force(built: Pipeline) -> None:
    """`doit info` shows a stage's settings, where they come from, and its files."""
    built.write("doit.cfg", "[task:make]\ntimes = 4\n")
    out = built.doit("info", "make").out
    assert "status: run\n  times 3 -> 4\n" in out
    assert re.search(r"^  times +4 +from doit.cfg", out, re.MULTILINE)
    assert re.search(r"^  made +data/made.txt", out, re.MULTILINE)


def test_all_name_one_execution(built: Pipeline) -> None:
    """After a stage ran again and made the same bytes, that execution is credited with them everywhere."""
    assert built.doit("forget", "side").code == 0
    assert built.doit().executed == ["side", "join"]
    result = explained(built)["side"]["result"]
    latest = json.loads(built.read(".redoit/latest/side"))
    tree_of = json.loads(built.doit("lineage", "--json", "data/total.txt").out)
    (made,) = [one for one in tree_of["files"] if one["path"] == "data/total.txt"]
    assert result["trace"] == latest["trace"] == made["trace"]["name"]
    built.path("data/total.txt").unlink()
    assert built.doit().told("restored") == ["side"]
    assert explained(built)["side"]["result"]["trace"] == result["trace"]


def test_json_stands_first_or_last(built: Pipeline) -> None:
    """`--json` is understood on either side of the tasks."""
    assert built.doit("why", "--json", "make").out == built.doit("why", "make", "--json").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("make", "--tmes", "3"), "--tmes: make has no such option; did you mean --times?"),
        (("make.tmes=3",), "make has no setting 'tmes'"),
        (("times=3",), "times=3: found a setting without its stage; say make.times=3"),
        (("mkae",), "mkae: no such task or target; did you mean make?"),
        (("--jsn",), "--jsn: no such option"),
    ],
)
def test_a_mistake_is_one_line(built: Pipeline, arguments: tuple[str, ...], message: str) -> None:
    """A misspelled task, setting or option is one line, and a non-zero exit."""
    result = built.doit("why", *arguments)
    assert result.code == 3
    assert message in result.err
    assert len(result.err.splitlines()) == 1


def test_names_that_a_terminal_can_not_show(built: Pipeline) -> None:
    """Whatever a file, setting or encoding brings is shown escaped, in whole lines."""
    built.edit("steps/make.py", "times: int = 3", "times: int = 3, label: str = 'größe\\x1b[2J'")
    result = built.doit("why", "make", PYTHONIOENCODING="ascii")
    assert result.code == 0
    assert "label gr\\xf6\\xdfe\\x1b[2J added" in result.out
    assert "\x1b" not in result.out


def test_a_declared_variable_that_changed(fresh: Pipeline) -> None:
    """A variable that a stage declares is named as one, with both values."""
    fresh.edit("dodo.py", '"data/made.txt"})', '"data/made.txt"}, environ=["SCALE"])')
    assert fresh.doit("make", SCALE="1").executed == ["make"]
    assert "  variable $SCALE 1 -> 2\n" in fresh.doit("why", "make", SCALE="2").out
