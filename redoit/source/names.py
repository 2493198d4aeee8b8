"""The names that a module binds at its top level, with the statements that bind them.

An import becomes an `Alias`: the module it loads, the name it binds. Does not resolve names.
"""

import ast
import re
import sys
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from redoit.source.project import Module, cached_per_module

Import = ast.Import | ast.ImportFrom
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef
Chain = tuple[str, ...]  # `model.layers.build` as ("model", "layers", "build")

SCOPES = (Function, ast.ClassDef, ast.Lambda)
NEVER_TRUE = ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'", "'__main__' == __name__")  # in imports


class Alias(NamedTuple):
    """One name that an import binds. `name`: `*` for all. `attr`: what it takes from `module`, None for the module.

    `loads`: the module that the import executes; for `import a.b` that is `a.b`, although the name is bound to `a`.
    """

    name: str
    module: str
    attr: str | None
    loads: str

    @property
    def text(self) -> str:
        """The import as source, absolute."""
        if self.attr is None:
            plain = self.name == self.module and "." not in self.name
            return f"import {self.loads}" if plain else f"import {self.loads} as {self.name}"
        return f"from {self.module} import {self.attr}" + (f" as {self.name}" if self.name != self.attr else "")


class Binder(NamedTuple):
    """A top-level statement that binds a name. `alias`: the import in it, at any depth, that does so; None if none."""

    statement: ast.stmt
    alias: Alias | None = None


class Bindings(NamedTuple):
    """The names that a module binds. `stars`: its star imports. `reassigned`: names that a function declares global.

    `inner`: what imports in functions bind there.
    """

    names: dict[str, list[Binder]]
    stars: list[Alias]
    reassigned: frozenset[str]
    inner: dict[str, list[Alias]]

    @property
    def aliases(self) -> list[Alias]:
        """All imports that bind a name of the module."""
        return [binder.alias for binders in self.names.values() for binder in binders if binder.alias]


def aliases(module: Module, statement: Import) -> Iterator[Alias]:
    """Yield an alias for each name that an import statement binds; relative module names are made absolute."""
    if isinstance(statement, ast.Import):
        for item in statement.names:
            bound = item.name if item.asname else item.name.split(".")[0]
            yield Alias(item.asname or bound, bound, None, item.name)
        return
    origin = statement.module or ""
    if statement.level:
        base = module.package.split(".")
        origin = ".".join(filter(None, (*base[: max(0, len(base) - statement.level + 1)], origin)))
    for item in statement.names:
        yield Alias(item.asname or item.name, origin, item.name, origin)


@cached_per_module
def executed(module: Module) -> list[ast.stmt]:
    """Return the statements that an import of a module executes: not `if __name__ == "__main__"` or TYPE_CHECKING."""
    imports = [alias for item in module.tree.body if isinstance(item, Import) for alias in aliases(module, item)]
    origins = {alias.module for alias in imports if alias.name in ("TYPE_CHECKING", "typing")}
    is_other = origins != {"typing"} or re.search(rb"(?m)^\s*TYPE_CHECKING\s*[:=]", module.source)
    skipped = NEVER_TRUE[2:] if is_other else NEVER_TRUE
    return [
        item
        for item in module.tree.body
        if not (isinstance(item, ast.If) and not item.orelse and ast.unparse(item.test) in skipped)
    ]


@cached_per_module
def executed_imports(module: Module) -> list[Alias]:
    """Return the imports that an import of a module executes, also those in other statements and in classes."""
    todo: list[ast.AST] = [*executed(module)]
    found: list[Alias] = []
    for item in todo:
        if isinstance(item, Import):
            found += aliases(module, item)
        elif isinstance(item, ast.stmt | ast.ExceptHandler | ast.match_case) and not isinstance(item, Function):
            todo += ast.iter_child_nodes(item)
    return found


@cached_per_module
def bindings(module: Module) -> Bindings:
    """Return the names that an import of a module binds at its top level, in order."""
    names: dict[str, list[Binder]] = {}
    reassigned: dict[str, list[Binder]] = {}
    inner: dict[str, list[Alias]] = {}
    for statement in executed(module):
        for name, alias in bound_names(module, statement):
            names.setdefault(name, []).append(Binder(statement, alias))
        for item in ast.walk(statement) if not isinstance(statement, Import) else ():
            if isinstance(item, Import):
                for alias in aliases(module, item):
                    inner.setdefault(alias.name, []).append(alias)
            elif isinstance(item, ast.Global):
                reassigned.update({name: [Binder(statement)] for name in item.names})
    stars = [binder.alias for binder in names.pop("*", ()) if binder.alias]
    return Bindings(reassigned | names, stars, frozenset(reassigned), inner)


@cached_per_module
def methods(module: Module) -> dict[str, list[Function]]:
    """Return qualified name -> definitions of the functions in classes of a module, also in classes of classes."""
    found: dict[str, list[Function]] = {}
    for name, item in methods_in(module.tree.body):
        found.setdefault(name, []).append(item)
    return found


def binders(module: Module, name: str) -> list[Binder]:
    """Return what binds a name of a module, or a qualified name in one of its classes."""
    return bindings(module).names.get(name) or [Binder(item) for item in methods(module).get(name, ())]


def methods_in(statements: Iterable[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield qualified name and definition of each function that stands in a class, or in a class of a class."""
    for item in statements:
        if isinstance(item, ast.ClassDef):
            yield from methods_in(item.body, f"{prefix}{item.name}.")
        elif prefix and isinstance(item, Function):
            yield f"{prefix}{item.name}", item


def inner_nodes(statement: ast.AST) -> Iterator[ast.AST]:
    """Yield a statement and each node in it that executes in its scope: not the bodies of functions and classes."""
    todo = [statement]
    for item in todo:
        yield item
        if isinstance(item, SCOPES):
            todo += outer_parts(item)
        elif isinstance(item, ast.comprehension):
            todo += (item.iter, *item.ifs)  # its target is local to it
        else:
            todo += ast.iter_child_nodes(item)


def child_nodes(item: ast.AST, skipped: Container[str]) -> Iterator[ast.AST]:
    """Yield the nodes directly in a node, save those in some of its fields."""
    for name, value in ast.iter_fields(item):
        parts = value if isinstance(value, list) else [value]
        yield from (part for part in parts if isinstance(part, ast.AST) and name not in skipped)


def outer_parts(item: ast.AST) -> Iterator[ast.AST]:
    """Yield the expressions of a definition that the enclosing scope evaluates: decorators, bases, defaults."""
    for name in ("decorator_list", "bases", "keywords"):
        yield from getattr(item, name, [])
    if arguments := getattr(item, "args", None):
        yield from filter(None, (*arguments.defaults, *arguments.kw_defaults))


def annotations(item: Function) -> list[ast.expr]:
    """Return the annotations of a function's parameters and of its return value."""
    found = [part.annotation for part in ast.walk(item.args) if isinstance(part, ast.arg)]
    return [*filter(None, (*found, item.returns))]


def stored_names(item: ast.AST) -> Iterator[str]:
    """Yield the names that one node binds, save those of imports."""
    match item:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.MatchMapping(rest=str(name)):
            yield name
        case ast.stmt() | ast.ExceptHandler() | ast.pattern() if isinstance(found := getattr(item, "name", None), str):
            yield found


def chain_of(item: ast.AST) -> Chain:
    """Return a dotted name as a chain, an empty one for any other expression."""
    attributes: list[str] = []
    while isinstance(item, ast.Attribute):
        attributes.append(item.attr)
        item = item.value
    return (item.id, *reversed(attributes)) if isinstance(item, ast.Name) else ()


def is_standard(name: str) -> bool:
    """Tell whether a dotted name is Python's own: built in, or of the standard library."""
    return name.split(".", maxsplit=1)[0] in sys.stdlib_module_names


def is_lazy(module: Module) -> bool:
    """Tell whether a module has `from __future__ import annotations`, so that importing it evaluates none."""
    return any(alias.loads == "__future__" and alias.attr == "annotations" for alias in executed_imports(module))


def bound_names(module: Module, statement: ast.stmt) -> Iterator[tuple[str, Alias | None]]:
    """Yield each name that a statement binds in its scope, with the import in it that does so."""
    for item in inner_nodes(statement):
        if isinstance(item, Import):
            for alias in aliases(module, item):
                yield alias.name, alias
        for name in stored_names(item):
            yield name, None
