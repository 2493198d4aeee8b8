"""The normalised text of each part of the reached code: what is stored, digested and shown.

Does not know what is reached.
"""

import ast
import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from redoit.fingerprint.exposure import Exposed, is_exposed
from redoit.fingerprint.normalise import strip, text_of, without_body, without_settings
from redoit.fingerprint.plain import plain_statements
from redoit.fingerprint.uses import Uses, uses
from redoit.source.names import (
    Definition,
    Function,
    Import,
    aliases,
    binders,
    bound_names,
    executed,
    is_lazy,
    methods_in,
)
from redoit.source.project import Module, Project

STATEMENTS = "<module>"  # what an import of the module executes
WHOLE = "*"
Value = TypeVar("Value")


@dataclass(frozen=True)
class Texts:
    """Texts of parts. `exposed`: what code from outside may look into; `docs`: all docstrings and annotations count.

    `raw`: so does each byte of the source. `root`: the step's function, whose settings are no code. `bodies`: a class
    counts with the bodies of its functions, and a module that is taken whole; else these are parts of their own.
    """

    project: Project
    exposed: Exposed
    docs: bool = False
    raw: bool = False
    root: ast.stmt | None = None
    bodies: bool = True

    def uses(self, module: Module, statement: ast.stmt, part: str) -> Uses:
        """Return the names that a statement uses in a part of its module: a name, STATEMENTS or WHOLE."""
        rest = self._stripped(module, part)[statement]
        return self._once(("uses", rest), module, part, lambda: uses([rest]))

    def of_statement(self, module: Module, statement: ast.stmt, part: str) -> str:
        """Return the normalised text of a statement in a part of its module."""
        rest = self._stripped(module, part)[statement]
        return self._once(("text", rest), module, part, lambda: text_of(rest, module.source))

    def _stripped(self, module: Module, part: str) -> dict[ast.stmt, ast.stmt]:
        """Return each statement of a module, and each method, without what can't change the meaning of a part."""
        is_head = part in (STATEMENTS, WHOLE)
        return self._once(("stripped", is_head), module, part, lambda: self._strip(module, part, is_head=is_head))

    def _strip(self, module: Module, part: str, *, is_head: bool) -> dict[ast.stmt, ast.stmt]:
        tree = ast.parse(module.source)  # its own, which is changed
        inner = [*zip(methods_in(module.tree.body), methods_in(tree.body), strict=True)]
        if not (self.docs or part == WHOLE):
            strip(tree, lambda item: is_exposed(self.project, module, item, self.exposed), is_lazy=is_lazy(module))
        found = dict(zip(module.tree.body, tree.body, strict=True))
        if self.root in found:
            without_settings(found[self.root])
        if not self.bodies:
            for (_, item), (_, rest) in inner:
                found[item] = copy.copy(rest)
                rest.body = without_body(rest).body
            if is_head:
                found |= {item: without_body(rest) for item, rest in found.items() if isinstance(rest, Function)}
        return found

    def _once(self, what: tuple[object, ...], module: Module, part: str, make: Callable[[], Value]) -> Value:
        docs = self.docs or part == WHOLE
        key = (*what, docs, self.root, self.bodies, None if docs else self._exposed_in(module))
        if key not in module.memo:
            module.memo[key] = make()
        value: Value = module.memo[key]
        return value

    def _exposed_in(self, module: Module) -> Exposed:
        """Return which definitions of a module code from outside may look into."""
        key = ("exposed", self.exposed)
        if key not in module.memo:
            names = {item.name for item in ast.walk(module.tree) if isinstance(item, Definition)}
            module.memo[key] = Exposed(self.exposed.functions & names, self.exposed.classes & names)
        found: Exposed = module.memo[key]
        return found

    def of_binding(self, module: Module, name: str) -> str:
        """Return the text of all statements that bind a name, in order; of an import, only the alias of that name."""
        found = binders(module, name)
        names = {each: each.alias.text for each in found if each.alias and isinstance(each.statement, Import)}
        texts = [names.get(each) or self.of_statement(module, each.statement, name) for each in found]
        return "\n".join(dict.fromkeys(texts))

    def of_whole(self, module: Module) -> str:
        """Return the text of a module that is taken whole."""
        if self.raw or module.is_opaque:
            return module.source.decode("utf-8", "backslashreplace")
        return "\n".join(text for item in module.tree.body if (text := self.of_statement(module, item, WHOLE)))

    def of_import(self, module: Module, is_reached: Callable[[str], bool]) -> str:
        """Return what an import of a module executes, in order.

        Of a plain statement only the name has a place, if it is reached; between two other statements, plain ones may
        stand in any order.
        """
        plain = plain_statements(self.project, module)
        lines: list[str] = []
        names: list[str] = []
        for item in executed(module):
            bound = list(dict(bound_names(module, item))) if item in plain else []
            reached = [f"# {name}" for name in bound if is_reached(name)]
            if item in plain and not (isinstance(item, ast.ClassDef) and item.bases):
                names += reached
            elif reached or item not in plain:
                absolute = [alias.text for alias in aliases(module, item)] if isinstance(item, Import) else []
                lines += [
                    *sorted(names),
                    *(reached if item in plain else absolute or [self.of_statement(module, item, STATEMENTS)]),
                ]
                names = []
        return "\n".join([*lines, *sorted(names)]) if lines else ""
