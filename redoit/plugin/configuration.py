"""Where settings come from: variables on the command line, doit.cfg, pyproject.toml, the step's defaults.

doit reads the files. This checks what they say about stages against what the stages declare, so that a misspelled
name is an error instead of a setting that silently does nothing.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from doit import doit_cmd

from redoit.errors import DeclarationError
from redoit.source.settings import SHOWN, Declared, nearest
from redoit.state.stat_cache import Identity, identity

FILES = ("pyproject.toml", "doit.cfg")
SECTION = "task:"
FEW = 3  # stages that a message names


def sections() -> dict[str, dict[str, Any]]:
    """Return the sections of the configuration files in the working directory, as doit reads them."""
    config = doit_cmd.DoitConfig()
    config.loads([name for name in FILES if os.path.exists(name)])
    return dict(config.as_dict())


def origins(stage: str) -> dict[str, str]:
    """Return setting -> the file that says what it is, of those that a file says."""
    found: dict[str, str] = {}
    for file in FILES:  # the later one is stronger
        found |= dict.fromkeys(_sections(file, identity(file)).get(SECTION + stage, {}), file)
    return found


@lru_cache(maxsize=2)
def _sections(file: str, found: Identity | None) -> dict[str, dict[str, Any]]:
    """Return section -> name -> value, as a configuration file has them; it is read once for all stages."""
    config = doit_cmd.DoitConfig()
    config.loads([file] if found else [])
    return dict(config.as_dict())


def variables() -> dict[str, str]:
    """Return the variables of the command line: `doit train.epochs=2` gives `train.epochs` -> `2`."""
    return dict(doit_cmd._CMDLINE_VARS or {})  # noqa: SLF001 - doit has no list of them in public


class Options(NamedTuple):
    """What `[tool.redoit]` in pyproject.toml says of a whole project.

    `cache`: earlier results count. `strict`: what a step reads without declaring it is an error. `store`: the folder
    of the store, from the project, if it is shared with others. `preload`: modules of the project that are imported
    once for all steps that import them.
    """

    cache: bool = True
    strict: bool = False
    store: str = ""
    preload: tuple[str, ...] = ()


def options() -> Options:
    """Return what pyproject.toml says.

    Raises: DeclarationError on anything in `[tool.redoit]` that is no option, or if the file is no TOML.
    """
    try:
        table = tomllib.loads(Path("pyproject.toml").read_text("utf-8")).get("tool", {}).get("redoit", {})
    except FileNotFoundError:
        return Options()
    except (ValueError, RecursionError, AttributeError) as error:
        raise DeclarationError("pyproject.toml", f"found no TOML ({error})", "mend it") from None
    if not isinstance(table, dict):
        raise DeclarationError("pyproject.toml: [tool.redoit]", f"found {table!r:.{SHOWN}}, expected a table")
    known = Options._field_defaults
    for name, found in table.items():
        subject = f"pyproject.toml: [tool.redoit] {name}"
        if name not in known:
            raise DeclarationError(subject, "no such setting", nearest(name, known))
        if name == "preload":
            table[name] = _modules(found, subject)
        elif not isinstance(found, type(known[name])):
            expected = "true or false" if isinstance(known[name], bool) else "a text"
            raise DeclarationError(subject, f"found {found!r:.{SHOWN}}, expected {expected}")
    return Options(**table)


def _modules(found: Any, subject: str) -> tuple[str, ...]:
    """Return modules of the project. Raises: DeclarationError if that is not what was found."""
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise DeclarationError(subject, f"found {found!r:.{SHOWN}}, expected a list of modules")
    for name in found:
        path = os.path.join(*name.split(".")) if all(map(str.isidentifier, name.split("."))) else ""
        places = [os.path.join(root, path + end) for root in ("", "src") for end in (".py", f"{os.sep}__init__.py")]
        if not path or not any(map(os.path.isfile, places)):
            todo = "name one that imports it" if path else ""
            raise DeclarationError(subject, f"found {name!r:.{SHOWN}}, expected a module of the project", todo)
    return tuple(found)


def values(stage: str, declared: Mapping[str, Declared], section: Mapping[str, Any]) -> dict[str, Any]:
    """Return setting -> value from a stage's section in the configuration files.

    Raises: DeclarationError on a name that the step does not declare, or a value that does not fit.
    """
    found = {}
    for name, given in section.items():
        if name not in declared:
            subject = f"[task:{stage}] {name}"
            raise DeclarationError(subject, "no such setting", nearest(name, declared))
        found[name] = declared[name].value(given, f"[task:{stage}] {name}")
    return found


def overrides(
    stages: Mapping[str, Mapping[str, Declared]], tasks: set[str], *, others: bool = False
) -> dict[str, dict[str, Any]]:
    """Return stage -> setting -> value from the command line's variables. `others`: dodo.py asks for some itself.

    Raises: DeclarationError on a name that no stage or setting has, or that is a setting's without its stage.
    """
    found: dict[str, dict[str, Any]] = {}
    for variable, text in variables().items():
        stage, dot, name = variable.rpartition(".")
        if not dot or (stage in tasks - set(stages) and not _members(stage, stages)):
            owners = [] if dot or others else [name for name, declared in stages.items() if variable in declared]
            if owners:
                meant = " or ".join(f"{owner}.{variable}={text}" for owner in owners[:FEW])
                raise DeclarationError(f"{variable}={text}", "it names no stage", f"say {meant}")
            continue  # an ordinary variable of doit
        if stage not in stages:
            raise DeclarationError(
                f"{variable}={text}", f"no stage '{stage}'", nearest(stage, _members(stage, stages) or stages)
            )
        if name not in stages[stage]:
            raise DeclarationError(
                f"{variable}={text}", f"{stage} has no setting '{name}'", nearest(name, stages[stage])
            )
        found.setdefault(stage, {})[name] = stages[stage][name].value(text, f"{variable}={text}")
    return found


def check_names(sections: Mapping[str, Any], stages: Mapping[str, object], tasks: set[str]) -> None:
    """Refuse a section about a task that is not there.

    Raises: DeclarationError.
    """
    for section in sections:
        name = section.removeprefix(SECTION)
        members = _members(name, stages)
        if name != section and (name not in tasks or members):
            raise DeclarationError(f"[{section}]", f"no stage '{name}'", nearest(name, members or stages))


def _members(group: str, stages: Iterable[str]) -> list[str]:
    """Return the stages of a group, which has no settings itself."""
    return [stage for stage in stages if stage.startswith(f"{group}:")]
