"""A step's roles and settings: names, types, defaults and help.

Converts what a user writes, in a shell or a file, to the declared type. Values are those of JSON: a path is its text, a
member of an enumeration its name.
"""

from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any, NamedTuple

from redoit.errors import DeclarationError

BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
MAX_NAMES = 12  # in one message
MAX_VALUE_CHARACTERS = 200  # in one message
MAX_SIZE = 10_000  # bits of a whole number, which Python can then write down; characters or items of what is computed


def _seconds(given: Any) -> float:
    seconds = float(given)
    if not seconds > 0:
        raise ValueError(given)
    return seconds


# Kind -> what a value must be, in words; its types in TOML beside texts; what converts it.
SCALARS: dict[str, tuple[str, tuple[type, ...], Callable[[Any], object]]] = {
    "int": ("an integer", (int,), int),
    "float": ("a number", (int, float), float),
    "seconds": ("seconds above 0", (int, float), _seconds),
    "bool": ("true or false", (bool,), lambda given: BOOLEANS[str(given).strip().lower()]),
    "str": ("a text", (), str),
    "path": ("a path", (), lambda text: str(PurePath(text))),  # as a default is written, too: without `./` and `//`
}


class Member(NamedTuple):
    """A member of a class, as a default names it. `kind`: the name of the Kind that the class would be."""

    kind: str
    name: str


class Kind(NamedTuple):
    """A setting's type.

    `name` is int, float, bool, str, path, literal, list or `enum module:Class`; only redoit itself declares `seconds`.
    """

    name: str
    choices: tuple[object, ...] = ()
    item: "Kind | None" = None
    optional: bool = False

    def __str__(self) -> str:
        return f"list[{self.item}]" if self.item else self.name

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            words = "one of " + ", ".join(str(choice) for choice in self.choices)
        elif self.item:
            words = f"{self.item.expected} or several, separated by commas"
        else:
            words = SCALARS[self.name][0]
        return f"{words}, or none" if self.optional else words

    def default(self, found: object) -> object:
        """Return a default as settings hold it. Raises: ValueError if it is not of this type as it stands."""
        match found:
            case None if self.optional:
                return None
            case list() if self.item:
                return [self.item.default(item) for item in found]
            case Member(kind=kind, name=name) if kind == self.name and name in self.choices:
                return name
            case PurePath() if self.name == "path":
                return str(found)
        # A whole number is a number, and stays the one it is.
        fits = type(found).__name__ == self.name or (type(found) is int and self.name == "float")
        fits |= self.name == "literal" and repr(found) in map(repr, self.choices)
        if not fits or is_huge(found):
            raise ValueError(found)
        return found

    def value(self, given: object) -> object:
        """Return a value of this type from a text or a value of TOML.

        Raises: ValueError, LookupError, TypeError, AttributeError, OverflowError if it is none.
        """
        if self.optional and (given is None or (isinstance(given, str) and given.lower() == "none")):
            return None
        if self.item:
            items = [text.strip() for text in given.split(",") if text.strip()] if isinstance(given, str) else given
            if not isinstance(items, list | tuple):
                raise ValueError(given)
            return [self.item.value(item) for item in items]
        if self.choices:
            exact = [choice for choice in self.choices if repr(choice) == repr(given)]
            return (exact or [c for c in self.choices if isinstance(given, str) and str(c).lower() == given.lower()])[0]
        _, types, convert = SCALARS[self.name]
        if not isinstance(given, str) and (type(given) not in types or is_huge(given)):
            raise ValueError(given)
        return convert(given)


class Declared(NamedTuple):
    """A setting as the step declares it."""

    name: str
    kind: Kind
    default: object
    help: str = ""

    @property
    def is_switch(self) -> bool:
        """Tell whether its option takes no value."""
        return self.kind.name == "bool" and not self.kind.optional

    def value(self, given: object, subject: str) -> object:
        """Return a value of the declared type. Raises: DeclarationError; `subject` says where the value is from."""
        try:
            return self.kind.value(given)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
            found = "a huge number" if is_huge(given) else f"{given!r:.{MAX_VALUE_CHARACTERS}}"
            raise DeclarationError(subject, f"found {found}, expected {self.kind.expected}") from None


class Signature(NamedTuple):
    """The parameters of a step's `run`: roles, which are its paths, and settings."""

    roles: tuple[str, ...]
    settings: tuple[Declared, ...]


def nearest(name: str, names: Iterable[str], lead: str = "did you mean") -> str:
    """Return a suggestion: the most similar known name, or all names if they are at most MAX_NAMES."""
    import difflib

    known = sorted(names)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    if close:
        return f"{lead} {close[0]}?"
    return f"known: {', '.join(known)}" if 0 < len(known) <= MAX_NAMES else ""


def is_huge(value: object) -> bool:
    """Tell whether a value is a whole number that Python can't write down."""
    return isinstance(value, int) and value.bit_length() > MAX_SIZE
