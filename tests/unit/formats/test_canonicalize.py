"""Archives without clocks and addresses: equal results have equal bytes, and all else stays."""

import json
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redoit.formats.canonicalize import EPOCH, canonicalize, reset_clocks, without_addresses, without_date

Members = dict[str, bytes]
STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


def archive(path: Path, members: Members, *, year: int = 2024, compression: int = STORED) -> Path:
    """Write a zip whose members have a date."""
    with zipfile.ZipFile(path, "w") as target:
        for name, data in members.items():
            member = zipfile.ZipInfo(name, (year, 1, 2, 3, 4, 6))
            member.compress_type = compression
            target.writestr(member, data)
    return path


def contents(path: Path) -> Members:
    """Return the members of a zip, in their order."""
    with zipfile.ZipFile(path) as source:
        assert source.testzip() is None
        return {name: source.read(name) for name in source.namelist()}


def model(date: str = "2024-01-02", first: int = 140_000, second: int = 150_000) -> Members:
    """Return the members of a .keras file in which two layers share an object and a third has its own."""

    def layer(name: str, number: int) -> dict[str, Any]:
        return {"class_name": name, "config": {"policy": {"shared_object_id": number}}}

    config = {"layers": [layer("Dense", first), layer("Conv", second), layer("Dense", first)], "name": "größe"}
    return {
        "metadata.json": json.dumps({"keras_version": "3.15.1", "date_saved": date}).encode(),
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": bytes(range(256)) * 100,
    }


def canonical(path: Path) -> bytes:
    """Return the bytes of a file after it was made canonical, and see that nothing else is left."""
    canonicalize(path)
    assert [each for each in path.parent.iterdir() if each.is_dir()] == []
    return path.read_bytes()


@pytest.mark.parametrize("compression", [STORED, DEFLATED])
def test_equal_models_have_equal_bytes(tmp_path: Path, compression: int) -> None:
    """Two saves of one model, at other times and addresses, are one file."""
    one = archive(tmp_path / "one.keras", model(), compression=compression)
    other = archive(tmp_path / "two.keras", model("2025-05-05", 77, 5), year=2025, compression=compression)
    assert one.read_bytes() != other.read_bytes()
    assert canonical(one) == canonical(other)


def test_sharing_stays(tmp_path: Path) -> None:
    """Objects that were shared are shared, those that were not are not, numbered in order of appearance."""
    path = archive(tmp_path / "m.keras", model())
    canonical(path)
    layers = json.loads(contents(path)["config.json"])["layers"]
    assert [layer["config"]["policy"]["shared_object_id"] for layer in layers] == [1, 2, 1]


def test_other_sharing_is_another_model(tmp_path: Path) -> None:
    """A model whose layers share differently has different bytes."""
    one = archive(tmp_path / "one.keras", model(first=7, second=8))
    other = archive(tmp_path / "two.keras", model(first=7, second=7))
    assert canonical(one) != canonical(other)


def test_only_clocks_and_addresses_go(tmp_path: Path) -> None:
    """Weights, versions, names and the order of members stay."""
    path = archive(tmp_path / "m.keras", {"z.txt": b"z", **model(), "a.txt": b"a"})
    before = contents(path)
    canonical(path)
    after = contents(path)
    assert list(after) == list(before)
    assert json.loads(after["metadata.json"]) == {"keras_version": "3.15.1"}
    assert json.loads(after["config.json"])["name"] == "größe"
    assert {name: after[name] for name in ("z.txt", "a.txt", "model.weights.h5")} == {
        name: before[name] for name in ("z.txt", "a.txt", "model.weights.h5")
    }


@pytest.mark.parametrize("compression", [STORED, DEFLATED])
def test_idempotent(tmp_path: Path, compression: int) -> None:
    """What is canonical already stays as it is, compression included."""
    path = archive(tmp_path / "m.keras", model(), compression=compression)
    once = canonical(path)
    assert canonical(path) == once
    with zipfile.ZipFile(path) as source:
        assert {member.compress_type for member in source.infolist()} == {compression}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path: Path, save: Any) -> None:
    """Arrays that NumPy saved twice are one file, and are read back as they were."""
    arrays = {"images": np.arange(5000, dtype=np.uint8).reshape(100, 50), "empty": np.zeros((0, 3))}
    made = []
    for name in ("one.npz", "two.npz"):
        save(tmp_path / name, **arrays)
        made.append(canonical(tmp_path / name))
    assert made[0] == made[1]
    with np.load(tmp_path / "one.npz") as loaded:
        assert set(loaded) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(loaded[name], array)


def test_npz_times_go(tmp_path: Path) -> None:
    """The times of an .npz go, and a member that is named like Keras's is data."""
    data = json.dumps({"date_saved": "today", "shared_object_id": 7}).encode()
    members = {"config.json": data, "metadata.json": data}
    one = archive(tmp_path / "one.npz", members)
    other = archive(tmp_path / "two.npz", members, year=2025)
    assert canonical(one) == canonical(other)
    assert contents(one) == members


@pytest.mark.parametrize("name", ["model.keras", "arrays.npz"])
@pytest.mark.parametrize("data", [b"", b"no zip", bytes(100)])
def test_what_is_no_zip_stays(tmp_path: Path, name: str, data: bytes) -> None:
    """A file that only has the suffix stays as it is."""
    (tmp_path / name).write_bytes(data)
    assert canonical(tmp_path / name) == data


def test_a_damaged_zip_stays(tmp_path: Path) -> None:
    """An archive with a member that can't be read stays as it is, for its reader to complain of."""
    path = archive(tmp_path / "m.keras", model())
    data = path.read_bytes().replace(bytes(range(256)), bytes(256), 1)
    path.write_bytes(data)
    assert canonical(path) == data


@pytest.mark.parametrize("name", ["model.zip", "model.h5", "keras", "model.keras.bak"])
def test_other_suffixes_stay(tmp_path: Path, name: str) -> None:
    """A zip that is no model and no array is the step's own business."""
    path = archive(tmp_path / name, model())
    assert canonical(path) == archive(tmp_path / "same", model()).read_bytes()


@pytest.mark.parametrize("data", [b"", b"not json", b"null", b"[]", b"7", b"\xff", b'{"date_saved": null}'])
def test_unknown_members_stay(tmp_path: Path, data: bytes) -> None:
    """A member that is not what Keras writes stays as it is."""
    path = archive(tmp_path / "m.keras", {"metadata.json": data, "config.json": data})
    canonical(path)
    assert contents(path)["metadata.json"] == data
    assert contents(path)["config.json"].strip() == data


def test_an_npz_keeps_all_but_its_clocks(tmp_path: Path) -> None:
    """Comments, extra fields, attributes, order, doubled names and what precedes an archive stay byte for byte."""
    path = tmp_path / "odd.npz"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as target:
        warnings.simplefilter("ignore")  # of the doubled name
        target.comment = b"made by us"
        for name, content in (("b.npy", b"one"), ("a.npy", b"two"), ("b.npy", b"three"), ("folder/", b"")):
            member = zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6))
            member.comment, member.extra, member.external_attr = b"of a member", b"\x99\x99\2\0ab", 0o750 << 16
            target.writestr(member, content)
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    before = path.read_bytes()
    after = canonical(path)
    time = before[before.index(b"PK\3\4") + 10 :][:4]
    assert after == before.replace(time, b"\0\0\x21\0")
    with zipfile.ZipFile(path) as source:
        assert (source.comment, source.testzip()) == (b"made by us", None)
        assert {member.date_time for member in source.infolist()} == {EPOCH}


def test_a_keras_file_keeps_comments_and_extra_fields(tmp_path: Path) -> None:
    """The comment of a `.keras` file, and comments, extra fields and attributes of its members, stay."""
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as target:
        target.comment = b"made by us"
        for name, data in model().items():
            member = zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6))
            member.comment, member.extra, member.external_attr = b"of a member", b"\x99\x99\2\0ab", 0o640 << 16
            target.writestr(member, data)
    canonical(path)
    with zipfile.ZipFile(path) as source:
        assert source.comment == b"made by us"
        for member in source.infolist():
            assert (member.comment, member.extra, member.external_attr >> 16) == (
                b"of a member",
                b"\x99\x99\2\0ab",
                0o640,
            )


@pytest.mark.parametrize("name", ["m.keras", "m.npz"])
@pytest.mark.parametrize("mode", [0o400, 0o755])
def test_permissions_stay(tmp_path: Path, name: str, mode: int) -> None:
    """A file that is made canonical has the permissions that its step gave it."""
    path = archive(tmp_path / name, model())
    path.chmod(mode)
    canonical(path)
    assert path.stat().st_mode & 0o777 == mode


OTHER = struct.pack("<HH2s", 0x9999, 2, b"ab")


def one_member(path: Path, *, extra: bytes = OTHER, flags: int = 0) -> Path:
    """Write a zip file with one member."""
    with zipfile.ZipFile(path, "w") as target:
        member = zipfile.ZipInfo("a", (2024, 1, 2, 3, 4, 6))
        member.extra, member.flag_bits = extra, flags
        target.writestr(member, b"data")
    return path


def test_nothing_else_changes(tmp_path: Path) -> None:
    """Extra fields and content stay, and so does the size of the file."""
    path = one_member(tmp_path / "a.zip")
    size = path.stat().st_size
    reset_clocks(path)
    with zipfile.ZipFile(path) as source:
        (member,) = source.infolist()
        assert (source.read("a"), member.date_time, member.extra) == (b"data", EPOCH, OTHER)
    assert path.stat().st_size == size


def test_an_encrypted_archive_stays(tmp_path: Path) -> None:
    """The time of an encrypted member may be needed to decrypt it: nothing is changed."""
    path = one_member(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(zipfile.BadZipFile):
        reset_clocks(path)
    assert path.read_bytes() == data


def test_a_header_that_is_none_changes_nothing(tmp_path: Path) -> None:
    """Where the directory names a place at which no member begins, the file stays as it is."""
    path = one_member(tmp_path / "a.zip")
    data = path.read_bytes().replace(b"PK\3\4", b"PK\3\5")
    path.write_bytes(data)
    with pytest.raises(zipfile.BadZipFile):
        reset_clocks(path)
    assert path.read_bytes() == data


FOREIGN = {
    "nothing": b"",
    "text": b"no json",
    "half": b'{"a": 1',
    "bytes": b"\xff\xfe\xff",
    "too deep to read": b"[" * 10**5 + b"]" * 10**5,
    "too deep to rewrite": b"[" * 700 + b"]" * 700,
}


def renumbered(config: Any) -> Any:
    """Return a config as it is after its addresses are gone."""
    return json.loads(without_addresses(json.dumps(config).encode()))


def test_the_date_goes_and_all_else_stays() -> None:
    """Metadata keeps its fields and their order, save the date."""
    data = json.dumps({"keras_version": "3.15.1", "date_saved": "2024-01-02@03:04:05", "größe": [1, None]}).encode()
    assert list(json.loads(without_date(data)).items()) == [("keras_version", "3.15.1"), ("größe", [1, None])]


@pytest.mark.parametrize(
    "data", [b'{"a":1}', b'{ "a" : "x" }', b"{}", b"[]", b'["date_saved"]', b"null", b"7", b'{"date_saved":null}']
)
def test_metadata_without_a_date_stays_byte_for_byte(data: bytes) -> None:
    """Metadata that has no date is not written anew, white space included."""
    assert without_date(data) == data


def test_a_date_of_another_object_stays() -> None:
    """Only the date of the file goes, not a field of that name further inside."""
    data = b'{"extra": {"date_saved": "2024"}}'
    assert without_date(data) == data


def test_addresses_are_counted_from_one() -> None:
    """Equal addresses get equal numbers, from 1 on, whichever lists and objects they are in."""
    config = [{"shared_object_id": 99}, {"inner": [{"shared_object_id": 7}]}, {"shared_object_id": 99}]
    assert renumbered(config) == [
        {"shared_object_id": 1},
        {"inner": [{"shared_object_id": 2}]},
        {"shared_object_id": 1},
    ]


def test_configs_that_differ_in_addresses_alone_are_equal() -> None:
    """Two configs whose objects are shared alike have equal bytes; shared otherwise, they have not."""

    def config(*addresses: int) -> bytes:
        return without_addresses(json.dumps([{"shared_object_id": address} for address in addresses]).encode())

    assert config(140_000, 5, 140_000) == config(1, 2, 1) == config(-3, 0, -3)
    assert config(1, 2, 1) != config(1, 2, 2)


@pytest.mark.parametrize("value", ["text", None, 1.5, [4], {"a": 4}])
def test_only_whole_numbers_are_addresses(value: object) -> None:
    """A field of that name with another value is the model's own."""
    assert renumbered({"shared_object_id": value}) == {"shared_object_id": value}


def test_an_object_inside_an_address_is_looked_into() -> None:
    """Where that field holds an object, the addresses in it are counted."""
    assert renumbered({"shared_object_id": {"shared_object_id": 5}}) == {"shared_object_id": {"shared_object_id": 1}}


def test_other_numbers_stay() -> None:
    """A number under another name is no address, though one object has it as its address."""
    config = {"units": 99, "shape": [99, 1.0], "shared_object_id": 99, "on": True}
    assert renumbered(config) == {**config, "shared_object_id": 1}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_what_can_not_be_rewritten_stays(data: bytes) -> None:
    """Bytes that are not JSON, or are nested too deeply, come back as they are."""
    assert without_date(data) == data
    assert without_addresses(data) == data


def test_what_is_rewritten_is_rewritten_once() -> None:
    """Rewritten bytes stay as they are when they are rewritten again."""
    metadata = without_date(b'{"date_saved": "2024", "a": 1}')
    config = without_addresses(b'{"b": {"shared_object_id": 9}, "name": "gr\\u00f6\\u00dfe"}')
    assert (without_date(metadata), without_addresses(config)) == (metadata, config)
