"""A project made of variations: all its files, its place among the imports, and its clean build."""

import contextlib
import importlib.util
import os
import py_compile
import shutil
import site
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from forked_doit import ended, forget_modules, forked
from variations import VARIATIONS
from variations.base import BASE, SITE, Chosen, Part, Task

FIXED = {
    "steps/__init__.py": "",
    "steps/witness.py": '''
def executed(name):
    """Witness that the stage was executed which makes a file of this name."""
    with open("../executed", "a") as log:
        log.write(name + "\\n")
''',
}
COMPILED = 1_700_000_000  # seconds: when modules were edited whose byte code is stale
DODO = "from doit.tools import config_changed\nfrom redoit import DOIT_CONFIG, step\n"


@dataclass(frozen=True)
class Variant:
    """All files of a project, as the knobs of its variations stand. `chosen`: variation -> its knobs."""

    chosen: Mapping[str, Chosen]

    def turned(self, variation: str, knob: str, value: object) -> "Variant":
        """Return the same with one knob at another value."""
        return Variant({**self.chosen, variation: {**self.chosen[variation], knob: value}})

    @property
    def parts(self) -> dict[str, Part]:
        """Variation -> its part."""
        return {name: VARIATIONS[name].part(chosen) for name, chosen in self.chosen.items()}

    @property
    def tasks(self) -> list[Task]:
        """All tasks, in an order in which they can run."""
        return [task for part in self.parts.values() for task in part.tasks]

    @property
    def outputs(self) -> dict[str, Task]:
        """Path -> the task that makes it."""
        return {path: task for task in self.tasks for path in task.outputs.values()}

    @property
    def compiled(self) -> list[str]:
        """The modules whose time never changes."""
        return [path for part in self.parts.values() for path in part.compiled]

    @property
    def errors(self) -> list[str]:
        """What doit must say as it fails, if it must."""
        return [part.error for part in self.parts.values() if part.error]

    def files(self) -> dict[str, bytes]:
        """Return path -> content of all files that a user has."""
        tasks = [task.declared() for task in reversed(self.tasks)]  # what is needed comes after what needs it
        dodo = DODO + "".join(f"\n\ndef task_{number}():\n{text}" for number, text in enumerate(tasks))
        own = {path: content for part in self.parts.values() for path, content in part.files.items()}
        found = {**FIXED, "dodo.py": dodo, **own}
        return {path: content.encode() if isinstance(content, str) else content for path, content in found.items()}

    def links(self) -> dict[str, str]:
        """Return path -> what the link names."""
        return {path: target for part in self.parts.values() for path, target in part.links.items()}

    def python_path(self, root: Path) -> list[str]:
        """Return the folders that PYTHONPATH names."""
        named = [folder for part in self.parts.values() for folder in part.python_path]
        return [folder.replace(BASE, str(root.parent)) for folder in named]

    def variables(self) -> dict[str, str]:
        """Return the variables of the environment that a user has set."""
        return {name: value for part in self.parts.values() for name, value in part.variables.items()}

    def arguments(self) -> tuple[str, ...]:
        """Return the arguments of doit."""
        return tuple(each for part in self.parts.values() for each in part.arguments)


def write(root: Path, variant: Variant, before: Variant | None = None) -> None:
    """Write what differs, and remove what there was before; what is installed is removed and installed again."""
    base = str(root.parent).encode()
    files = {name: content.replace(BASE.encode(), base) for name, content in variant.files().items()}
    if any(name.startswith(SITE) and _differs(root / name, content) for name, content in files.items()):
        for path in (root / SITE).glob("*"):
            _remove(path)
    earlier = {**before.files(), **before.links()} if before else {}
    for name in earlier.keys() - files.keys() - variant.links().keys():
        (root / name).unlink(missing_ok=True)
    for name, content in files.items():
        if _differs(root / name, content):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
    for name, target in variant.links().items():
        _remove(root / name)
        (root / name).symlink_to(target)
    for name in variant.compiled:
        os.utime(root / name, (COMPILED, COMPILED))


def compile_modules(root: Path, variant: Variant) -> None:
    """Leave byte code beside modules, as who imports them does: it stays, as they keep their time and their size."""
    for name in variant.compiled:
        if not os.path.exists(importlib.util.cache_from_source(str(root / name))):
            py_compile.compile(str(root / name), doraise=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _differs(path: Path, content: bytes) -> bool:
    return not path.exists() or path.read_bytes() != content


def environment(root: Path, variant: Variant) -> dict[str, str]:
    """Return the variables that a user has set before doit is started in a project's folder."""
    return {"PYTHONPATH": os.pathsep.join(variant.python_path(root)), **variant.variables()}


def enter(root: Path, variant: Variant) -> None:
    """Make this process one that was started in a project's folder, with its PYTHONPATH and its environment."""
    os.chdir(root)
    folders = variant.python_path(root)
    os.environ.update(environment(root, variant))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.modules["__main__"] = ModuleType("__main__")  # what processes that a step spawns would import
    python = [path for path in sys.path if path.startswith(sys.base_prefix) or path.endswith("site-packages")]
    sys.path[:] = [*(os.path.abspath(folder) for folder in folders), *python]
    if (root / SITE).is_dir():
        site.addsitedir(os.path.abspath(root / SITE))
    sys.path_importer_cache.clear()


class CleanBuilds:
    """Clean builds, each made once: all tasks called one after the other in a new folder, by a plain script."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, dict[str, str]] = {}

    def outputs(self, variant: Variant) -> dict[str, str]:
        """Return path -> text of every output."""
        root = self._folder / "clean/project"
        found = variant.files(), variant.links(), variant.arguments(), environment(root, variant)
        name = repr(found)
        if name not in self._made:
            write(root, variant)
            number = forked(lambda: self._build(root, variant), self._folder / "clean/out")
            assert ended(number) == 0, (self._folder / "clean/out").read_text()
            self._made[name] = {path: (root / path).read_text() for path in variant.outputs}
            shutil.rmtree(root.parent)
        return self._made[name]

    def _build(self, root: Path, variant: Variant) -> int:
        enter(root, variant)
        os.makedirs("data", exist_ok=True)
        sys.dont_write_bytecode = True
        for task in variant.tasks:
            with as_of_a_process(root):
                task.execute()
        return 0


@contextlib.contextmanager
def as_of_a_process(root: Path) -> Iterator[None]:
    """Import the project as a new process does."""
    path = [*sys.path]
    sys.path.insert(0, str(root))
    forget_modules(root.parent)
    yield
    sys.path[:] = path
