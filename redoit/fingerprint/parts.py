"""The normalised text of each part of the reached code: what is stored, digested and shown.

Does not know what is reached.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from redoit.fingerprint import pure_calls
from redoit.fingerprint.names import FUNCTIONS, Binder, Import, aliases
from redoit.fingerprint.normalise import Definition, StripRules, stripped, text_of
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

    def stripped(self, module: Module, statement: ast.stmt) -> list[ast.stmt]:
        """Return a statement without what can't change its meaning: one statement, or none."""
        if self.docs:
            return [statement]
        key = ("stripped", statement)
        if key not in module.memo:
            rules = StripRules(is_lazy(module), lambda item: is_exposed(self.project, module, item))
            rest = stripped(statement, rules)
            module.memo[key] = [] if rest is None else [rest]
        statements: list[ast.stmt] = module.memo[key]
        return statements

    def uses(self, module: Module, statement: ast.stmt) -> Uses:
        """Return the names that a stripped statement uses."""
        key = ("uses", statement, self.docs)
        if key not in module.memo:
            module.memo[key] = uses(module, self.stripped(module, statement))
        used: Uses = module.memo[key]
        return used

    def of_statement(self, module: Module, statement: ast.stmt) -> str:
        """Return the normalised text of a statement."""
        key = ("text", statement, self.docs)
        if key not in module.memo:
            module.memo[key] = text_of(self.stripped(module, statement), module.source)
        return str(module.memo[key])

    def of_binding(self, module: Module, binders: list[Binder]) -> str:
        """Return the text of all statements that bind a name, in order; of an import, only the alias of that name."""
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

    def of_effects(self, module: Module, effectful: set[str]) -> str:
        """Return the text of what an import of a module executes, in order.

        `effectful`: the modules whose import executes a statement with effects.
        """
        with_effects = effects(self.project, module)
        early = names_too_early(self.project, module, self.uses)
        lines: list[str] = []
        for item in executed(self.project, module):
            lines += [f"# {name} is not bound yet" for name in early.get(item, [])]
            if isinstance(item, Import):
                lines += self._imports(module, item, effectful)
            elif item in with_effects:
                lines.append(self.of_statement(module, item))
        return "\n".join(lines)

    def _imports(self, module: Module, item: Import, effectful: set[str]) -> Iterator[str]:
        for alias in aliases(module, item):
            if alias.module == "__future__" or alias.attr == "*":
                yield alias.text
                continue
            names, locate = loads(self.project, alias), self.project.locate
            if f"{alias.module}.{alias.attr}" in effectful and len(names) == alias.loads.count(".") + 1:
                yield alias.text  # a package's attribute or its submodule of that name: whichever was bound last
            if self.project.module(names[0]) is not None:
                yield from (f"import {name}" for name in names if name in effectful or locate(name) is None)
            elif module.name in effectful and not pure_calls.is_standard(names[0]):
                yield f"import {names[-1]}"


def is_exposed(project: Project, module: Module, item: Definition) -> bool:
    """Tell whether third-party code receives a definition when it is made, as a decorator, base or metaclass."""
    values = Values(project, module)
    receivers = list(item.decorator_list)
    if isinstance(item, ast.ClassDef):
        receivers += [*item.bases, *(word.value for word in item.keywords if word.arg == "metaclass")]
    return not all(_is_internal(values, part, frozenset()) for part in receivers)


def _is_internal(values: Values, item: ast.expr, derived: frozenset[ast.AST]) -> bool:
    """Tell whether a decorator or a base class, and all that it derives from, is of the project or Python's own.

    `derived`: the classes that led here by their bases.
    """
    match item:
        case ast.Call(func=item) | ast.Subscript(value=item):
            pass
    name = values.outside(item)
    if name:
        return pure_calls.is_standard(name)
    definition, module = values.definition(item)
    if module is None or not isinstance(definition, (*FUNCTIONS, ast.ClassDef)) or definition in derived:
        return False
    bases = definition.bases if isinstance(definition, ast.ClassDef) else []
    return all(_is_internal(Values(values.project, module), base, derived | {definition}) for base in bases)
