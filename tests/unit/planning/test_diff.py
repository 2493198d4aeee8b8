"""Diffs of normalised source: short lines, and nothing lost on the way."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redoit.planning.diff import MAX_COLUMNS, changed_lines, diff, wrapped_lines

LONG = "layers = [" + ", ".join(f"Dense({number}, activation='relu', name='a, (b')" for number in range(9)) + "]"


def test_a_change_in_a_long_line_is_one_short_line() -> None:
    """Of a statement in hundreds of columns only the item that changed is shown as changed."""
    lines = diff(LONG, LONG.replace("Dense(4,", "Dense(44,"))
    assert changed_lines(lines) == {
        "-Dense(4, activation='relu', name='a, (b'),",
        "+Dense(44, activation='relu', name='a, (b'),",
    }
    assert all(len(line) <= MAX_COLUMNS + 1 for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        LONG,
        f"def run({', '.join(f'argument_{number}: int={number}' for number in range(20))}) -> None:",
        f"x = '{'a' * 200}'",
        "x = '''" + "a, " * 99,
        f"call()({LONG})",
        "(" * 300,
        "x = " + "[" * 40 + "1" * 99 + "]" * 40,
        "\\" * 200,
        "\x00" * 200,
    ],
)
def test_nothing_is_lost(line: str) -> None:
    """Wrapping a line keeps all its characters in order."""
    signs = "".join(wrapped_lines(f"    {line}")).replace(" ", "")
    assert signs == line.replace(" ", "")


def test_what_is_laid_out_means_the_same() -> None:
    """Source that is laid out parses to the same program."""
    assert ast.dump(ast.parse("\n".join(wrapped_lines(LONG)))) == ast.dump(ast.parse(LONG))


@given(st.text(), st.text())
def test_any_text(before: str, after: str) -> None:
    """Whatever stands in the store can be compared, and equal texts have no difference."""
    assert diff(before, before) == []
    assert (diff(before, after) == []) == (wrapped_lines(before) == wrapped_lines(after))
