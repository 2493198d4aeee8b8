"""What two equal trainings write differently into a `.keras` file: the date it was saved, and memory addresses.

Source: the members of a `.keras` file, https://keras.io/guides/serialization_and_saving/.
"""

import contextlib
import json
from typing import Any


def without_date(data: bytes) -> bytes:
    """Return metadata.json without `date_saved`."""
    with contextlib.suppress(ValueError, RecursionError):
        fields = json.loads(data)
        if isinstance(fields, dict) and fields.pop("date_saved", None) is not None:
            return json.dumps(fields).encode()
    return data


def without_addresses(data: bytes) -> bytes:
    """Return config.json with each `shared_object_id` counted, from 1 on, so that sharing stays."""
    numbers: dict[int, int] = {}

    def renumbered(fields: dict[str, Any]) -> dict[str, Any]:
        if isinstance(address := fields.get("shared_object_id"), int):
            fields["shared_object_id"] = numbers.setdefault(address, len(numbers) + 1)
        return fields

    with contextlib.suppress(ValueError, RecursionError):
        return json.dumps(json.loads(data, object_hook=renumbered)).encode()
    return data
