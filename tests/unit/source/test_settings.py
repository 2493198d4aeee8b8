"""The values that users give settings: converted to the declared type, or refused."""

from pathlib import PurePosixPath
from typing import Any

import pytest

from redoit.errors import DeclarationError
from redoit.source.settings import MAX_SIZE, Declared, Kind, Member, nearest

INT, FLOAT, BOOL, STR, PATH = (Kind(name) for name in ("int", "float", "bool", "str", "path"))
CHOICE, MODE = Kind("literal", ("adam", "sgd", 1)), Kind("enum m:Mode", ("FAST", "SLOW"))
NO_INTS: tuple[Any, ...] = (True, 2.5, "x", "", "2.5", None, [1], {}, "1e3")
LIST, MAYBE = Kind("list", item=INT), Kind("int", optional=True)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (INT, "7", 7),
        (INT, " -7 ", -7),
        (INT, 7, 7),
        (FLOAT, "1e-3", 0.001),
        (FLOAT, "1", 1.0),
        (FLOAT, 1, 1.0),
        (FLOAT, 0.5, 0.5),
        (BOOL, "yes", True),
        (BOOL, "OFF", False),
        (BOOL, "0", False),
        (BOOL, True, True),
        (STR, " 1 ", " 1 "),
        (STR, "", ""),
        (PATH, "a/b", "a/b"),
        (PATH, "./a//b/", "a/b"),
        (PATH, "", "."),
        (CHOICE, "SGD", "sgd"),
        (CHOICE, "1", 1),
        (CHOICE, 1, 1),
        (MODE, "fast", "FAST"),
        (LIST, "1, 2,", [1, 2]),
        (LIST, "", []),
        (LIST, [1, 2], [1, 2]),
        (MAYBE, "none", None),
        (MAYBE, None, None),
        (MAYBE, "3", 3),
    ],
)
def test_values(kind: Kind, given: Any, value: Any) -> None:
    """A text from a shell and a value from TOML become a value of the declared type."""
    found = kind.value(given)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        *((INT, given) for given in NO_INTS),
        *((FLOAT, given) for given in (True, "x", "", None, [1.0])),
        *((BOOL, given) for given in (1, 0, "x", "", 1.0, None, "2")),
        *((STR, given) for given in (1, True, None, ["a"])),
        *((PATH, given) for given in (1, None)),
        *((CHOICE, given) for given in ("x", True, 1.0, None, "")),
        *((MODE, given) for given in ("x", 0, None)),
        *((LIST, given) for given in (1, "a", [True], [1.5], {"a": 1}, None)),
        *((MAYBE, given) for given in ("nothing", True)),
    ],
)
def test_refusals(kind: Kind, given: Any) -> None:
    """What is not of the declared type is refused, in one line with what was expected."""
    with pytest.raises(DeclarationError, match=r"found .*expected ") as caught:
        Declared("x", kind, None).value(given, "train --x")
    assert str(caught.value).startswith("train --x: found ")


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [
        (INT, 7, 7),
        (FLOAT, 7, 7),
        (FLOAT, 0.5, 0.5),
        (STR, "none", "none"),
        (STR._replace(optional=True), "none", "none"),
        (MAYBE, None, None),
        (PATH, PurePosixPath("a/b"), "a/b"),
        (CHOICE, 1, 1),
        (MODE, Member("enum m:Mode", "FAST"), "FAST"),
        (LIST, [1], [1]),
    ],
)
def test_a_default_stays_what_it_is(kind: Kind, default: object, value: object) -> None:
    """A default of the declared type is taken as it stands; JSON holds a path as its text, a member as its name."""
    found = kind.default(default)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        *(pytest.param(kind, 2**MAX_SIZE, id=f"a huge {kind}") for kind in (INT, FLOAT)),
        *((INT, default) for default in ("7", True, 7.0, None, ...)),
        *((FLOAT, default) for default in ("7", True, None)),
        *((BOOL, default) for default in (1, "yes", None)),
        *((STR, default) for default in (1, b"a", PurePosixPath("a"))),
        *((PATH, default) for default in ("a", None)),
        *((CHOICE, default) for default in ("ADAM", "1", True, 1.0)),
        *((MODE, default) for default in ("FAST", Member("enum m:Other", "FAST"), Member("enum m:Mode", "fast"))),
        *((LIST, default) for default in ((1,), "1", ["1"], [None], 1)),
    ],
)
def test_a_default_is_never_converted(kind: Kind, default: object) -> None:
    """A default of another type is refused, even where a user's text would be converted: Python converts none."""
    with pytest.raises(ValueError, match=r"."):
        kind.default(default)


def test_a_huge_number_is_refused() -> None:
    """A whole number that Python can't write down is an error that does not try to."""
    with pytest.raises(DeclarationError, match=r"^\[task:a\] x: found a huge number, expected an integer$"):
        Declared("x", INT, None).value(2**20_000, "[task:a] x")


@pytest.mark.parametrize(
    ("name", "known", "words"),
    [
        ("trian", ["train", "test"], "did you mean train?"),
        ("zzz", ["b", "a"], "known: a, b"),
        ("zzz", [f"name{index}" for index in range(20)], ""),
        ("zzz", [], ""),
    ],
)
def test_nearest(name: str, known: list[str], words: str) -> None:
    """The error of a wrong name suggests the nearest name, or lists all if they are few."""
    assert nearest(name, known) == words
