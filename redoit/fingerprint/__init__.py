"""The fingerprint: the code that a step can reach, read from source and never imported.

A definition counts when code that counts names it; so do all statements that an import executes and that do more than
bind a name to a definition or a literal. Where reading can't resolve a name, the whole module counts: that may cause a
needless run, never a stale result. Knows nothing of inputs, settings and versions.
"""

from collections.abc import Iterable

from redoit.errors import DeclarationError
from redoit.fingerprint.reach import Assumed, Key, Reach
from redoit.fingerprint.texts import STATEMENTS, WHOLE
from redoit.model import Code, Part
from redoit.source.names import bindings
from redoit.source.project import Module, Project


def code_of(
    project: Project, step: str, function: str = "run", extra_roots: Iterable[Key] = (), *, bodies: bool = True
) -> Code:
    """Return all code that a step's function can reach.

    `extra_roots`: module and name of parts that count although the code need not name them: the enumerations of its
    settings, and what was executed. `bodies`: a class counts with the bodies of its methods, and a module that is taken
    whole with those of its functions; else only those of functions that are named, and of roots.
    Raises: DeclarationError if there is no such step, SourceError if a file can't be read or parsed.
    """
    module = project.module(step)
    if module is None or function not in bindings(module).names:
        found = "no such module in the project" if module is None else f"no function {function!r}"
        raise DeclarationError(step, found, f"define it: def {function}(...)")
    extra, known = sorted(extra_roots), ("assumed", function, bodies)
    assumed = module.memo.get(known, Assumed())  # of the step alone: more roots make no less of the code count
    while True:  # what reached code does may make more of the code count, which may reach more
        reach = Reach(project, step, function, assumed, bodies=bodies)
        reach.walk(extra)
        if reach.found == assumed:
            break
        assumed = reach.found
    if not extra and (module := project.module(step)):  # another one where its code has added to Python's path
        module.memo[known] = assumed
    return _code(project, reach)


def _code(project: Project, reach: Reach) -> Code:
    modules = {name: module for name, _ in reach.via if (module := project.module(name))}
    parts = [Part(f"{name}:{WHOLE}", text, (reach.part_name(reach.root),)) for name, text in reach.unparsed.items()]
    for key, via in reach.via.items():
        if key[1] == WHOLE or (key[0], WHOLE) not in reach.via or reach.has_body(key):
            text = _text(reach, modules[key[0]], key)
            parts += [Part(reach.part_name(key), text, via)] if text or key[1] != STATEMENTS else []
    return Code(
        tuple(sorted(parts, key=lambda part: part.name)),
        tuple(sorted(reach.imports)),
        tuple(sorted(set(reach.unresolved.values()))),
        tuple(sorted({*modules, *reach.unparsed})),
    )


def _text(reach: Reach, module: Module, key: Key) -> str:
    name, what = key
    if what == WHOLE:
        return reach.texts.of_whole(module)
    if what == STATEMENTS:
        return reach.texts.of_import(module, lambda bound: (name, bound) in reach.via)
    return reach.texts.of_binding(module, what)
