"""How much time was saved so far."""

from pathlib import Path

import pytest

from redoit.history.savings import Savings, add_savings, read_savings
from redoit.storage.serialize import seal


@pytest.mark.parametrize(
    "fields",
    [
        {"seconds": "1", "kept": 1, "restored": 1},
        {"seconds": 1.0, "kept": True, "restored": 1},
        {"seconds": 1.0, "kept": -1, "restored": 1},
        {"seconds": 1e300, "kept": 1, "restored": 1},
        {"seconds": [], "kept": {}, "restored": None},
        [1.0, 1, 1],
        None,
    ],
)
def test_forged_figures_are_none(tmp_path: Path, fields: object) -> None:
    """Figures that can't be ours, if under the right seal, are lost without harm."""
    (tmp_path / "saved").write_bytes(seal(fields))
    assert read_savings(tmp_path) == Savings()
    add_savings(tmp_path, 1.5, 2, 3)
    assert read_savings(tmp_path) == Savings(1.5, 2, 3)
