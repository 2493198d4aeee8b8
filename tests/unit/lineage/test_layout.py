"""The layout of a graph: nothing overlaps, lines lead forward, and equal graphs have equal layouts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from redoit.lineage.layout import BOX_WIDTH, Box, Drawing, Line, drawing


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Line]]:
    """Return boxes of any height and with any ports, and lines that lead forward."""
    heights = draw(st.lists(st.sampled_from([20.0, 82.0, 230.0]), min_size=1, max_size=25))
    boxes = [Box(height, (height / 2, height - 5)) for height in heights]
    pairs = draw(st.sets(st.tuples(st.integers(0, 24), st.integers(0, 1), st.integers(0, 24)), max_size=50))
    lines = [Line(*each) for each in sorted(pairs) if each[0] < each[2] < len(boxes)]
    return boxes, lines


def apart(boxes: list[Box], drawn: Drawing) -> bool:
    """Tell whether no box lies on another."""
    areas = [
        (left, top, left + BOX_WIDTH, top + box.height) for box, (left, top) in zip(boxes, drawn.places, strict=True)
    ]
    return all(
        a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        for n, a in enumerate(areas)
        for b in areas[n + 1 :]
    )


@given(graphs())
def test_any_graph(graph: tuple[list[Box], list[Line]]) -> None:
    """Boxes are apart and within the drawing; lines lead to the right, and their straight stretches pass no box."""
    boxes, lines = graph
    drawn = drawing(boxes, lines)
    assert apart(boxes, drawn)
    for box, (left, top) in zip(boxes, drawn.places, strict=True):
        assert 0 <= left <= drawn.width - BOX_WIDTH
        assert -1e-6 <= top <= drawn.height - box.height + 1e-6
    for line, route in zip(lines, drawn.routes, strict=True):
        assert drawn.places[line.source][0] < drawn.places[line.target][0]
        assert all(before[0] <= after[0] for before, after in pairwise(route))
        for (start, height), (end, _) in list(pairwise(route))[1::2]:
            for box, (left, top) in zip(boxes, drawn.places, strict=True):
                assert not (left < end and start < left + BOX_WIDTH and top < height < top + box.height)
    assert drawing(boxes, lines) == drawn


def test_a_chain_is_straight() -> None:
    """Where nothing is in the way, boxes stand in a row."""
    boxes = [Box(82, (63,))] * 6
    drawn = drawing(boxes, [Line(number, 0, number + 1) for number in range(5)])
    assert len({round(top, 6) for _, top in drawn.places}) == 1


def test_what_nothing_leads_to_stands_before_its_readers() -> None:
    """A box without makers is drawn next to the first that needs it."""
    boxes = [Box(20, (10,))] * 4
    drawn = drawing(boxes, [Line(1, 0, 2), Line(2, 0, 3), Line(0, 0, 3)])
    assert drawn.places[0][0] == drawn.places[2][0]


def test_nothing_at_all() -> None:
    """No boxes make an empty drawing."""
    assert drawing([], []) == Drawing((), (), 0.0, 0.0)


def test_many_lanes_are_left_out() -> None:
    """Where lines would pass too many columns, they are drawn all the same, straight from box to box."""
    count = 400
    boxes = [Box(20, (10,))] * count
    lines = [Line(number, 0, number + 1) for number in range(count - 1)]
    lines += [Line(number, 0, count - 1) for number in range(count - 2)]
    drawn = drawing(boxes, lines)
    assert len(drawn.routes) == len(lines)
    assert apart(boxes, drawn)
