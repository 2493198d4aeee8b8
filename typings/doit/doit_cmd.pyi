# The configuration files, and the variables of the command line.

from collections.abc import Iterable

_CMDLINE_VARS: dict[str, str] | None

def get_var(name: str, default: object = None) -> object: ...

class DoitConfig:
    def loads(self, config_filenames: Iterable[str]) -> None: ...
    def as_dict(self) -> dict[str, dict[str, object]]: ...
