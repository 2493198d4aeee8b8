"""Units of source: functions, class bodies and modules; and which of them a step executed or named.

This is the ground truth of the campaign. It is taken from a trace of the step, called by hand, and from the syntax of
the package, and asks redoit nothing.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)
BODIES = sys.version_info < (3, 12)  # a class counts with the bodies of its methods, executed or not
Executed = frozenset[tuple[str, int, str]]  # file, first line and name of each code object


@dataclass(frozen=True, eq=False)
class Unit:
    """A function with all that is nested in it; or a class or a module without the bodies of its functions.

    `module`: the unit of its module.
    """

    file: str
    name: str
    node: ast.AST
    module: "Unit | None" = None

    @property
    def is_function(self) -> bool:
        """Whether it is a function, or a method."""
        return isinstance(self.node, FUNCTIONS)

    @property
    def first_line(self) -> int:
        """The line of its first decorator, as code objects have it."""
        decorators = getattr(self.node, "decorator_list", [])
        return min(each.lineno for each in [*decorators, self.node]) if isinstance(self.node, SCOPES) else 0

    @property
    def own_name(self) -> str:
        """Its name without the class it is in."""
        return self.name.rpartition(".")[2]

    def executed(self, executed: Executed) -> bool:
        """Tell whether a step executed it."""
        if isinstance(self.node, ast.Module):
            return any(file == self.file and name == "<module>" for file, _, name in executed)
        return (self.file, self.first_line, self.own_name) in executed

    def parts(self) -> Iterator[ast.AST]:
        """Yield the nodes that belong to it, without docstrings and annotations."""
        yield from _below(self.node, nested=self.is_function)

    def words(self) -> set[str]:
        """Return the names that its code uses, and the words in its strings; of a module, what imports only is none."""
        found: set[str] = set()
        for node in self.parts():
            match node:
                case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                    found.add(name)
                case ast.Constant(value=str(text)):
                    found.update(re.findall(r"\w+", text))
                case ast.alias(name=name) if self.is_function:
                    found.update(name.split("."))
        return found


def _below(node: ast.AST, *, nested: bool) -> Iterator[ast.AST]:
    """Yield all nodes below one that its execution evaluates; `nested`: with the bodies of functions."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params"):
            continue
        children = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, ast.AST)]
        for child in children:
            if is_text(child) or (not nested and isinstance(node, ast.Module) and is_plain(child)):
                continue
            yield child
            if isinstance(child, SCOPES) and not nested:
                heads = [*child.decorator_list, *getattr(child, "bases", []), *getattr(child, "keywords", [])]
                heads += [each for each in _defaults(child) if each]
                for head in heads:
                    yield head
                    yield from _below(head, nested=True)
            else:
                yield from _below(child, nested=nested)


def _defaults(node: ast.AST) -> list[ast.expr | None]:
    return [*node.args.defaults, *node.args.kw_defaults] if isinstance(node, FUNCTIONS) else []


def is_text(node: ast.AST) -> bool:
    """Tell whether a statement is a text, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def is_plain(node: ast.AST) -> bool:
    """Tell whether a statement of a module only binds names: an import, or an assignment of literals."""
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return node.value is None or is_literal(node.value)
    return isinstance(node, (ast.Import, ast.ImportFrom))


def is_literal(node: ast.AST) -> bool:
    """Tell whether an expression is made of constants."""
    kinds = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.expr_context, ast.unaryop)
    return all(isinstance(each, kinds) for each in ast.walk(node))


def module_of(file: str) -> str:
    """Return the name of the module that a file of the project is."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def units_of(root: Path, files: Iterable[str]) -> dict[str, list[Unit]]:
    """Return file -> its units, the module first."""
    return {file: list(_units(file, ast.parse((root / file).read_bytes()))) for file in files}


def _units(file: str, tree: ast.Module) -> Iterator[Unit]:
    module = Unit(file, "<module>", tree)
    yield module

    def below(node: ast.AST, prefix: str) -> Iterator[Unit]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, SCOPES):
                yield Unit(file, prefix + child.name, child, module)
                if isinstance(child, ast.ClassDef):
                    yield from below(child, f"{prefix}{child.name}.")
            elif not isinstance(child, ast.expr):
                yield from below(child, prefix)

    yield from below(tree, "")


class Truth:
    """What one step executed and named. `units`: file -> units of the package; `executed`: code objects of a trace."""

    def __init__(self, units: dict[str, list[Unit]], executed: Executed) -> None:
        self._executed = executed
        self.executed = {unit for found in units.values() for unit in found if unit.executed(executed)}
        self.files = {unit.file for unit in self.executed}
        self._words = {unit: unit.words() for unit in self.executed}

    def names(self, name: str) -> bool:
        """Tell whether executed code names something."""
        return any(name in words for words in self._words.values())
