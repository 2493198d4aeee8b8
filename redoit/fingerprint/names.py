"""The names that a module binds at its top level, with the statements that bind them.

An import becomes an `Alias`: the module it loads, the name it binds. Does not resolve names.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from redoit.source.project import Module, cached_per_module

Import = ast.Import | ast.ImportFrom
Chain = tuple[str, ...]  # `model.layers.build` as ("model", "layers", "build")

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda)
_GLOBAL = re.compile(rb"\bglobal\b")


@dataclass(frozen=True)
class Alias:
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


@dataclass(frozen=True)
class Binder:
    """A top-level statement that binds a name. `alias`: the import in it, at any depth, that does so; None if none."""

    statement: ast.stmt
    alias: Alias | None = None


@dataclass(frozen=True)
class Bindings:
    """The names that a module binds. `stars`: its star imports. `reassigned`: names that a function declares global."""

    names: dict[str, list[Binder]]
    stars: list[Alias]
    reassigned: frozenset[str]


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
        base = base[: max(0, len(base) - statement.level + 1)]
        origin = ".".join([*base, *([origin] if origin else [])])
    for item in statement.names:
        yield Alias(item.asname or item.name, origin, item.name, origin)


@cached_per_module
def bindings(module: Module) -> Bindings:
    """Return the names that a module binds at its top level, in order, without `if __name__ == "__main__"`."""
    names: dict[str, list[Binder]] = {}
    stars: list[Alias] = []
    for statement in module.tree.body:
        if is_main_block(statement):
            continue
        for name, alias in _bound_names(module, statement):
            if name == "*" and alias:
                stars.append(alias)
            else:
                names.setdefault(name, []).append(Binder(statement, alias))
    reassigned = set()
    if _GLOBAL.search(module.source):
        for statement in module.tree.body:
            for item in ast.walk(statement):
                if isinstance(item, ast.Global):
                    reassigned.update(item.names)
                    for name in item.names:
                        names.setdefault(name, [Binder(statement)])
    return Bindings(names, stars, frozenset(reassigned))


def is_main_block(statement: ast.stmt) -> bool:
    """Tell whether a statement is `if __name__ == "__main__"` without an else; a step never executes it."""
    if not isinstance(statement, ast.If) or statement.orelse:
        return False
    test = statement.test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return False
    return sorted(ast.unparse(side) for side in (test.left, test.comparators[0])) == ["'__main__'", "__name__"]


def inner_statements(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield a statement and each node in it that executes in its scope: not the bodies of functions and classes."""
    todo: list[ast.AST] = [statement]
    while todo:
        item = todo.pop()
        yield item
        if isinstance(item, SCOPES):
            todo.extend(outer_parts(item))
        elif isinstance(item, ast.comprehension):
            todo.extend((item.iter, *item.ifs))  # its target is local to it
        else:
            todo.extend(ast.iter_child_nodes(item))


def outer_parts(item: ast.AST) -> Iterator[ast.AST]:
    """Yield the expressions of a definition that the enclosing scope evaluates: decorators, bases, defaults."""
    for name in ("decorator_list", "bases", "keywords"):
        yield from getattr(item, name, [])
    arguments = getattr(item, "args", None)
    if arguments is not None:
        yield from (default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None)


def annotations(item: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    """Return the annotations of a function's parameters and of its return value."""
    parameters = [*item.args.posonlyargs, *item.args.args, *item.args.kwonlyargs, item.args.vararg, item.args.kwarg]
    annotated = [item.annotation for item in parameters if item and item.annotation]
    return [*annotated, item.returns] if item.returns else annotated


def _bound_names(module: Module, statement: ast.stmt) -> Iterator[tuple[str, Alias | None]]:
    for item in inner_statements(statement):
        match item:
            case ast.Import() | ast.ImportFrom():
                for alias in aliases(module, item):
                    yield alias.name, alias
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, None
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name, None
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, None
            case ast.MatchMapping(rest=str(name)):
                yield name, None


def chain_of(item: ast.AST) -> Chain:
    """Return a dotted name as a chain, an empty one for any other expression."""
    attributes: list[str] = []
    while isinstance(item, ast.Attribute):
        attributes.append(item.attr)
        item = item.value
    return (item.id, *reversed(attributes)) if isinstance(item, ast.Name) else ()
