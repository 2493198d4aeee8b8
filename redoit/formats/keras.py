"""What two equal trainings write differently into a `.keras` file: the date it was saved, and memory addresses.

Source: the members of a `.keras` file, https://keras.io/guides/serialization_and_saving/.
"""

import json


def without_date(data: bytes) -> bytes:
    """Return metadata.json without `date_saved`."""
    fields = _json(data)
    if isinstance(fields, dict) and fields.pop("date_saved", None) is not None:
        return json.dumps(fields).encode()
    return data


def without_addresses(data: bytes) -> bytes:
    """Return config.json with `shared_object_id` counted from 1 in order of appearance, so that sharing stays."""
    config = _json(data)
    try:
        return data if config is None else json.dumps(_renumbered(config, {})).encode()
    except RecursionError:
        return data


def _renumbered(value: object, numbers: dict[int, int]) -> object:
    if isinstance(value, list):
        return [_renumbered(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: numbers.setdefault(item, len(numbers) + 1)
        if name == "shared_object_id" and isinstance(item, int)
        else _renumbered(item, numbers)
        for name, item in value.items()
    }


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
