"""The record file of an execution: made empty, and read whole or as torn."""

from pathlib import Path

import pytest

from redoit.execution.records import Touched, begin, read
from redoit.observer.record import line_of

FILE = Path("observed/train")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project, whose record file was begun."""
    monkeypatch.chdir(tmp_path)
    begin(FILE, ("/project", "/data/extra.csv"))


def append(*lines: bytes) -> None:
    """Append to the record file, as an observer does."""
    with FILE.open("ab") as file:
        file.writelines(lines)


def test_a_file_that_was_begun_has_no_records() -> None:
    """A file that was only begun is whole, and its scope is none of its records."""
    assert read(FILE) == Touched()


def test_to_begin_forgets_what_was_recorded_before() -> None:
    """A file that is begun again is another file: who still appends to the old one does not reach it."""
    with FILE.open("ab") as old:
        begin(FILE, ("/project",))
        old.write(line_of("read", "late"))
    assert read(FILE).records == ()


def test_records_are_read_in_their_order() -> None:
    """Each record has its kind and its fields, as texts, in the order in which they were made."""
    append(line_of("read", "/project/b", 1), line_of("native", ""), line_of("read", "/project/a", 2))
    found = read(FILE)
    assert found.records == (("read", "/project/b", "1"), ("native", ""), ("read", "/project/a", "2"))
    assert list(found.of("read")) == [("/project/b", "1"), ("/project/a", "2")]
    assert (found.torn, list(found.of("absent"))) == (False, [])


@pytest.mark.parametrize(
    "name", ["tab\t", "line\nbreak\r", "größe 大", "\udcff", "back\\slash\\n", "", "\x85\x0b\u2028"]
)
def test_any_name_can_be_recorded(name: str) -> None:
    """A name is read as it was recorded, whatever bytes it has."""
    append(line_of("read", name, "after"))
    assert read(FILE).records == (("read", name, "after"),)


LINE = line_of("read", "/project/file")
TORN = {
    "half a record": [LINE, LINE[:-7]],
    "no end of the line": [LINE[:-1]],
    "a record in another": [LINE[:12] + LINE + LINE[12:]],
    "a flipped bit": [LINE.replace(b"file", b"fild")],
    "no checksum": [b"read\t/project/file\n"],
    "an empty line": [b"\n", LINE],
    "zeros": [bytes(100)],
}


@pytest.mark.parametrize("lines", TORN.values(), ids=TORN)
def test_a_torn_record_is_noticed(lines: list[bytes]) -> None:
    """Where a record is not whole, another may be missing: none counts."""
    append(*lines)
    assert read(FILE) == Touched(torn=True)


@pytest.mark.parametrize("later", [b"", LINE, LINE * 2], ids=["emptied", "then one record", "then two"])
def test_a_file_that_was_emptied_is_torn(later: bytes) -> None:
    """An observer that gives up empties the file, to which others may append."""
    append(LINE)
    FILE.write_bytes(later)
    assert read(FILE) == Touched(torn=True)


def test_a_file_that_is_gone_is_torn() -> None:
    """Where there is no record file, nothing is known."""
    FILE.unlink()
    assert read(FILE) == Touched(torn=True)
