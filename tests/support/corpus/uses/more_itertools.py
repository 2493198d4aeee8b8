"""Use more-itertools: many small functions in one large module."""

import more_itertools as more
from steps.witness import executed


def run(source, made):
    """Write what some of them make of numbers."""
    executed(made.name)
    numbers = [int(word) for word in source.read_text().split()]
    found = [
        list(more.chunked(numbers, 3)),
        list(more.windowed(numbers, 2)),
        list(more.split_when(numbers, lambda a, b: b < a)),
        more.minmax(numbers),
        list(more.unique_everseen(number % 3 for number in numbers)),
        dict(more.map_reduce(numbers, lambda number: number % 2)),
        list(more.interleave_longest(numbers, "abc")),
        more.SequenceView(numbers)[1],
        more.peekable(numbers).peek(),
        list(more.numeric_range(1, 9, 3)),
    ]
    made.write_text("\n".join(map(str, found)))
