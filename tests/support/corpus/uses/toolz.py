"""Use toolz: functions of functions, and `tlz`, which makes its modules as they are imported."""

import toolz
from steps.witness import executed
from tlz.curried import filter as curried_filter
from tlz.curried import get_in
from toolz import curried


def run(source, made):
    """Write what some of them make of words."""
    executed(made.name)
    words = source.read_text().split()
    longer = toolz.compose(len, str.strip)
    found = [
        toolz.groupby(longer, words),
        toolz.frequencies("".join(words)),
        toolz.pipe(words, curried.map(str.upper), curried_filter(lambda word: "A" in word), list),
        list(toolz.sliding_window(2, words)),
        toolz.merge_with(sum, {"a": 1}, {"a": 2, "b": 3}),
        get_in(["x", 0], {"x": words}),
        toolz.curry(pow)(2)(5),
        list(toolz.unique(words, key=len)),
        toolz.memoize(len)(words[0]),
    ]
    made.write_text("\n".join(map(str, found)))
