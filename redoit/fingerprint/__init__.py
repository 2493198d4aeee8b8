"""Which code a step can reach, read from source: code -> parts.

Starts at the step's `run`, follows each name that a part uses to what binds it, and takes the statements with effects
of each module on the way. Where reading can't tell, a module counts whole: a false run is the price, a false keep is
not. Imports nothing of what it reads. Knows nothing of inputs, settings and versions.
"""

import ast
from collections.abc import Iterable

from redoit.errors import DeclarationError
from redoit.fingerprint.names import FUNCTIONS, bindings, inner_statements
from redoit.fingerprint.order import import_order, loud_modules
from redoit.fingerprint.parts import IMPORTS, STATEMENTS, WHOLE
from redoit.fingerprint.reach import Key, Reach
from redoit.fingerprint.reflection import Sight
from redoit.model import Code, Part
from redoit.source.project import Module, Project


def code_of(project: Project, step: str, function: str = "run", besides: Iterable[Key] = ()) -> Code:
    """Return all code that a step's function can reach.

    `besides`: module and name of what it is given, that its code need not name: the enumeration that a setting is of.

    Raises: DeclarationError if there is no such step, SourceError if a file of it can't be read or parsed.
    """
    _check(project, step, function)
    given = [
        (name, what) for name, what in besides if (found := project.module(name)) and what in bindings(found).names
    ]
    sight = Sight.NOTHING
    while True:  # reached code that looks at other code makes more of it count, which may reach more
        reach = Reach(project, step, function, sight)
        reach.walk(given)
        if reach.sight <= sight:
            return _code(project, step, reach)
        sight = reach.sight


def _check(project: Project, step: str, function: str) -> None:
    module = project.module(step)
    if module is None:
        import difflib

        close = difflib.get_close_matches(step, list(project.modules()), n=1)
        raise DeclarationError(step, "no such module in the project", f"did you mean {close[0]}?" if close else "")
    binders = bindings(module).names.get(function, [])
    made = [item for binder in binders for item in inner_statements(binder.statement) if isinstance(item, FUNCTIONS)]
    made = [item for item in made if item.name == function]
    if not made:
        raise DeclarationError(step, f"no function {function!r}", f"define it: def {function}(...)")
    if any(isinstance(item, ast.AsyncFunctionDef) for item in made):
        raise DeclarationError(step, f"{function!r} is async, expected a plain function", f"make it def {function}()")


def _code(project: Project, step: str, reach: Reach) -> Code:
    root = reach.title(reach.root)
    modules = {name: module for name, _ in reach.via if (module := project.module(name))}
    loud = loud_modules(project, modules.values())
    parts = [Part(f"{name}:{WHOLE}", text, (root,)) for name, text in reach.unread.items()]
    for key, via in reach.via.items():
        module, what = modules[key[0]], key[1]
        if what != WHOLE and (module.name, WHOLE) in reach.via:
            continue
        text = _text(reach, module, key, loud)
        if text or what != STATEMENTS:
            parts.append(Part(reach.title(key), text, via))
    order = import_order(project, step)
    if order:
        title = f"{step}:{IMPORTS}"
        parts.append(Part(title, "\n".join(f"import {name}" for name in order), (root, title)))
    lines = sorted(set(reach.lines.values()))
    return Code(
        tuple(sorted(parts, key=lambda part: part.name)),
        tuple(sorted(reach.imports)),
        tuple(lines),
        tuple(sorted({*modules, *reach.unread})),
    )


def _text(reach: Reach, module: Module, key: Key, loud: set[str]) -> str:
    match key[1]:
        case "*":
            return reach.texts.of_whole(module)
        case "<module>":
            return reach.texts.of_effects(module, loud)
    return reach.texts.of_binding(module, bindings(module).names[key[1]])
