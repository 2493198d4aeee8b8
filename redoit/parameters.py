"""A stage's settings as parameters of its doit task: `--epochs`, `--learning-rate`, `--no-shuffle`.

doit parses the command line; the declared type reads and checks the value, so that an error names the stage.
"""

from typing import Any, Protocol

from doit.cmdparse import CmdParseError

from redoit.errors import DeclarationError
from redoit.records import Stage
from redoit.settings import Declared


class Named(Protocol):
    """Something that learns its stage's name later than its parameters are made."""

    stage: Stage


class Reader:
    """Reads one value from the command line."""

    def __init__(self, owner: Named, declared: Declared) -> None:
        self._owner = owner
        self._declared = declared

    def __call__(self, text: str) -> Any:
        """Return the value of a text.

        Raises: CmdParseError, which doit shows in one line.
        """
        try:
            return self._declared.value(text, f"{self._owner.stage.name} --{flag(self._declared.name)}")
        except DeclarationError as error:
            raise CmdParseError(str(error)) from None

    def __repr__(self) -> str:
        return str(self._declared.kind)


def flag(name: str) -> str:
    """Return a setting's name as it is written on the command line."""
    return name.replace("_", "-")


def parameter(owner: Named, declared: Declared) -> dict[str, Any]:
    """Return a setting as a parameter in doit's form."""
    kind = declared.kind
    text = declared.help.replace("%", "%%")
    switch = kind.name == "bool" and not kind.optional
    if kind.choices:
        text = f"{text} ({kind.expected})".strip()
    return {
        "name": declared.name,
        "long": flag(declared.name),
        "type": bool if switch else Reader(owner, declared),
        "default": declared.default,
        "help": f"{text} [default: %(default)s]".strip(),
        **({"inverse": f"no-{flag(declared.name)}"} if switch else {}),
    }
