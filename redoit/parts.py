"""The text of each part of the code that a step can reach: what is kept, digested and shown.

Takes what was reached as given. Knows the order in which imports execute, for that order is part of the code.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from redoit import pure_calls
from redoit.names import Alias, Binder, Import, aliases, bindings
from redoit.normalise import Definition, Style, stripped, text_of
from redoit.purity import effects, executed, is_lazy
from redoit.source import Module, Project
from redoit.values import Values

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
        """Return what an import of a module executes, in order. `loud`: the project's modules where that is anything."""
        found = effects(self.project, module)
        lines: list[str] = []
        for item in executed(self.project, module):
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
            if self.project.module(names[0]) is not None:
                yield from (f"import {name}" for name in names if name in loud)
            elif module.name in loud and not pure_calls.is_standard(names[0]):
                yield f"import {names[-1]}"


def is_open(project: Project, module: Module, item: Definition) -> bool:
    """Tell whether code from outside project and standard library sees a definition when it is made."""
    values = Values(project, module)
    seen = [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in item.decorator_list]
    bases = item.bases + [word.value for word in item.keywords if word.arg == "metaclass"] if isinstance(item, ast.ClassDef) else []
    return not all(_is_known(values, part, 0) for part in seen) or not all(_is_known(values, part, 0) for part in bases)


def _is_known(values: Values, item: ast.expr, depth: int) -> bool:
    name = values.outside(item.value if isinstance(item, ast.Subscript) else item)
    if name:
        return pure_calls.is_standard(name)
    found, module = values.definition(item.value if isinstance(item, ast.Subscript) else item)
    if found is None or module is None or depth > len(values.module.tree.body) + 20:
        return False
    bases = found.bases if isinstance(found, ast.ClassDef) else []
    return not isinstance(found, Import) and all(_is_known(Values(values.project, module), base, depth + 1) for base in bases)


def loads(project: Project, alias: Alias) -> list[str]:
    """Return the modules that an import executes, packages first."""
    components = alias.loads.split(".")
    names = [".".join(components[: size + 1]) for size in range(len(components))]
    if alias.attr and alias.attr != "*":
        owner, submodule = project.module(alias.module), f"{alias.module}.{alias.attr}"
        if owner is None or (alias.attr not in bindings(owner).names and project.locate(submodule)):
            names.append(submodule)
    return names


def loud_modules(project: Project, modules: Iterable[Module]) -> set[str]:
    """Return the names of modules whose import executes a statement with effects, of theirs or of a module they import."""
    reached = list(modules)
    needs = {module.name: _needed(project, module) for module in reached}
    loud = {module.name for module in reached if effects(project, module) or bindings(module).stars}
    before = -1
    while before != len(loud):
        before = len(loud)
        loud |= {name for name, needed in needs.items() if needed & loud}
    return loud


def _needed(project: Project, module: Module) -> set[str]:
    owner = module.name.rpartition(".")[0]
    return {owner, *(name for alias in executed_imports(project, module) for name in loads(project, alias))}


def executed_imports(project: Project, module: Module) -> list[Alias]:
    """Return all imports that an import of a module executes, those in `if` and `try` too, in order."""
    if "executed_imports" not in module.memo:
        todo: list[ast.AST] = list(reversed(executed(project, module)))
        found: list[Alias] = []
        while todo:
            item = todo.pop()
            if isinstance(item, Import):
                found += aliases(module, item)
            elif isinstance(item, (ast.stmt, ast.ExceptHandler, ast.match_case)) and not isinstance(item, Definition):
                todo.extend(reversed(list(ast.iter_child_nodes(item))))
            elif isinstance(item, ast.ClassDef):
                todo.extend(reversed(item.body))
        module.memo["executed_imports"] = found
    answer: list[Alias] = module.memo["executed_imports"]
    return answer


def import_order(project: Project, start: str) -> list[str]:
    """Return the modules from outside project and standard library, in the order in which importing one executes them."""
    order: dict[str, None] = {}
    seen: set[str] = set()

    def execute(name: str) -> None:
        module = project.module(name)
        if name in seen or module is None:
            return
        seen.add(name)
        execute(name.rpartition(".")[0])
        for alias in executed_imports(project, module):
            names = loads(project, alias)
            if project.module(names[0]) is None and not pure_calls.is_standard(names[0]):
                order.setdefault(names[-1])
            for needed in names:
                execute(needed)

    execute(start)
    return list(order)
