"""The normalised text of each part of the reached code: what is stored, digested and shown.

Does not know what is reached.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from redoit.fingerprint.exposure import Exposed, is_exposed
from redoit.fingerprint.normalise import strip, text_of, without_settings
from redoit.fingerprint.plain import plain_statements
from redoit.fingerprint.uses import Uses, uses
from redoit.source.names import Binder, Import, aliases, bound_names, executed, is_lazy
from redoit.source.project import Module, Project

STATEMENTS = "<module>"  # what an import of the module executes
WHOLE = "*"
Value = TypeVar("Value")


@dataclass(frozen=True)
class Texts:
    """Texts of parts. `exposed`: what code from outside may look into; `docs`: all docstrings and annotations count.

    `raw`: so does each byte of the source. `root`: the step's function, whose settings are no code.
    """

    project: Project
    exposed: Exposed
    docs: bool = False
    raw: bool = False
    root: ast.stmt | None = None

    def uses(self, module: Module, statement: ast.stmt, *, whole: bool = False) -> Uses:
        """Return the names that a stripped statement uses. `whole`: with docstrings and annotations."""
        docs = self.docs or whole
        return self._once(("uses", statement), module, docs, lambda: uses([self._stripped(module, docs)[statement]]))

    def of_statement(self, module: Module, statement: ast.stmt, *, whole: bool = False) -> str:
        """Return the normalised text of a statement. `whole`: with docstrings and annotations."""
        docs = self.docs or whole
        rest = self._stripped(module, docs)[statement]
        return self._once(("text", statement), module, docs, lambda: text_of(rest, module.source))

    def _stripped(self, module: Module, docs: bool) -> dict[ast.stmt, ast.stmt]:
        """Return each statement of a module without what can't change its meaning."""
        return self._once(("stripped",), module, docs, lambda: self._strip(module, docs))

    def _strip(self, module: Module, docs: bool) -> dict[ast.stmt, ast.stmt]:
        tree = ast.parse(module.source)  # its own, which is changed
        if not docs:
            strip(tree, lambda item: is_exposed(self.project, module, item, self.exposed), is_lazy=is_lazy(module))
        found = dict(zip(module.tree.body, tree.body, strict=True))
        if self.root in found:
            without_settings(found[self.root])
        return found

    def _once(self, what: tuple[object, ...], module: Module, docs: bool, make: Callable[[], Value]) -> Value:
        key = (*what, docs, self.root, None if docs else self.exposed)
        if key not in module.memo:
            module.memo[key] = make()
        value: Value = module.memo[key]
        return value

    def of_binding(self, module: Module, binders: list[Binder]) -> str:
        """Return the text of all statements that bind a name, in order; of an import, only the alias of that name."""
        names = {each: each.alias.text for each in binders if each.alias and isinstance(each.statement, Import)}
        texts = [names.get(each) or self.of_statement(module, each.statement) for each in binders]
        return "\n".join(dict.fromkeys(texts))

    def of_whole(self, module: Module) -> str:
        """Return the text of a module that is taken whole."""
        if self.raw or module.is_opaque:
            return module.source.decode("utf-8", "backslashreplace")
        return "\n".join(text for item in module.tree.body if (text := self.of_statement(module, item, whole=True)))

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
                    *(reached if item in plain else absolute or [self.of_statement(module, item)]),
                ]
                names = []
        return "\n".join([*lines, *sorted(names)]) if lines else ""
