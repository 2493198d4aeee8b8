"""Small JSON files about one stage each: read back with care, and named after the stage."""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from redoit.errors import DiskError
from redoit.state.stage_file import MAX_FILENAME_BYTES, read_stage_file, stage_filename
from redoit.storage.disk import TEMPORARY_PREFIX


def test_a_file_is_its_fields(tmp_path: Path) -> None:
    """A JSON object is returned as a dict."""
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest/train").write_text('{"key": "größe", "earlier": [[1, null]]}', "utf-8")
    assert read_stage_file(tmp_path, "latest", "train") == {"key": "größe", "earlier": [[1, None]]}


@pytest.mark.parametrize(
    "data",
    [b"", b"no json", b"[]", b"null", b"1", b'"text"', b"\xff", b'{"key": 1', pytest.param(b"[" * 10**5, id="deep")],
)
def test_other_content_has_no_fields(tmp_path: Path, data: bytes) -> None:
    """Content that is not a JSON object counts as no fields, also where the file must be readable."""
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest/train").write_bytes(data)
    assert read_stage_file(tmp_path, "latest", "train") == {}
    assert read_stage_file(tmp_path, "latest", "train", must_read=True) == {}


PLACES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _path: None,
    "a folder": lambda path: path.mkdir(parents=True),
    "a pipe": lambda path: (path.parent.mkdir(), os.mkfifo(path)),
    "a link": lambda path: (path.parent.mkdir(), path.symlink_to("../fields")),
    "a link to its folder": lambda path: path.parent.symlink_to("folder"),
    "a file as its folder": lambda path: path.parent.touch(),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_what_is_not_a_regular_file_counts_as_missing(tmp_path: Path, place: Callable[[Path], object]) -> None:
    """A missing file, and whatever is not a regular file reached without links, has no fields."""
    for path in (tmp_path / "fields", tmp_path / "folder/train"):
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"key": 1}')
    place(tmp_path / "latest/train")
    assert read_stage_file(tmp_path, "latest", "train") == {}
    assert read_stage_file(tmp_path, "latest", "train", must_read=True) == {}


def test_a_failing_disk_is_an_error_only_where_it_must_be_read(tmp_path: Path, failing: Callable[[Path], None]) -> None:
    """On a failing disk there are no fields; with `must_read` it is an error that names the file."""
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest/train").write_text('{"key": 1}')
    failing(tmp_path / "latest/train")
    assert read_stage_file(tmp_path, "latest", "train") == {}
    with pytest.raises(DiskError, match=r"latest/train: Input/output error") as caught:
        read_stage_file(tmp_path, "latest", "train", must_read=True)
    assert caught.value.subject == str(tmp_path / "latest/train")


@pytest.mark.parametrize(
    ("stage", "filename"),
    [
        ("train", "train"),
        ("train:big", "train%3Abig"),
        ("a_b.c-d2", "a_b.c-d2"),
        ("train/../big", "train%2F..%2Fbig"),
        ("50%", "50%25"),
        ("größe", "gr%C3%B6%C3%9Fe"),
        ("two words\n", "two%20words%0A"),
        ("-_~:", "-_%7E%3A"),
        ("odd \udcff", "odd%20%ED%B3%BF"),
        (".", "%2E"),
        ("..", "%2E."),
        (".hidden:one", "%2Ehidden%3Aone"),
    ],
)
def test_a_filename_is_the_quoted_name(stage: str, filename: str) -> None:
    """A stage's file is in its folder whatever the stage is named, and its filename gives the name back."""
    assert stage_filename(stage) == filename
    assert unquote(filename, errors="surrogatepass") == stage
    assert Path("latest", filename).parent == Path("latest")


LONG = {
    "letters": "x" * 300,
    "letters that quoting makes longer": "学习率" * 12,
    "signs": "/" * 300,
    "dots": "." * 300,
    "a capital letter": "Train",
}


@pytest.mark.parametrize("stage", LONG.values(), ids=LONG)
def test_a_long_name_and_one_with_capital_letters_have_a_digest(stage: str, tmp_path: Path) -> None:
    """Any name is that of a file, whose beginning is readable; no two names share one, letters of both cases equal."""
    filename = stage_filename(stage)
    (tmp_path / filename).touch()
    assert len(filename.encode()) <= MAX_FILENAME_BYTES
    assert filename.count("~") == 1
    assert unquote(filename).startswith(stage[:5])
    for other in (f"{stage}x", stage.swapcase() + "a", stage.lower(), filename, unquote(filename)):
        assert other == stage or stage_filename(other).casefold() != filename.casefold()


def test_no_stage_has_the_filename_of_a_temporary_file() -> None:
    """The file of a stage that is named as a temporary file is not taken for one, which gc would remove."""
    assert not stage_filename(f"{TEMPORARY_PREFIX}train").startswith(TEMPORARY_PREFIX)
