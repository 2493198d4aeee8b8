"""The picture of a lineage: cards, their rows, and the lines between them."""

import re
from itertools import pairwise

import pytest
from lineages import HOSTILE_NAMES, MAKE, USE, all_named

from redoit.lineage.layout import BOX_WIDTH
from redoit.lineage.lineage import Lineage
from redoit.lineage.picture import (
    FOOTER_HEIGHT,
    HEADER_HEIGHT,
    MAX_ROWS,
    ROW_HEIGHT,
    SOURCE,
    Picture,
    picture,
    shortened,
)
from redoit.model import Stage


def stage_of(outputs: int) -> Stage:
    """Return a stage of so many outputs."""
    return Stage("many", "s", {}, {f"r{number}": f"out/{number}.txt" for number in range(outputs)})


def test_the_cards_of_two_stages() -> None:
    """Sources are cards without rows, and come first; a stage has its number and a row for each file it makes."""
    drawn = picture(Lineage((MAKE, USE)))
    assert [(card.stage, card.name, [row.path for row in card.rows]) for card in drawn.cards] == [
        (None, "in.txt", []),
        (0, "make", ["a.txt"]),
        (1, "use", ["b.txt", "c.txt"]),
    ]
    assert [card.height for card in drawn.cards] == [
        SOURCE.height,
        HEADER_HEIGHT + ROW_HEIGHT + FOOTER_HEIGHT,
        HEADER_HEIGHT + 2 * ROW_HEIGHT + FOOTER_HEIGHT,
    ]


def test_the_lines_of_two_stages() -> None:
    """A line leads from the card that has a file to each that reads it, from the row of the file."""
    drawn = picture(Lineage((MAKE, USE)))
    assert [(line.source, line.target, line.file) for line in drawn.threads] == [
        (0, 1, "in.txt"),
        (1, 2, "a.txt"),
        (0, 2, "in.txt"),
    ]
    make = drawn.cards[1]
    start = re.match(r"M(\d+) ([\d.]+)H", drawn.threads[1].path)
    assert start
    assert float(start[1]) == pytest.approx(make.left + BOX_WIDTH, abs=0.5)
    assert float(start[2]) == pytest.approx(make.top + make.rows[0].top, abs=0.05)


def test_a_line_is_a_curve_from_left_to_right() -> None:
    """The path of a line is SVG: straight through each column, a curve between two, and never back."""
    for line in picture(Lineage((MAKE, USE))).threads:
        assert re.fullmatch(r"M\d+ [\d.]+(H\d+C\d+ [\d.]+ \d+ [\d.]+ \d+ [\d.]+)+", line.path)
        across = [int(number) for number in re.findall(r"(?:M|H|C| )(\d+)(?= [\d.]|C)", line.path)]
        assert all(left <= right for left, right in pairwise(across))


def test_nothing_at_all() -> None:
    """Without stages the picture is empty."""
    assert picture(Lineage([])) == Picture((), (), 0.0, 0.0)


def test_a_file_that_is_two_inputs_has_one_line() -> None:
    """A stage that reads one file in two roles has one line to it."""
    stage = Stage("both", "s", {"one": "in.txt", "two": "in.txt"}, {"out": "out.txt"})
    assert len(picture(Lineage([stage])).threads) == 1


@pytest.mark.parametrize(("outputs", "rows"), [(1, 1), (MAX_ROWS, MAX_ROWS), (MAX_ROWS + 1, MAX_ROWS), (40, MAX_ROWS)])
def test_a_card_has_a_few_rows(outputs: int, rows: int) -> None:
    """A card shows a few files, each in a row of its own; the last row stands for all others and names them."""
    (card,) = picture(Lineage([stage_of(outputs)])).cards
    assert len(card.rows) == rows
    assert all(above.top + ROW_HEIGHT == below.top for above, below in pairwise(card.rows))
    assert card.rows[-1].top < card.height
    more = outputs - MAX_ROWS + 1
    label = f"and {more} more files" if outputs > MAX_ROWS else f"{outputs - 1}.txt"
    assert card.rows[-1].label == label
    assert f"out/{outputs - 1}.txt" in card.rows[-1].path


def test_files_beyond_the_rows_leave_from_the_last() -> None:
    """A file that a card does not show has its line from the row that stands for it."""
    reader = Stage("reader", "s", {"a": f"out/{MAX_ROWS - 1}.txt", "b": "out/19.txt"}, {"o": "o"})
    one, other = picture(Lineage([stage_of(20), reader])).threads
    assert one.path.split("H")[0] == other.path.split("H")[0]


def test_files_of_one_name_are_distinguishable() -> None:
    """A file is labelled by its name, and by its path where two have the same name or it has none."""
    stage = Stage("two", "s", {"a": "one/x.txt", "b": "two/x.txt", "c": "data/y.txt", "d": "dir/"}, {"o": "z.txt"})
    labels = [card.label for card in picture(Lineage([stage])).cards if card.stage is None]
    assert labels == ["one/x.txt", "two/x.txt", "y.txt", "dir/"]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_labels_are_short_whatever_the_names(name: str) -> None:
    """A label fits its card and is printable, and so is the name behind it."""
    drawn = picture(all_named(name))
    for card in drawn.cards:
        labels = [card.label, *(row.label for row in card.rows)]
        assert all(len(label) < 50 for label in labels)
        assert all(text.isprintable() for text in (*labels, card.name, *(row.path for row in card.rows)))
        assert len(card.name) < 1000


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("short", 10, r"short"),
        ("", 10, r""),
        ("a" * 10, 10, r"a{10}"),
        ("a" * 11, 10, r"a{5}…a{4}"),
        ("a" * 50 + "b" * 49 + "z", 20, r"a{10}…b{8}z"),
        ("i" * 18, 10, r"i{18}"),
        ("W" * 18, 10, r"W{3}…W{3}"),
        ("漢" * 50, 20, r"漢{5}…漢{4}"),
        ("\uff21" * 50, 20, "\uff21{5}…\uff21{4}"),
        ("a\nb" * 20, 12, r"a\\nba\\…ba\\nb"),
        ("abc", 0, r"…?"),
    ],
)
def test_shortened(text: str, room: float, shown: str) -> None:
    """A text that is too wide loses its middle, by the width of its letters; any other nothing."""
    assert re.fullmatch(shown, shortened(text, room)), shortened(text, room)
