# The options of commands and of tasks, and their values.

from collections.abc import Callable, Iterable, Mapping

class CmdParseError(Exception): ...

class DefaultUpdate(dict[str, object]):  # option -> its value, of the type that the option has
    def update_defaults(self, update_dict: Mapping[str, object]) -> None: ...

class CmdOption:
    name: str
    section: str
    type: Callable[[str], object]
    default: object
    short: str
    long: str
    inverse: str
    choices: dict[str, str]  # value -> description
    help: str
    metavar: str
    env_var: str | None
    def __init__(self, opt_dict: dict[str, object]) -> None: ...
    def str2type(self, str_val: object) -> object: ...

class CmdParse:
    def __init__(self, options: Iterable[CmdOption]) -> None: ...
    def __contains__(self, key: str) -> bool: ...
    def __getitem__(self, key: str) -> CmdOption: ...
    @property
    def options(self) -> list[CmdOption]: ...
