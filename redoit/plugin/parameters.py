"""A stage's settings as parameters of its doit task: `--epochs`, `--learning-rate`, `--no-shuffle`.

doit parses the command line; the declared type parses each value, so that an error names the stage and the type.
"""

from collections.abc import Callable, Iterable
from typing import Any

from doit.cmdparse import CmdParseError

from redoit.errors import DeclarationError
from redoit.model import Setting
from redoit.source.settings import Declared


class ValueParser:
    """Parses one value from the command line."""

    def __init__(self, stage: Callable[[], str], declared: Declared) -> None:
        self._stage = stage
        self._declared = declared

    def __call__(self, text: str) -> Any:
        """Return the value of a text. Raises: CmdParseError, which doit shows in one line."""
        try:
            return self._declared.value(text, f"{self._stage()} --{flag(self._declared.name)}")
        except DeclarationError as error:
            raise CmdParseError(str(error)) from None

    def __repr__(self) -> str:
        return str(self._declared.kind)


def flag(name: str) -> str:
    """Return the name of a setting's option, without the dashes."""
    return name.replace("_", "-")


class Parameters:
    """The parameters of one step's stages: its settings, and those of every stage. `defaults`: of the settings."""

    def __init__(self, settings: Iterable[Declared], common: Iterable[Declared]) -> None:
        own = tuple(settings)
        self.declared = {setting.name: setting for setting in (*own, *common)}
        self.defaults = tuple(Setting(setting.name, str(setting.kind), setting.default) for setting in own)
        self._fields = [_fields(setting) for setting in self.declared.values()]

    def for_stage(self, name: Callable[[], str]) -> list[dict[str, Any]]:
        """Return the parameters of one stage as doit takes them. `name` returns the stage's name, once it is known."""
        pairs = zip(self._fields, self.declared.values(), strict=True)
        return [fields if "type" in fields else {**fields, "type": ValueParser(name, each)} for fields, each in pairs]


def _fields(declared: Declared) -> dict[str, Any]:
    """Return a setting as doit takes a parameter, without the type where a `ValueParser` belongs."""
    kind = declared.kind
    text = declared.help.replace("%", "%%")
    if kind.choices:
        text = f"{text} ({kind.expected})".strip()
    fields = {
        "name": declared.name,
        "long": flag(declared.name),
        "default": declared.default,
        "help": f"{text} [default: %(default)s]".strip(),
    }
    is_switch = kind.name == "bool" and not kind.optional
    return {**fields, "type": bool, "inverse": f"no-{flag(declared.name)}"} if is_switch else fields
