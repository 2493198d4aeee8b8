"""`doit cache`: how quantities are read, and what each of its verbs says and does."""

import argparse
import errno
import io
import os
import re
import sys
from pathlib import Path

import pytest
from commands import Called, call
from in_process import OTHER_TIMES, TIMES, build
from projects import ALL, Pipeline

from redoit.cli.cache import VERBS
from redoit.state.rescued import rescued, set_aside

QUANTITIES: dict[str, dict[str, int]] = {
    "--max-size": {
        "0": 0,
        "123": 123,
        "123 b": 123,
        "5GB": 5 * 10**9,
        "5 gb": 5 * 10**9,
        "1.5kB": 1_500,
        "1.0009kB": 1_000,
        "2MiB": 2 * 2**20,
        " 1TB ": 10**12,
        "9" * 15: 999_999_999_999_999,
    },
    "--older-than": {"0s": 0, "90s": 90, "5m": 300, "1.5h": 5_400, "2D": 172_800, "2 w": 1_209_600},
    "--keep-last": {"0": 0, "3": 3},
}
WRONG = {
    "--max-size": ["", "GB", "-1", "1e9", "1.5", "5XB", "5 G B", ".5GB", "1.GB", "9" * 16],
    "--older-than": ["", "3", "3 days", "-1d", "d", "1h30m"],
    "--keep-last": ["", "-1", "3.5", "three", "3d"],
}
EXPECTED = {
    "--max-size": "expected a size like 500MB or 5GB",
    "--older-than": "expected a time like 12h, 30d or 2w",
    "--keep-last": "expected a number like 3",
}


@pytest.mark.parametrize(("option", "text"), [(option, text) for option, texts in QUANTITIES.items() for text in texts])
def test_a_quantity_is_a_number_and_a_unit(option: str, text: str) -> None:
    """A size, a time or a number is read in any case, with or without a blank, and rounded down."""
    assert VERBS["gc"][option]["type"](text) == QUANTITIES[option][text]


@pytest.mark.parametrize(("option", "text"), [(option, text) for option, texts in WRONG.items() for text in texts])
def test_what_is_no_quantity_is_an_error(option: str, text: str) -> None:
    """Without a number, with an unknown unit, a sign or too many digits, the error says what is expected."""
    with pytest.raises(argparse.ArgumentTypeError, match=f"^found '{re.escape(text)}', {EXPECTED[option]}$"):
        VERBS["gc"][option]["type"](text)


def cache(chain: Pipeline, *arguments: str) -> Called:
    """Call the command; what it prints has a word for each day, and for each size in bytes."""
    result = call(chain.root, "cache", *arguments)
    text = re.sub(r"\d{4}-\d\d-\d\d", "DAY", result.out)
    return result._replace(out=re.sub(r"[\d.,]+ (kB|bytes?)", "SIZE", text))


def blob_of(chain: Pipeline, output: str) -> str:
    """Return the path of the blob that has the content of an output."""
    content = chain.path(output).read_bytes()
    return next(str(path.relative_to(chain.root)) for path in chain.blobs() if path.read_bytes() == content)


def test_each_stage_is_a_row(chain: Pipeline) -> None:
    """Without a verb, the store's totals are followed by a row for each stage, in columns, and what sharing saves."""
    build(chain.root, OTHER_TIMES)
    lines = cache(chain).lines
    assert lines[0] == f".redoit holds 8 traces and {len(chain.blobs())} blobs, SIZE."
    assert lines[1].split() == ["stage", "traces", "blobs", "size", "run", "time"]
    assert [line.split()[:2] for line in lines[2:6]] == [[name, "2"] for name in sorted(ALL)]
    assert lines[6:] == ["Storing equal content once saves SIZE."]


def test_an_empty_store_is_one_line(fresh: Pipeline) -> None:
    """A store without results has neither a table nor remarks, and is not made by looking."""
    assert call(fresh.root, "cache") == (0, ".redoit holds 0 traces and 0 blobs, 0 bytes.\n", "")
    assert not fresh.path(".redoit/traces").exists()


@pytest.mark.parametrize("preview", [True, False])
def test_collecting_names_what_goes(chain: Pipeline, preview: bool) -> None:
    """`gc` says of which stages it removes traces and what that frees; with `--dry-run` it only says so."""
    build(chain.root, OTHER_TIMES)
    build(chain.root, TIMES)
    before = len(chain.blobs())
    result = cache(chain, "gc", "--keep-last", "0", *(["--dry-run"] if preview else []))
    removed, freed = ("Would remove", "Would free") if preview else ("Removed", "Freed")
    assert (result.code, result.err) == (0, "")
    assert result.lines[:4] == [f"{removed} 1 trace of {name}, made on DAY." for name in sorted(ALL)]
    assert re.fullmatch(
        rf"{freed} SIZE of .redoit \(4 traces, \d+ blobs, 0 orphaned files\); SIZE remain\.", result.lines[4]
    )
    assert (len(chain.blobs()) == before) == preview
    assert build(chain.root, TIMES) == []


@pytest.mark.parametrize(("options", "cause"), [((), ""), (("--keep-last", "3"), " or kept by --keep-last")])
def test_a_size_that_can_not_be_reached_is_explained(chain: Pipeline, options: tuple[str, ...], cause: str) -> None:
    """If what is in use takes more than `--max-size`, the last line says so, and nothing in use goes."""
    result = cache(chain, "gc", "--max-size", "1kB", *options)
    assert result.code == 0
    assert result.lines[-1] == f"That is more than SIZE: the rest is in use{cause}."
    assert build(chain.root, TIMES) == []


def test_a_corrupt_blob_is_named_and_moved(chain: Pipeline) -> None:
    """`check` names a file whose content is not that of its name, and the stage whose result is lost; status 1."""
    blob = blob_of(chain, "data/report.txt")
    chain.write(blob, "other")
    result = cache(chain, "check")
    moved = "its content does not match its name; moved to .redoit/quarantine"
    assert result.lines[:2] == [
        f"corrupt: {blob.removeprefix('.redoit/')}: {moved}",
        "missing: an output of join, made on DAY",
    ]
    assert result.lines[2].endswith(": 1 corrupt, 1 missing.")
    assert result.code == 1
    assert not chain.path(blob).exists()


def test_a_sound_store_has_no_errors(chain: Pipeline) -> None:
    """`check` of a sound store says what it has checked, with status 0."""
    expected = f"Checked 4 traces and {len(chain.blobs())} blobs, SIZE: no errors found.\n"
    assert cache(chain, "check") == (0, expected, "")


class Keyboard(io.StringIO):
    """A terminal, with what is typed at it."""

    def isatty(self) -> bool:
        """Tell that it is one."""
        return True


@pytest.mark.parametrize(
    ("typed", "cleared"), [("y\n", 1), (" YES \n", 1), ("n\n", 0), ("yep\n", 0), ("\n", 0), ("", 0)]
)
def test_clearing_asks_first(chain: Pipeline, monkeypatch: pytest.MonkeyPatch, typed: str, cleared: bool) -> None:
    """At a terminal, only a yes clears the store; anything else, or the end of input, leaves it with status 1."""
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    result = cache(chain, "clear")
    assert "Outputs in place stay, but each stage runs again.\nContinue? [y/N] " in result.out
    assert result.lines[-1].endswith("Freed SIZE." if cleared else "Nothing removed.")
    assert result.code == (0 if cleared else 1)
    assert (not chain.blobs()) == bool(cleared)


@pytest.mark.parametrize("options", [(), ("--yes",), ("-y",)], ids=" ".join)
def test_without_a_terminal_only_an_option_clears(
    chain: Pipeline, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """Where nobody can be asked, `clear` removes nothing and names the option that does."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    result = cache(chain, "clear", *options)
    assert result.code == (0 if options else 1)
    assert result.err == ("" if options else "doit cache clear: found no terminal to ask at; add --yes\n")
    assert (not chain.blobs()) == bool(options)


def test_what_was_set_aside_is_listed_and_removed(chain: Pipeline) -> None:
    """`doit cache` names what was in the way of outputs; `gc --rescued` removes it, and nothing else does."""
    chain.write("data/made.txt", "by hand")
    chain.path("data/total.txt").unlink()
    chain.write("data/total.txt/inner", "in a folder")
    for path in ("data/made.txt", "data/total.txt"):
        set_aside(chain.path(path), chain.path(".redoit"))
    places = [os.fspath(place.relative_to(chain.root)) for place in rescued(chain.path(".redoit"))]
    lines = call(chain.root, "cache").lines
    at = lines.index(".redoit/rescued holds 2 rescued files, 18 bytes; remove all with: doit cache gc --rescued")
    assert sorted(lines[at + 1 : at + 3]) == sorted(
        f"  {place} ({'7' if 'made' in place else '11'} bytes)" for place in places
    )
    assert "Removed 2" not in call(chain.root, "cache", "gc").out
    assert (
        call(chain.root, "cache", "gc", "--rescued", "--dry-run").lines[-1] == "Would remove 2 rescued files, 18 bytes."
    )
    assert len(rescued(chain.path(".redoit"))) == 2
    assert call(chain.root, "cache", "gc", "--rescued").lines[-1] == "Removed 2 rescued files, 18 bytes."
    assert list(chain.path(".redoit/rescued").iterdir()) == []
    assert "rescued" not in call(chain.root, "cache").out


def test_what_lies_on_another_file_system_is_removed(
    chain: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was set aside beside an output goes with the link that leads there; a link of a user goes alone."""
    true = os.rename

    def rename(path: Path, target: Path) -> None:
        if "/rescued/" in os.fspath(target) and not Path(path).is_symlink():
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        true(path, target)

    chain.write("data/made.txt", "by hand")
    chain.write("kept/target", "mine")
    chain.path("data/link").symlink_to("../kept/target")
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", rename)
        for path in ("data/made.txt", "data/link"):
            set_aside(chain.path(path), chain.path(".redoit"))
    assert len(list(chain.path("data").glob(".redoit-rescued-*/made.txt"))) == 1
    assert call(chain.root, "cache", "gc", "--rescued").lines[-1].startswith("Removed 2 rescued files, ")
    assert list(chain.path("data").glob(".redoit-*")) == []
    assert chain.read("kept/target") == "mine"
