"""Finds what a step touches in the project that is neither declared nor observed, by strace's record of it.

What Python does to import modules is left out: it searches the folders around source, and looks for the `__init__` of
each folder that has the name of a module.
"""

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePath

from redoit.errors import DeclarationError
from redoit.execution.strace import COMMAND, Touch
from redoit.model import Observation, Stage
from redoit.observer.record import is_unobserved

VERBS = ("opened", "listed", "looked up", "looked in vain for")  # the first of those of a path is shown
KINDS = {"opened": ("file", "content", "opened"), "listed": ("folder", "opened")}  # of observations; else any


def tracer() -> tuple[str, ...]:
    """Return the command that traces another. Raises: DeclarationError if there is none, or it may not trace here."""
    found, todo = "not installed", "install it"
    for command in ((*COMMAND, "--seccomp-bpf"), COMMAND):  # with a filter it is faster, but early versions lack it
        try:
            done = subprocess.run((*command, "-o", "/dev/stdout", "true"), capture_output=True, check=False, text=True)
        except OSError:
            break
        if "execve" in done.stdout:
            return command
        found, todo = f"it may not trace here ({done.stderr.partition(os.linesep)[0]})", "permit ptrace"
    raise DeclarationError("strace", found, f"{todo}, or leave out --strace")


def undeclared_touches(
    stage: Stage, sources: Iterable[str], observations: Iterable[Observation], touches: Iterable[Touch]
) -> dict[str, list[str]]:
    """Return what a step did -> with which paths of the project that are neither declared nor observed.

    `sources`: the files of its code. What its process did before it opened one of them, redoit and Python did.
    """
    source = _names(*sources)
    elsewhere = sys.prefix, tempfile.gettempdir(), str(Path(__file__).parents[1])
    known = source | _names(*stage.files.values(), *stage.uses, *elsewhere)
    roots, configured = _around(source), _names(*os.environ.get("PYTHONPATH", "").split(os.pathsep))
    seen = {(each.name, kind) for each in observations for kind in (each.kind, "any")}
    modules = {("opened", os.path.abspath(name)) for name in source if name.endswith(".py")}
    done = [*dict.fromkeys(itertools.dropwhile(lambda touch: touch not in modules, touches))]
    implied = _around(os.path.dirname(path) for _, path in done)  # folders that its paths lead through
    found = dict[str, str]()
    for verb, path in done:
        names = {name for name in _names(path) if name.split(os.sep)[0] != ".."}
        shown = "listed" if verb == "searched" or (verb == "opened" and os.path.isdir(path)) else verb
        is_search = verb == "looked in vain for" and os.path.basename(path).startswith("__init__.")
        is_search |= not names.isdisjoint({"opened": (), "listed": configured}.get(verb, roots | configured))
        is_seen = any((name, kind) in seen for name in names for kind in KINDS.get(shown, ("any",)))
        is_implied = verb == "looked up" and path in implied
        if names and not (is_search or is_seen or is_implied or _is_exempt(_around(names), known)):
            found[min(names)] = min(shown, found.get(min(names), shown), key=VERBS.index)
    return {verb: sorted(name for name in found if found[name] == verb) for verb in VERBS if verb in found.values()}


def _names(*paths: str) -> set[str]:
    """Return paths from the project's root, as they are written and without links."""
    return {os.path.relpath(each) for path in paths if path for each in (path, os.path.realpath(path))}


def _around(names: Iterable[str]) -> set[str]:
    """Return paths and the folders around them."""
    return {str(folder) for name in names for folder in PurePath(name, "_").parents}


def _is_exempt(folders: set[str], known: set[str]) -> bool:
    """Tell whether a path with the folders around it is or lies in what is known, or in no folder of the project's."""
    inner = folders - {"."}
    unobserved = any(is_unobserved(os.path.basename(each)) for each in inner)
    return unobserved or bool(inner & known) or any(os.path.exists(f"{each}/pyvenv.cfg") for each in inner)
