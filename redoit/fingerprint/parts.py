"""The text of each part of the code that a step can reach: what is kept, digested and shown.

Takes what was reached as given.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from redoit.fingerprint import pure_calls
from redoit.fingerprint.names import FUNCTIONS, Binder, Import, aliases
from redoit.fingerprint.normalise import Definition, Style, stripped, text_of
from redoit.fingerprint.order import loads, names_too_early
from redoit.fingerprint.purity import effects, executed, is_lazy
from redoit.fingerprint.uses import Uses, uses
from redoit.fingerprint.values import Values
from redoit.source.project import Module, Project

STATEMENTS = "<module>"  # the statements with effects that an import of the module executes
IMPORTS = "<imports>"  # modules from outside the project, in the order in which the step imports them
WHOLE = "*"


@dataclass(frozen=True)
class Texts:
    """Texts of parts. `docs`: docstrings and annotations count; `raw`: so does each byte of the source."""

    project: Project
    docs: bool = False
    raw: bool = False

    def left(self, module: Module, statement: ast.stmt) -> list[ast.stmt]:
        """Return a statement of a module without what can't matter: one statement, or none."""
        if self.docs:
            return [statement]
        key = ("stripped", statement)
        if key not in module.memo:
            style = Style(is_lazy(module), lambda item: is_open(self.project, module, item))
            left = stripped(statement, style)
            module.memo[key] = [] if left is None else [left]
        found: list[ast.stmt] = module.memo[key]
        return found

    def uses(self, module: Module, statement: ast.stmt) -> Uses:
        """Return what is used by what is left of a statement."""
        key = ("uses", statement, self.docs)
        if key not in module.memo:
            module.memo[key] = uses(module, self.left(module, statement))
        found: Uses = module.memo[key]
        return found

    def of_statement(self, module: Module, statement: ast.stmt) -> str:
        """Return the normalised text of a statement."""
        key = ("text", statement, self.docs)
        if key not in module.memo:
            module.memo[key] = text_of(self.left(module, statement), module.source)
        return str(module.memo[key])

    def of_binding(self, module: Module, binders: list[Binder]) -> str:
        """Return the text of all statements that bind a name, in order; of an import only what concerns the name."""
        texts: dict[tuple[ast.stmt, str], str] = {}
        for binder in binders:
            if binder.alias and isinstance(binder.statement, Import):
                texts[binder.statement, binder.alias.text] = binder.alias.text
            else:
                texts[binder.statement, ""] = self.of_statement(module, binder.statement)
        return "\n".join(texts.values())

    def of_whole(self, module: Module) -> str:
        """Return the text of a module that is taken whole."""
        if self.raw:
            return module.source.decode("utf-8", "backslashreplace")
        return "\n".join(text for item in module.tree.body if (text := self.of_statement(module, item)))

    def of_effects(self, module: Module, loud: set[str]) -> str:
        """Return what an import of a module executes, in order. `loud`: the modules where that is anything."""
        found = effects(self.project, module)
        early = names_too_early(self.project, module, self.uses)
        lines: list[str] = []
        for item in executed(self.project, module):
            lines += [f"# {name} is not bound yet" for name in early.get(item, [])]
            if isinstance(item, Import):
                lines += self._imports(module, item, loud)
            elif item in found:
                lines.append(self.of_statement(module, item))
        return "\n".join(lines)

    def _imports(self, module: Module, item: Import, loud: set[str]) -> Iterator[str]:
        for alias in aliases(module, item):
            if alias.module == "__future__" or alias.attr == "*":
                yield alias.text
                continue
            names = loads(self.project, alias)
            if f"{alias.module}.{alias.attr}" in loud and len(names) == alias.loads.count(".") + 1:
                yield alias.text  # a name of a package, or its submodule of that name: whichever came last
            if self.project.module(names[0]) is not None:
                yield from (f"import {name}" for name in names if name in loud or self.project.locate(name) is None)
            elif module.name in loud and not pure_calls.is_standard(names[0]):
                yield f"import {names[-1]}"


def is_open(project: Project, module: Module, item: Definition) -> bool:
    """Tell whether code from outside project and standard library sees a definition when it is made."""
    values = Values(project, module)
    seen = list(item.decorator_list)
    if isinstance(item, ast.ClassDef):
        seen += [*item.bases, *(word.value for word in item.keywords if word.arg == "metaclass")]
    return not all(_is_known(values, part, frozenset()) for part in seen)


def _is_known(values: Values, item: ast.expr, above: frozenset[ast.AST]) -> bool:
    """Tell whether a decorator or a base class is Python's own, or of the project with all that it derives from."""
    match item:
        case ast.Call(func=item) | ast.Subscript(value=item):
            pass
    name = values.outside(item)
    if name:
        return pure_calls.is_standard(name)
    found, module = values.definition(item)
    if module is None or not isinstance(found, (*FUNCTIONS, ast.ClassDef)) or found in above:
        return False
    bases = found.bases if isinstance(found, ast.ClassDef) else []
    return all(_is_known(Values(values.project, module), base, above | {found}) for base in bases)
