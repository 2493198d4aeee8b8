"""The worker: calls one step's `run` in a process of its own, and writes down the result.

`main` is started with the argument RESULT, the number of an open file. The first line of standard input is the call, as
JSON; the rest stays open for as long as the parent lives. A forked process begins at `serve`. Imports nothing heavy.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from redoit import observer
from redoit.execution import orphans
from redoit.execution.failure import first_line, own_traceback
from redoit.source import import_hook
from redoit.source.search_path import SearchPath

Settings = list[tuple[str, str, object]]  # name, kind and value of each
MAX_QUOTED_CHARACTERS = 80  # of what a step returned, in a message


def main() -> NoReturn:
    """Run one step; exit non-zero if it fails."""
    parent = os.dup(0)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    observer.start()
    import_hook.import_from_source()
    serve(parent, int(sys.argv[1]))


def serve(parent: int, result: int) -> NoReturn:
    """Read a call from the parent, run it, write its result; exit.

    `parent`, `result`: open files, of which the first ends with the parent.
    """
    with open(parent, "rb", buffering=0, closefd=False) as file:  # unbuffered: to read nothing beyond the line
        line = file.readline()
    if not line.endswith(b"\n"):
        sys.exit("no step call on standard input")
    call = json.loads(line)
    if call["record"] not in ("", os.environ.get(observer.OBSERVE)):  # forked
        observer.redirect(call["record"])
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    sys.argv[:], sys.orig_argv[:] = [call["step"]], [sys.executable, "-m", call["step"]]  # nothing of redoit
    fields = run_step(**call)
    try:
        with open(result, "w", encoding="utf-8") as file:
            json.dump(fields, file)
    except OSError as error:
        sys.exit(f"the result of the step could not be written ({error.strerror})")
    sys.exit(1 if "error" in fields else 0)


def run_step(
    step: str, paths: dict[str, str], settings: Settings, preload: list[str], defaults: Settings, **_: object
) -> dict[str, object]:
    """Run a step; return its metrics, or its error and traceback. The parameters are the fields of a `StepCall`."""
    project, roots, finder = os.getcwd(), import_hook.project_roots(), import_hook.standard_first()
    result: dict[str, object] = {}
    try:
        finder.use([step, *preload])
        for module in preload:
            importlib.import_module(module)
        run = _imported(step)
        _check_defaults(run, defaults)
        arguments = {name: _value(kind, value) for name, kind, value in settings}
        result = _metrics(run(**{role: Path(path) for role, path in paths.items()}, **arguments))
        _check_paths(project, paths)
    except BaseException as error:
        finder.restore()
        text = "interrupted" if isinstance(error, KeyboardInterrupt) else first_line(error) + _moved(project)
        text = text.encode(errors="backslashreplace").decode()
        result = {"error": text, "traceback": ""}
        with contextlib.suppress(Exception):  # an exception may be of any class, or there is no memory left
            result["traceback"] = own_traceback(error, roots)
    return result


def _check_paths(project: str, paths: dict[str, str]) -> None:
    """Check that a step which has changed its working directory wrote where it was to. Raises: FileNotFoundError."""
    for path in paths.values() if _moved(project) else ():
        if not os.path.lexists(os.path.join(project, path)):
            raise FileNotFoundError(f"the step wrote no {os.path.basename(path)}")


def _moved(project: str) -> str:
    """Return what to add to an error if the step has changed its working directory, empty if not."""
    try:
        folder = os.getcwd()
    except OSError:
        folder = "one that was removed"
    if folder == project:
        return ""
    return f" (it had changed its working directory to {folder}; paths are relative to the project)"


def _imported(step: str) -> Callable[..., object]:
    """Return the step's `run`, if it is in the file that was read.

    Raises: ImportError if it is in another: code put it before the project.
    """
    read = SearchPath(Path.cwd()).find_own(step)  # before the import, which may go to another folder
    module = importlib.import_module(step)
    if os.path.realpath(str(module.__file__)) != os.path.realpath(str(read)):
        raise ImportError(f"{step} was found in {module.__file__}, not in the project; give its folder an __init__.py")
    run: Callable[..., object] = module.run
    return run


def _check_defaults(run: Any, defaults: Settings) -> None:
    """Check that the defaults that were read from source are Python's. Raises: TypeError."""
    python: dict[str, object] = {}
    while run is not None:  # a decorator's wrapper first, whose own defaults come first
        python = {**(getattr(run, "__kwdefaults__", None) or {}), **python}
        run = getattr(run, "__wrapped__", None)
    for name, kind, value in defaults:
        read = _value(kind, value)
        if repr(python.get(name, read)) != repr(read):
            raise TypeError(
                f"setting {name}: its default is {python[name]!r}, but reads as {read!r}; write the value itself"
            )


def _value(kind: str, value: object) -> object:
    """Return a setting's value in its declared type: JSON has neither paths nor enumerations."""
    if value is None:
        return None
    if kind.startswith("list[") and isinstance(value, list):
        return [_value(kind.removeprefix("list[").removesuffix("]"), item) for item in value]
    if kind == "path":
        return Path(str(value))
    if kind.startswith("enum "):
        module, _, name = kind.removeprefix("enum ").partition(":")
        return getattr(importlib.import_module(module), name)[value]
    return value


def _metrics(returned: Any) -> dict[str, object]:
    """Return `metrics`, what `run` returned as numbers, and `left_out`, the others in words."""
    if returned is None:
        return {"metrics": {}}
    try:
        items = [(str(name), value) for name, value in returned.items()]
    except Exception:  # whatever an object of the step raises: its finished outputs matter more
        return {"metrics": {}, "left_out": [f"run returned {_quoted(returned)}, expected a dict of numbers or None"]}
    numbers: dict[str, float] = {}
    left_out = []
    for name, value in items:
        given: Any = None if isinstance(value, str | bytes | bytearray) else value  # float() would read some texts
        try:
            numbers[name] = float(given)
        except Exception:  # likewise
            short = name[:MAX_QUOTED_CHARACTERS]
            left_out.append(f"metric {short} left out: found {_quoted(value)}, expected a number")
    return {"metrics": numbers, "left_out": left_out}


def _quoted(value: object) -> str:
    """Return how an object shows itself, shortened."""
    try:
        text = repr(value)
    except Exception:  # an int of too many digits, and whatever an object of the step raises
        text = type(value).__name__
    return text[:MAX_QUOTED_CHARACTERS].encode(errors="backslashreplace").decode()


def _die_with(parent: int) -> None:
    """Kill this process and all that it started as soon as the parent is gone, even if that was killed by SIGKILL."""
    os.read(parent, 1)
    orphans.kill_left(os.environ.get(orphans.TAG_VARIABLE, ""), os.getpgid(0), wait=False)
    os.kill(os.getpid(), signal.SIGKILL)
