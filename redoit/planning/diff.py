"""A diff of normalised source, line by line, as people can read it. Pure.

Normalised source has a statement on each line, however long. So a long one is first laid out, one item of a bracket on
each line, lest a changed number hide in three hundred columns.
"""

import difflib
import io
import itertools
import tokenize

CONTEXT = 3  # lines around a change
WIDE = 100  # columns of a line that is not laid out
DEEP = 20  # brackets in brackets


def diff(before: str, after: str) -> list[str]:
    """Return the lines of a unified diff."""
    old, new = laid_out(before), laid_out(after)
    return list(difflib.unified_diff(old, new, "before", "now", n=CONTEXT, lineterm=""))


def changed(lines: list[str]) -> set[str]:
    """Return the lines of a diff that are not the same before and after, each with its sign and without its indent."""
    return {line[0] + line[1:].strip() for line in lines[2:] if line.startswith(("+", "-"))}


def laid_out(text: str) -> list[str]:
    """Return the lines of a source, the long ones laid out."""
    return [each for line in text.splitlines() for each in _unfolded(line, DEEP)]


def _unfolded(line: str, depth: int) -> list[str]:
    """Return a line, or if it is long what is before, in and after its first bracket that holds more than a little."""
    pieces = _pieces(line) if len(line) > WIDE and depth else None
    if pieces is None:
        return [line]
    head, items, tail = pieces
    indent = " " * (len(line) - len(line.lstrip()))
    inner = [each for item in items for each in _unfolded(f"{indent}    {item.strip()}", depth - 1)]
    return [head, *inner, *_unfolded(indent + tail, depth - 1)]


def _pieces(line: str) -> tuple[str, list[str], str] | None:
    """Return a line in pieces: up to its widest outermost bracket, the items in that, and from its end on."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(line.strip()).readline))
    except (tokenize.TokenError, SyntaxError):
        return None  # not a line of its own: a text over several lines, or the head of a block
    shift = len(line) - len(line.lstrip())
    depth, start, commas = 0, 0, list[int]()
    best: tuple[int, int, list[int]] | None = None
    for token in tokens:
        if token.type != tokenize.OP:
            continue
        column = token.end[1] + shift
        if token.string in "([{":
            depth += 1
            if depth == 1:
                start, commas = column, []
        elif token.string in ")]}":
            depth -= 1
            end = column - 1
            if depth == 0 and (best is None or end - start > best[1] - best[0]):
                best = (start, end, commas)
        elif token.string == "," and depth == 1:
            commas.append(column)
    if best is None or best[0] == best[1]:
        return None
    cuts = [best[0], *best[2], best[1]]
    items = [line[begin:end] for begin, end in itertools.pairwise(cuts)]
    return line[: best[0]], [item for item in items if item.strip()], line[best[1] :]
