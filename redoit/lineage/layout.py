"""Layered drawing of an acyclic graph: boxes in columns, from left to right, and lines between them.

igraph orders the boxes of each column so that few lines cross. Each box is placed as near to its neighbours as the
others in its column allow. Knows nothing of the boxes but their heights.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from statistics import fmean
from typing import NamedTuple

BOX_WIDTH, COLUMN_GAP, ROW_GAP = 204.0, 60.0, 22.0  # gaps are between boxes
LANE_HEIGHT, LANE_GAP = 6.0, 6.0  # of a line that passes a column
SWEEPS = 10  # over all columns; each moves boxes nearer to their neighbours
MAX_LANES = 20_000  # with more, lines pass below boxes


class Box(NamedTuple):
    """A box. `ports`: heights within it at which lines leave to the right; at the first one they enter, too."""

    height: float
    ports: tuple[float, ...]


class Line(NamedTuple):
    """A line from a port of a box to another box, all by number."""

    source: int
    port: int
    target: int


class Drawing(NamedTuple):
    """`places`: left upper corners of boxes. `routes`: points of each line; each second stretch of it is straight."""

    places: tuple[tuple[float, float], ...]
    routes: tuple[tuple[tuple[float, float], ...], ...]
    width: float
    height: float


LANE = Box(LANE_HEIGHT, (LANE_HEIGHT / 2,))  # in a column that lines of one port pass


def drawing(boxes: Sequence[Box], lines: Sequence[Line]) -> Drawing:
    """Return a drawing. The boxes are sorted topologically."""
    columns = _columns(len(boxes), lines)
    chains = _chains(columns, lines)
    slots = [*boxes, *[LANE] * (len(columns) - len(boxes))]
    shifts = {
        (left, right): slots[left].ports[line.port if left == line.source else 0] - slots[right].ports[0]
        for line, chain in zip(lines, chains, strict=True)
        for left, right in pairwise(chain)
    }
    tops = _tops(slots, _order(columns, shifts), shifts)
    lefts = [column * (BOX_WIDTH + COLUMN_GAP) for column in columns]
    routes = []
    for line, (source, *passed, target) in zip(lines, chains, strict=True):
        start = lefts[source] + BOX_WIDTH, tops[source] + boxes[source].ports[line.port]
        middle = [(x, tops[lane] + LANE.ports[0]) for lane in passed for x in (lefts[lane], lefts[lane] + BOX_WIDTH)]
        routes.append((start, *middle, (lefts[target], tops[target] + boxes[target].ports[0])))
    places = tuple(zip(lefts, tops, strict=True))[: len(boxes)]
    height = max((top + slot.height for top, slot in zip(tops, slots, strict=True)), default=0.0)
    return Drawing(places, tuple(routes), max(lefts, default=-BOX_WIDTH) + BOX_WIDTH, height)


def _columns(number: int, lines: Sequence[Line]) -> list[int]:
    """Return the column of each box: right of all its sources; one without sources is just left of its targets."""
    columns, first = [0] * number, dict[int, int]()
    for line in sorted(lines, key=lambda line: line.source):
        columns[line.target] = max(columns[line.target], columns[line.source] + 1)
    for line in lines:
        first[line.source] = min(first.get(line.source, number), columns[line.target])
    return [column or first.get(box, 1) - 1 for box, column in enumerate(columns)]


def _chains(columns: list[int], lines: Sequence[Line]) -> list[tuple[int, ...]]:
    """Add a lane for each column that lines of a port pass; return the slots that each line joins."""
    ends: dict[tuple[int, int], int] = {}
    for line in lines:
        port = line.source, line.port
        ends[port] = max(ends.get(port, 0), columns[line.target])
    passed = {port: range(columns[port[0]] + 1, end) for port, end in ends.items()}
    if sum(map(len, passed.values())) > MAX_LANES:
        return [(line.source, line.target) for line in lines]
    offsets = {}  # port -> its lane in a column less that column
    for port, crossed in passed.items():
        offsets[port] = len(columns) - crossed.start
        columns.extend(crossed)
    return [
        (line.source, *range(offset + columns[line.source] + 1, offset + columns[line.target]), line.target)
        for line, offset in ((line, offsets[line.source, line.port]) for line in lines)
    ]


def _order(columns: Sequence[int], links: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the slots of each column, from top to bottom, in an order with few crossings."""
    import igraph

    places = igraph.Graph(len(columns), list(links), directed=True).layout_sugiyama(layers=columns)
    order: list[list[int]] = [[] for _ in range(max(columns, default=-1) + 1)]
    for number in sorted(range(len(columns)), key=lambda number: (places[number][0], number)):
        order[columns[number]].append(number)
    return order


def _tops(slots: Sequence[Box], order: list[list[int]], shifts: dict[tuple[int, int], float]) -> list[float]:
    """Return the tops of slots, where their lines are straightest; the highest is 0."""
    neighbours = defaultdict[int, list[tuple[int, float]]](list)
    for (left, right), shift in shifts.items():
        neighbours[right].append((left, shift))
        neighbours[left].append((right, -shift))
    tops = [0.0] * len(slots)
    for column in order * SWEEPS:
        places = ([tops[other] + shift for other, shift in neighbours[number]] for number in column)
        wanted = [fmean(each) if each else tops[number] for number, each in zip(column, places, strict=True)]
        for number, top in zip(column, _apart([slots[number] for number in column], wanted), strict=True):
            tops[number] = top
    highest = min(tops, default=0.0)
    return [top - highest for top in tops]


def _apart(slots: Sequence[Box], wanted: Sequence[float]) -> list[float]:
    """Return tops without overlap, in this order, that have the least squared distances to those wanted.

    Source: Ayer et al. 1955, the pool-adjacent-violators algorithm.
    """
    gaps = [LANE_GAP if slot is LANE else ROW_GAP for slot in slots]
    steps = (slot.height + (gap + below) / 2 for slot, (gap, below) in zip(slots, pairwise(gaps), strict=False))
    offsets = list(accumulate(steps, initial=0.0))
    pools: list[tuple[float, int]] = []  # mean, members
    for want, offset in zip(wanted, offsets, strict=True):
        mean, members = want - offset, 1
        while pools and pools[-1][0] >= mean:
            other, more = pools.pop()
            mean, members = (mean * members + other * more) / (members + more), members + more
        pools.append((mean, members))
    means = [mean for mean, members in pools for _ in range(members)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
