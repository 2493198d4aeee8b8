"""Archives that a step wrote from what an enemy made: what can't be understood stays as it is."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_files import model, zipped

from redoit.formats.canonicalize import canonicalize


def named(data: bytes) -> bytes:
    """Return an archive of which a name is said to be UTF-8, and is not."""
    start = data.find(b"PK\x01\x02")
    name = data.find(b"metadata", start)
    return data[: start + 9] + b"\x08" + data[start + 10 : name] + b"\xff" + data[name + 1 :]


def moved(data: bytes) -> bytes:
    """Return an archive whose directory begins before the file."""
    end = data.rfind(b"PK\x05\x06")
    return data[: end + 16] + b"\xff\xff\xff\x7f" + data[end + 20 :]


def squeezed(compression: int) -> bytes:
    """Return an archive of which the compressed bytes are damaged."""
    data = bytearray(zipped([("config.json", b"{}" * 500)], compression))
    data[45:60] = b"\xff" * 15
    return bytes(data)


STORED = b"PK\x01\x02\x14\x03\x14" + bytes(4)  # the start of an entry in a directory, and how it is compressed
ARCHIVES: dict[str, Callable[[], bytes]] = {
    "a name that is no UTF-8": lambda: named(model()),
    "a directory before the file": lambda: moved(model()),
    "damaged bzip2": lambda: squeezed(zipfile.ZIP_BZIP2),
    "damaged lzma": lambda: squeezed(zipfile.ZIP_LZMA),
    "damaged deflate": lambda: squeezed(zipfile.ZIP_DEFLATED),
    "an unknown compression": lambda: model().replace(STORED, STORED[:-1] + b"\x63"),
    "half": lambda: model()[:-30],
}


@pytest.mark.parametrize("make", ARCHIVES.values(), ids=ARCHIVES)
def test_damaged_archive_stays_as_it_is(tmp_path: Path, make: Callable[[], bytes]) -> None:
    """An archive that can't be read stays unchanged, and no other file is left."""
    path = tmp_path / "model.keras"
    path.write_bytes(make())
    canonicalize(path)
    assert path.read_bytes() == make()
    assert list(tmp_path.iterdir()) == [path]


CONFIGS = {
    "nested deeply": b"[" * 950 + b"]" * 950,
    "nested very deeply": b"[" * 100_000 + b"]" * 100_000,
    "a number of 5,000 digits": b"9" * 5000,
    "17 megabytes": json.dumps({"shared_object_id": 7, "text": "n" * 17 * 2**20}).encode(),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_strange_configuration_stays_as_it_is(tmp_path: Path, config: bytes) -> None:
    """A member that is not the expected JSON is copied, and never read into memory if it is large."""
    path = tmp_path / "model.keras"
    path.write_bytes(model(config))
    canonicalize(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("config.json") == config
