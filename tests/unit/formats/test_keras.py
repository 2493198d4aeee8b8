"""The two members of a `.keras` file that differ between equal trainings, rewritten alone."""

import json
from typing import Any

import pytest

from redoit.formats.keras import without_addresses, without_date

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


def test_addresses_are_counted_in_order_of_appearance() -> None:
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
