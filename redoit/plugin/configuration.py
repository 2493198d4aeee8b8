"""Settings from the command line's variables, doit.cfg and pyproject.toml, strongest first.

doit reads the files. Here their sections are checked against the settings that stages declare, so that a misspelled
name is an error instead of a setting without effect.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from doit import doit_cmd

from redoit.errors import DeclarationError
from redoit.source.settings import MAX_VALUE_CHARACTERS, Declared, nearest

FILES = ("pyproject.toml", "doit.cfg")
SECTION_PREFIX = "task:"
PLACES = "[tool.doit.tasks.STAGE] of pyproject.toml and [task:STAGE] of doit.cfg are for settings"
MAX_NAMED_STAGES = 3  # in a message


def sections(files: Iterable[str] = FILES) -> dict[str, dict[str, object]]:
    """Return section -> name -> value of the configuration files in the working directory."""
    config = doit_cmd.DoitConfig()
    config.loads(list(filter(os.path.exists, files)))
    return dict(config.as_dict())


sections_of = lru_cache(maxsize=2)(sections)  # one file's, read once for all stages of a command


def setting_files(stage: str) -> dict[str, str]:
    """Return setting -> configuration file, of the settings that a file sets: the last one is the strongest."""
    return {name: file for file in FILES for name in sections_of((file,)).get(SECTION_PREFIX + stage, {})}


class Options(NamedTuple):
    """The options of a whole project, in `[tool.redoit]` of pyproject.toml.

    `cache`: earlier results count. `strict`: an undeclared input is an error. `store`: the folder of the store, if
    not the project's own. `preload`: modules imported once for all steps that import them.
    """

    cache: bool = True
    strict: bool = False
    store: str = ""
    preload: tuple[str, ...] = ()


def options() -> Options:
    """Return the project's options. Raises: DeclarationError on an unknown or a wrong one, or what is no TOML."""
    try:
        table = tomllib.loads(Path("pyproject.toml").read_text("utf-8")).get("tool", {}).get("redoit", {})
    except FileNotFoundError:
        return Options()
    except (ValueError, RecursionError, AttributeError) as error:
        raise DeclarationError("pyproject.toml", f"found no TOML ({error})", "mend it") from None
    if not isinstance(table, dict):
        raise DeclarationError(
            "pyproject.toml: [tool.redoit]", f"found {table!r:.{MAX_VALUE_CHARACTERS}}, expected a table"
        )
    defaults = Options._field_defaults
    for name, value in table.items():
        subject = f"pyproject.toml: [tool.redoit] {name}"
        if name not in defaults:
            raise DeclarationError(subject, "no such setting", nearest(name, defaults))
        if name == "preload":
            table[name] = _modules(value, subject)
        elif not isinstance(value, type(defaults[name])):
            expected = "true or false" if isinstance(defaults[name], bool) else "a text"
            raise DeclarationError(subject, f"found {value!r:.{MAX_VALUE_CHARACTERS}}, expected {expected}")
    return Options(**table)


def _modules(value: object, subject: str) -> tuple[str, ...]:
    """Return a list of the project's modules as a tuple. Raises: DeclarationError if it is anything else."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise DeclarationError(subject, f"found {value!r:.{MAX_VALUE_CHARACTERS}}, expected a list of modules")
    for name in value:
        path = os.path.join(*name.split(".")) if all(map(str.isidentifier, name.split("."))) else ""
        places = [os.path.join(root, path + end) for root in ("", "src") for end in (".py", f"{os.sep}__init__.py")]
        if not path or not any(map(os.path.isfile, places)):
            todo = "name one that imports it" if path else ""
            raise DeclarationError(
                subject, f"found {name!r:.{MAX_VALUE_CHARACTERS}}, expected a module of the project", todo
            )
    return tuple(value)


def section_values(stage: str, declared: Mapping[str, Declared], section: Mapping[str, object]) -> dict[str, object]:
    """Return setting -> value of a stage's section. Raises: DeclarationError on an unknown setting or a wrong value."""
    values = {}
    for name, value in section.items():
        subject = f"[{SECTION_PREFIX}{stage}] {name}"
        if name not in declared:
            raise DeclarationError(subject, "no such setting", nearest(name, declared))
        values[name] = declared[name].value(value, subject)
    return values


def overrides(
    stages: Mapping[str, Mapping[str, Declared]], tasks: set[str], *, dodo_reads_variables: bool = False
) -> dict[str, dict[str, object]]:
    """Return stage -> setting -> value from the command line's variables: `train.epochs=2`.

    Raises: DeclarationError on an unknown stage or setting, or a setting without its stage, unless that is a variable
    that dodo.py may read itself.
    """
    values: dict[str, dict[str, object]] = {}
    for variable, text in (doit_cmd._CMDLINE_VARS or {}).items():  # noqa: SLF001 - doit has no public list of them
        stage, dot, name = variable.rpartition(".")
        subject = f"{variable}={text}"
        if not dot or (stage in tasks - set(stages) and not _members(stage, stages)):
            owners = [owner for owner, declared in stages.items() if variable in declared]
            if owners and not (dot or dodo_reads_variables):
                correct = " or ".join(f"{owner}.{subject}" for owner in owners[:MAX_NAMED_STAGES])
                raise DeclarationError(subject, "found a setting without its stage", f"say {correct}")
            continue  # an ordinary variable of doit
        if stage not in stages:
            raise DeclarationError(subject, f"no stage '{stage}'", nearest(stage, _members(stage, stages) or stages))
        if name not in stages[stage]:
            raise DeclarationError(subject, f"{stage} has no setting '{name}'", nearest(name, stages[stage]))
        values.setdefault(stage, {})[name] = stages[stage][name].value(text, subject)
    return values


def check_names(sections: Mapping[str, object], stages: Mapping[str, object], tasks: set[str]) -> None:
    """Check that each section of a task has its task, and is where it is read. Raises: DeclarationError."""
    for section in sections:
        name = section.removeprefix(SECTION_PREFIX)
        members = _members(name, stages)
        if name == section and (name in tasks or re.match(r"(tool|redoit|tasks?)\b", name)):
            raise DeclarationError(f"[{section}]", "found in doit.cfg, where it has no effect", PLACES)
        if name != section and (name not in tasks or members):
            raise DeclarationError(f"[{section}]", f"no stage '{name}'", nearest(name, members or stages))
    options = sections.get("GLOBAL")
    for name, value in options.items() if isinstance(options, dict) else ():
        if isinstance(value, dict):
            raise DeclarationError(f"[tool.doit.{name}]", "found in pyproject.toml, where it has no effect", PLACES)


def _members(group: str, stages: Iterable[str]) -> list[str]:
    """Return the stages of a group; the group itself has no settings."""
    return [stage for stage in stages if stage.startswith(f"{group}:")]
