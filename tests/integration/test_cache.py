"""`doit cache`: it lists what the store has, collects, finds corrupt files, and clears the store."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import ALL, PATIENCE, Pipeline
from workspaces import some_trace

from redoit.digest import of_bytes
from redoit.storage.serialize import trace_to_bytes
from redoit.storage.store import Store

SHARED = '[tool.redoit]\nstore = "../store"\n'


def stored(pipeline: Pipeline) -> dict[str, bytes]:
    """Return all files of the store."""
    root = pipeline.path(".redoit")
    return {
        str(path.relative_to(root)): path.read_bytes()
        for name in ("blobs", "traces", "quarantine", "private/blobs", "private/traces")
        for path in sorted((root / name).rglob("*"))
        if path.is_file()
    }


def listed(text: str) -> dict[str, list[str]]:
    """Return stage -> figures, from the table that `doit cache` prints."""
    rows = [re.split(r"  +", line) for line in text.splitlines() if re.search(r"  +\d", line)]
    return {row[0]: row[1:] for row in rows}


@pytest.fixture
def used(built: Pipeline) -> Pipeline:
    """Return the chain, built with three values of a setting, and back at the default."""
    for times in (4, 5):
        assert built.doit(f"make.times={times}").executed == ALL
    assert built.doit().executed == []
    return built


def test_what_the_store_has(used: Pipeline) -> None:
    """For each stage traces, blobs, bytes and time are shown, aligned, and what sharing and keeping have saved."""
    lines = used.doit("cache").out.splitlines()
    assert re.fullmatch(r"\.redoit holds 12 traces and \d+ blobs, \d+\.\d kB\.", lines[0])
    assert re.fullmatch(r"stage +traces +blobs +size +run time", lines[1])
    assert list(listed("\n".join(lines))) == sorted(ALL)
    assert {row[0] for row in listed("\n".join(lines)).values()} == {"3"}
    assert len({len(line) for line in lines[1:6]}) == 1
    assert re.fullmatch(r"Storing equal content once saves \d+\.\d kB\.", lines[6])
    assert re.fullmatch(
        r"In this checkout, 0 kept and 4 restored results have saved (\d+\.\d s|\d+ min \d+ s)\.", lines[7]
    )
    assert len(lines) == 8


def test_figures_are_those_of_the_disk(built: Pipeline) -> None:
    """The size shown is that of all files in the store."""
    size = sum(map(len, stored(built).values()))
    assert f"holds 4 traces and {len(built.blobs())} blobs, {size / 1000:.1f} kB." in built.doit("cache").out


def test_an_empty_store(fresh: Pipeline) -> None:
    """Before the first run, one line says that the store is empty."""
    assert fresh.doit("cache").out == ".redoit holds 0 traces and 0 blobs, 0 bytes.\n"


def test_what_is_kept_saves_time(built: Pipeline) -> None:
    """What the runs on record kept or restored is added up."""
    for count in (4, 8):
        built.doit()
        assert f"\nIn this checkout, {count} kept and 0 restored results have saved " in built.doit("cache").out


@pytest.mark.parametrize("arguments", [[], ["gc", "--dry-run", "--max-size", "0"], ["check"]], ids=" ".join)
def test_listing_writes_nothing(built: Pipeline, arguments: list[str]) -> None:
    """Listing a shared store does not change it, and works on a read-only one."""
    built.path(".redoit").rename(built.path("../store"))
    built.write("pyproject.toml", SHARED)
    before = {path: path.stat().st_mtime_ns for path in built.path("../store").rglob("*")}
    result = built.doit("cache", *arguments)
    assert (result.code, result.err) == (0, "")
    assert "4 traces" in result.out
    assert {path: path.stat().st_mtime_ns for path in built.path("../store").rglob("*")} == before


WRONG = {
    "foo": "cache: found 'foo', expected nothing or one of gc, check, clear",
    "gc --max-size=abc": "cache gc --max-size: found 'abc', expected a size like 500MB or 5GB",
    "gc --max-size": "cache gc --max-size: expected one argument",
    "gc --max-size 1e9": "cache gc --max-size: found '1e9', expected a size like 500MB or 5GB",
    "gc --max-size " + "9" * 400: f"cache gc --max-size: found '{'9' * 400}', expected a size like 500MB or 5GB",
    "gc --keep-last -1": "cache gc --keep-last: found '-1', expected a number like 3",
    "gc --keep-last 3.5": "cache gc --keep-last: found '3.5', expected a number like 3",
    "gc --max-size 1.5": "cache gc --max-size: found '1.5', expected a size like 500MB or 5GB",
    "gc --older-than 3": "cache gc --older-than: found '3', expected a time like 12h, 30d or 2w",
    "gc --dry": "cache gc: found '--dry', expected no such argument",
    "gc now": "cache gc: found 'now', expected no such argument",
    "check --yes": "cache check: found '--yes', expected no such argument",
}


@pytest.mark.parametrize("arguments", WRONG, ids=lambda text: text[:20])
def test_a_wrong_argument_is_one_line(built: Pipeline, arguments: str) -> None:
    """What was found, what was expected, and where to read more; nothing is done."""
    before = stored(built)
    result = built.doit("cache", *arguments.split())
    assert (result.code, result.out, result.err) == (3, "", f"ERROR: doit {WRONG[arguments]}; see: doit help cache\n")
    assert stored(built) == before


@pytest.mark.parametrize("command", ["cache", "verify", "list", "run"])
def test_an_option_that_no_command_has(built: Pipeline, command: str) -> None:
    """A misspelled option is one line, without doit's own list of options."""
    result = built.doit(command, "--qqqq")
    assert (result.code, result.err) == (3, f"ERROR: --qqqq: no such option; see: doit help {command}\n")


def test_help_names_all_options(built: Pipeline) -> None:
    """`doit help cache` explains each."""
    text = built.doit("help", "cache").out
    for option in ("gc", "--max-size", "--older-than", "--keep-last", "--dry-run", "check", "clear", "--yes"):
        assert option in text


RULES = ["", "--keep-last 1", "--max-size 6kB", "--older-than 0s", "--older-than 30d", "--max-size 5GB --keep-last 3"]


@pytest.mark.parametrize("rule", RULES)
def test_a_preview_shows_what_is_removed_then(used: Pipeline, rule: str) -> None:
    """`--dry-run` says the same in the same words as what follows, and removes nothing."""
    (used.path(".redoit/quarantine")).mkdir()
    used.write(".redoit/quarantine/corrupt", "x" * 100)
    before = stored(used)
    told = used.doit("cache", "gc", "--dry-run", *rule.split())
    assert stored(used) == before
    done = used.doit("cache", "gc", *rule.split())
    assert done.out == told.out.replace("Would remove", "Removed").replace("Would free", "Freed")
    assert (told.code, done.code, done.err) == (0, 0, "")
    freed = sum(map(len, before.values())) - sum(map(len, stored(used).values()))
    figure = re.search(r"Freed (.*?) of", done.out)
    assert figure
    assert figure[1] == (f"{freed} bytes" if freed < 1000 else f"{freed / 1000:.1f} kB")


def test_traces_of_outputs_in_place_stay(used: Pipeline) -> None:
    """Whatever the rule, what is in place can be restored; what it took away runs again."""
    result = used.doit("cache", "gc", "--max-size", "0", "--older-than", "0s")
    assert "Removed 2 traces of make, made on " in result.out
    assert "That is more than 0 bytes: the rest is in use.\n" in result.out
    shutil.rmtree(used.path("data"))
    assert used.doit().told("restored") == ALL
    assert used.doit("make.times=4").executed == ALL


def test_traces_of_other_checkouts_stay(fresh: Pipeline) -> None:
    """In a shared store, gc in one checkout leaves the traces of outputs in place in another."""
    fresh.write("pyproject.toml", SHARED)
    other = Pipeline(fresh.path("../other"))
    shutil.copytree(fresh.root, other.root)
    assert fresh.doit().executed == ALL
    assert other.doit("make.times=4").executed == ALL
    assert (
        "Freed 0 bytes of ../store (0 traces, 0 blobs, 0 orphaned files)"
        in fresh.doit("cache", "gc", "--max-size", "0").out
    )
    shutil.rmtree(other.path("data"))
    assert other.doit("make.times=4").executed == []
    shutil.rmtree(other.root)
    assert "Removed 1 trace of make, made on " in fresh.doit("cache", "gc", "--max-size", "0").out


def test_two_collect_during_a_run(used: Pipeline) -> None:
    """Two that collect and one that runs end well, and what was made is right."""
    command = [sys.executable, "-m", "doit", "cache", "gc", "--older-than", "0s"]
    gcs = [subprocess.Popen(command, cwd=used.root, env=used.env, stdout=subprocess.DEVNULL) for _ in range(2)]
    result = used.doit("make.times=7")
    assert [process.wait(PATIENCE) for process in gcs] == [0, 0]
    assert (result.code, used.read("data/report.txt")) == (0, "70 140 210 = 420\n")
    assert used.doit("make.times=7").executed == []


def test_what_is_corrupt_is_found(built: Pipeline) -> None:
    """A corrupt blob is named and moved to quarantine, and so is its trace; running again repairs it."""
    built.doit()
    assert built.doit("cache", "check").out.endswith(": no errors found.\n")
    report = built.path("data/report.txt").read_bytes()
    blob = next(path for path in built.blobs() if path.read_bytes() == report)
    blob.write_bytes(bytes([report[0] ^ 1]) + report[1:])
    name = blob.relative_to(built.path(".redoit"))
    result = built.doit("cache", "check")
    lines = result.out.splitlines()
    assert lines[0] == f"corrupt: {name}: its content does not match its name; moved to .redoit/quarantine"
    assert re.fullmatch(r"missing: an output of join, made on \d{4}-\d\d-\d\d", lines[1])
    assert lines[2].endswith(": 1 corrupt, 1 missing.")
    assert (len(lines), result.code, result.err) == (3, 1, "")
    assert (blob.exists(), len(list(built.path(".redoit/quarantine").iterdir()))) == (False, 1)
    built.path("data/report.txt").unlink()
    assert built.doit().executed == ["join"]
    result = built.doit("cache", "check")
    assert (result.code, result.out.endswith(": no errors found.\n")) == (0, True)


def test_what_the_store_lost_is_put_again(built: Pipeline) -> None:
    """A kept output whose blob is lost is put into the store again, before it is lost as well."""
    total = built.path("data/total.txt").read_bytes()
    next(path for path in built.blobs() if path.read_bytes() == total).unlink()
    assert built.doit("cache", "check").out.splitlines()[-1].endswith(": 1 missing.")
    assert built.doit().told("kept") == ALL
    assert built.doit("cache", "check").code == 0
    built.path("data/total.txt").unlink()
    assert built.doit().executed == []


def test_what_is_corrupt_is_not_in_the_way(built: Pipeline) -> None:
    """A result that can't be restored is collected without any rule, unless its outputs are in place."""
    built.doit("make.times=4")
    made = built.path("data/made.txt").read_bytes()
    blob = next(path for path in built.blobs() if path.read_bytes() == made)
    built.doit()
    blob.unlink()
    assert "Removed 1 trace of make" in built.doit("cache", "gc").out
    assert built.doit().executed == []


def test_without_a_terminal_nothing_is_cleared(built: Pipeline) -> None:
    """Without a terminal, only `--yes` clears; then everything runs again."""
    before = stored(built)
    result = built.doit("cache", "clear")
    assert (result.code, result.err) == (1, "doit cache clear: found no terminal to ask at; add --yes\n")
    assert stored(built) == before
    assert built.doit("cache", "clear", "-y").code == 0
    assert stored(built) == {}
    assert built.doit().executed == ALL


@pytest.mark.parametrize(("answer", "left"), [("n", True), ("", True), ("\x04", True), ("y", False)])
def test_at_a_terminal_it_asks(built: Pipeline, answer: str, left: bool) -> None:
    """At a terminal it says what goes, and asks; all but a yes leaves everything."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "doit", "cache", "clear"]
    process = subprocess.Popen(command, cwd=built.root, stdin=theirs, stdout=subprocess.PIPE, text=True)
    os.write(ours, f"{answer}\n".encode())
    out, _ = process.communicate(timeout=PATIENCE)
    os.close(ours)
    os.close(theirs)
    assert out.startswith("This removes 4 traces and ")
    assert "Outputs in place stay, but each stage runs again.\nContinue? [y/N] " in out
    assert (process.returncode, bool(stored(built))) == ((1, True) if left else (0, False))


def test_clearing_a_shared_store_says_so(fresh: Pipeline) -> None:
    """Before a shared store is cleared, it is said how many others may need it."""
    fresh.write("pyproject.toml", SHARED)
    other = Pipeline(fresh.path("../other"))
    shutil.copytree(fresh.root, other.root)
    fresh.doit()
    assert other.doit().executed == []
    line = r"This removes 4 traces and \d+ blobs, \d\.\d kB, which 1 other checkout may need\. Outputs in place stay"
    assert re.match(line, fresh.doit("cache", "clear").out)


def test_what_is_never_shared_is_listed_apart(built: Pipeline) -> None:
    """Results of impure and volatile stages are kept apart from the store, and counted there."""
    built.edit("dodo.py", 'outputs={"made": "data/made.txt"}', 'outputs={"made": "data/made.txt"}, volatile=True')
    built.doit("make")
    lines = built.doit("cache").out.splitlines()
    assert re.match(r"\.redoit/private holds 1 trace and \d+ blobs, ", lines[1])


def test_a_name_that_somebody_made_up(built: Pipeline) -> None:
    """A hostile stage name in a shared store is shown as one short word."""
    fields = json.loads(trace_to_bytes(some_trace()))
    fields["stage"] = "\x1b[2J\n\ud800" + "x" * 1000
    data = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )
    place = Store(Path(built.path(".redoit"))).trace_path(some_trace().action.key, of_bytes(data))
    place.parent.mkdir()
    place.write_bytes(data)
    for arguments in ([], ["check"], ["gc"]):
        result = built.doit("cache", *arguments)
        assert result.err == ""
        assert r"\x1b[2J\n\ud800xxx" in result.out
        assert max(map(len, result.out.splitlines())) < 130


def test_from_a_folder_below(built: Pipeline) -> None:
    """It is found from any folder of the project."""
    assert built.doit("cache", folder="steps").out.startswith(".redoit holds 4 traces")


def test_without_stages(project: Callable[[dict[str, str]], Pipeline]) -> None:
    """Where there are no stages, one line says so, and nothing is made."""
    pipeline = project({"dodo.py": "def task_plain():\n    return {'actions': ['true']}\n"})
    result = pipeline.doit("cache", "clear", "--yes")
    assert result.code == 3
    assert result.err.startswith("ERROR: dodo.py: found no stage; ")
    assert not pipeline.path(".redoit").exists()
