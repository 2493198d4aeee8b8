"""Numbers, sizes and spans in words."""

import pytest

from redoit.text import (
    first_few,
    format_count,
    format_duration,
    format_estimate,
    format_number,
    format_seconds,
    format_size,
    join_names,
)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (format_number(60_000.0), "60,000"),
        (format_number(0.98765), "0.9877"),
        (format_number(1e300), "1e+300"),
        (format_number(float("inf")), "inf"),
        (format_size(0), "0 bytes"),
        (format_size(1), "1 byte"),
        (format_size(999), "999 bytes"),
        (format_size(1000), "1.0 kB"),
        (format_size(3_400_000_000), "3.4 GB"),
        (format_size(10**16), "10.0 PB"),
        (format_count(0, "trace"), "0 traces"),
        (format_count(1, "trace"), "1 trace"),
        (format_count(2000, "trace"), "2,000 traces"),
        (format_duration(0), "0.0 s"),
        (format_duration(1.24), "1.2 s"),
        (format_duration(59.44), "59.4 s"),
        (format_duration(59.96), "1 min 0 s"),
        (format_duration(78.4), "1 min 18 s"),
        (format_duration(7385), "2 h 3 min"),
        (join_names([]), ""),
        (join_names(["a"]), "a"),
        (join_names(["a", "b"]), "a and b"),
        (join_names(["a", "b", "c"]), "a, b and c"),
        (format_estimate(1.24), "~1.2 s"),
        (format_estimate(0.31), "~0.3 s"),
        (format_estimate(0.01), "<0.1 s"),
        (format_estimate(78.4), "~1 min 18 s"),
        (format_seconds(1.2345), "1.234s"),
        (format_duration(10_000_000), "2,777 h 46 min"),
    ],
)
def test_words(found: str, expected: str) -> None:
    """Whole numbers keep their digits, sizes are decimal, spans have two units at most."""
    assert found == expected


def test_the_first_few_are_shown() -> None:
    """Of many texts the first three are shown, and how many more there are."""
    assert [first_few(list("abcde")[:count]) for count in (0, 1, 3, 5)] == ["", "a", "a, b, c", "a, b, c and 2 more"]
