"""Errors: one line, not a long one, that any terminal shows as it is."""

from redoit.errors import RedoitError
from redoit.text import MAX_LINE_CHARACTERS, one_line


def test_an_error_reads_subject_found_todo() -> None:
    """The three parts make one line; the last may be missing."""
    assert str(RedoitError("a.h5", "no dataset 'x'", "mend it")) == "a.h5: no dataset 'x'; mend it"
    assert str(RedoitError("a.h5", "no dataset 'x'")) == "a.h5: no dataset 'x'"


def test_what_is_not_printable_is_escaped() -> None:
    """No name of a file and no text of a step moves the cursor, or breaks the line."""
    assert str(RedoitError("a\n\ud800", "found \x1b[2J\u202e")) == r"a\n\ud800: found \x1b[2J\u202e"


def test_what_was_found_at_length_is_cut() -> None:
    """A long text leaves room for the way out."""
    text = str(RedoitError("step", "x" * 10 * MAX_LINE_CHARACTERS, "see its log"))
    assert text == f"step: {'x' * MAX_LINE_CHARACTERS}...; see its log"


def test_no_part_of_an_error_is_long() -> None:
    """A name of a megabyte, of letters that no terminal shows, is cut like anything else."""
    text = str(RedoitError("\U000e0001" * 2**20, "found", "n" * 2**20))
    assert text == r"\U000e0001" * (MAX_LINE_CHARACTERS // 10) + "...: found; " + "n" * MAX_LINE_CHARACTERS + "..."
    assert (one_line(None), one_line("x" * MAX_LINE_CHARACTERS)) == ("None", "x" * MAX_LINE_CHARACTERS)
