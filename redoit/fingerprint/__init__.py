"""The fingerprint: the code that a step can reach, read from source and never imported.

Starts at the step's `run`, follows each name that a part uses to the statements that bind it, and adds the statements
with effects of each module on the way. Where reading can't resolve a name, the whole module counts: that may cause a
needless run, never a stale result. Knows nothing of inputs, settings and versions.
"""

import ast
from collections.abc import Iterable

from redoit.errors import DeclarationError
from redoit.fingerprint.names import FUNCTIONS, bindings, inner_statements
from redoit.fingerprint.order import import_order, loud_modules
from redoit.fingerprint.parts import IMPORTS, STATEMENTS, WHOLE
from redoit.fingerprint.reach import Key, Reach
from redoit.fingerprint.reflection import Reflection
from redoit.model import Code, Part
from redoit.source.project import Module, Project


def code_of(project: Project, step: str, function: str = "run", extra_roots: Iterable[Key] = ()) -> Code:
    """Return all code that a step's function can reach.

    `extra_roots`: module and name of definitions that count although the code need not name them: the enumerations of
    its settings.

    Raises: DeclarationError if there is no such step, SourceError if a file of it can't be read or parsed.
    """
    _check(project, step, function)
    roots = [(name, what) for name, what in extra_roots if (m := project.module(name)) and what in bindings(m).names]
    assumed = Reflection.NOTHING
    while True:  # reflection in reached code makes more of the code count, which may reach more
        reach = Reach(project, step, function, assumed)
        reach.walk(roots)
        if reach.reflection <= assumed:
            return _code(project, step, reach)
        assumed = reach.reflection


def _check(project: Project, step: str, function: str) -> None:
    module = project.module(step)
    if module is None:
        import difflib

        close = difflib.get_close_matches(step, list(project.modules()), n=1)
        raise DeclarationError(step, "no such module in the project", f"did you mean {close[0]}?" if close else "")
    binders = bindings(module).names.get(function, [])
    bound_by = [item for binder in binders for item in inner_statements(binder.statement)]
    functions = [item for item in bound_by if isinstance(item, FUNCTIONS) and item.name == function]
    if not functions:
        raise DeclarationError(step, f"no function {function!r}", f"define it: def {function}(...)")
    if any(isinstance(item, ast.AsyncFunctionDef) for item in functions):
        raise DeclarationError(step, f"{function!r} is async, expected a plain function", f"make it def {function}()")


def _code(project: Project, step: str, reach: Reach) -> Code:
    root = reach.part_name(reach.root)
    modules = {name: module for name, _ in reach.via if (module := project.module(name))}
    effectful = loud_modules(project, modules.values())
    parts = [Part(f"{name}:{WHOLE}", text, (root,)) for name, text in reach.unparsed.items()]
    for key, via in reach.via.items():
        module, what = modules[key[0]], key[1]
        if what != WHOLE and (module.name, WHOLE) in reach.via:
            continue
        text = _text(reach, module, key, effectful)
        if text or what != STATEMENTS:
            parts.append(Part(reach.part_name(key), text, via))
    order = import_order(project, step)
    if order:
        title = f"{step}:{IMPORTS}"
        parts.append(Part(title, "\n".join(f"import {name}" for name in order), (root, title)))
    lines = sorted(set(reach.unresolved.values()))
    return Code(
        tuple(sorted(parts, key=lambda part: part.name)),
        tuple(sorted(reach.imports)),
        tuple(lines),
        tuple(sorted({*modules, *reach.unparsed})),
    )


def _text(reach: Reach, module: Module, key: Key, effectful: set[str]) -> str:
    match key[1]:
        case "*":
            return reach.texts.of_whole(module)
        case "<module>":
            return reach.texts.of_effects(module, effectful)
    return reach.texts.of_binding(module, bindings(module).names[key[1]])
