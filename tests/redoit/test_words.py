"""Numbers, sizes and spans in words."""

import pytest

from redoit.words import listed, number, roughly, size, span


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (number(60_000.0), "60,000"),
        (number(0.98765), "0.9877"),
        (number(1e300), "1e+300"),
        (number(float("inf")), "inf"),
        (size(0), "0 bytes"),
        (size(1), "1 byte"),
        (size(999), "999 bytes"),
        (size(1000), "1.0 kB"),
        (size(3_400_000_000), "3.4 GB"),
        (size(10**16), "10000.0 TB"),
        (span(0), "0.0 s"),
        (span(59.44), "59.4 s"),
        (span(59.96), "1 min 0 s"),
        (span(78.4), "1 min 18 s"),
        (span(7385), "2 h 3 min"),
        (listed([]), ""),
        (listed(["a"]), "a"),
        (listed(["a", "b"]), "a and b"),
        (listed(["a", "b", "c"]), "a, b and c"),
        (roughly(1.24), "~1.2 s"),
        (roughly(0.01), "<0.1 s"),
        (span(10_000_000), "2,777 h 46 min"),
    ],
)
def test_words(found: str, expected: str) -> None:
    """Whole numbers keep their digits, sizes are decimal, spans have two units at most."""
    assert found == expected
