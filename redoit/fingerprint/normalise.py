"""Normalised source: the text of a statement without what can't change its meaning.

Parsing and unparsing removes comments and layout; docstrings and annotations that nothing evaluates are stripped. The
caller says which definitions code may look into. Knows nothing of names, files or reachability.
"""

import ast
import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from redoit.source.names import Definition, Function, inner_nodes

MAX_DEPTH = 60  # of nested nodes in a statement; to unparse a deeper one takes more of Python's stack than may be there
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # fields with statements, or with nodes that have them
OF_CLASS = ("super", "__class__")  # names by which a method reaches the class that it is written in
FORMATTED = re.compile(r"f['\"].*(\\|\{\{|\}\})", re.DOTALL)  # f-strings that unparse may write wrongly

Node = TypeVar("Node", bound=ast.AST)


def strip(tree: ast.Module, is_exposed: Callable[[Definition], bool], *, is_lazy: bool) -> None:
    """Remove from a module's statements what can't change their meaning; one of which nothing is left passes.

    `is_exposed`: tells of which definitions code may read docstrings and annotations. `is_lazy`: annotations are not
    evaluated where they stand.
    """
    stripper = _Stripper(is_exposed, is_lazy)
    tree.body = [item if is_deep(item) else stripper.statement(item, "module") or ast.Pass() for item in tree.body]


def without_settings(statement: ast.stmt) -> None:
    """Remove the types and defaults of a function's keyword-only parameters."""
    if isinstance(statement, Function):
        statement.args.kw_defaults = [None for _ in statement.args.kw_defaults]
        for argument in statement.args.kwonlyargs:
            argument.annotation = None


def without_body(item: Function) -> Function:
    """Return a function that is called like another, looks like it, and does nothing."""
    parts = [part for each in item.body for part in inner_nodes(each)]
    stub: list[ast.stmt] = [ast.Expr(ast.Constant(...))]
    if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in parts):
        stub = [ast.Expr(ast.Yield())]
    if any(isinstance(part, ast.Name) and part.id in OF_CLASS for each in item.body for part in ast.walk(each)):
        stub.append(ast.Expr(ast.Name("__class__")))  # the class gets a cell for it
    head = copy.copy(item)
    head.body = [*filter(is_bare_string, item.body[:1]), *stub]
    return head


def is_deep(statement: ast.AST) -> bool:
    """Tell whether a statement is nested so deeply that its text is taken as it is written."""
    level: list[ast.AST] = [statement]
    for _ in range(MAX_DEPTH):
        level = [part for item in level for part in ast.iter_child_nodes(item)]
    return bool(level)


def text_of(statement: ast.stmt, source: bytes) -> str:
    """Return the normalised text of a statement, none of one that passes. `source`: the source of its module."""
    if isinstance(statement, ast.Pass):
        return ""
    try:
        text = "" if is_deep(statement) else ast.unparse(statement)
        if text and (not FORMATTED.search(text) or ast.dump(ast.parse(text).body[0]) == ast.dump(statement)):
            return text
    except (ValueError, SyntaxError):  # unparse can't write every f-string or every huge number
        pass
    first = min([statement.lineno, *(item.lineno for item in getattr(statement, "decorator_list", []))])
    lines = source.splitlines(keepends=True)[first - 1 : statement.end_lineno]
    return b"".join(lines).decode("utf-8", "backslashreplace")


def is_bare_string(statement: ast.stmt) -> bool:
    """Tell whether a statement is a docstring or another string expression without effect."""
    return isinstance(statement, ast.Expr) and isinstance(getattr(statement.value, "value", None), str)


@dataclass(frozen=True)
class _Stripper:
    """Changes statements in place. They are inside a module, function, class, decorated class or exposed class."""

    is_exposed: Callable[[Definition], bool]
    is_lazy: bool

    def statement(self, item: Node, inside: str) -> "Node | ast.Assign | None":
        """Return what is left of a statement, or of a part of one that has statements."""
        if isinstance(item, Function):
            self.function(item, inside)
        elif isinstance(item, ast.ClassDef):  # any decorator may read its methods' annotations, also the project's own
            outer, inside = inside, "decorated class" if item.decorator_list else "class"
            self.blocks(item, "exposed class" if outer == "exposed class" or self.is_exposed(item) else inside)
        elif isinstance(item, ast.stmt) and is_bare_string(item) and inside != "exposed class":
            return None
        elif isinstance(item, ast.AnnAssign) and inside == "function":  # Python never evaluates its annotation
            item.annotation = ast.Constant(...)  # `x: int` still says that x is local
            return ast.copy_location(ast.Assign([item.target], item.value), item) if item.value else item
        else:
            self.blocks(item, inside)
        return item

    def function(self, item: Function, inside: str) -> None:
        is_exposed = self.is_exposed(item) or inside == "exposed class"
        docstring = item.body[:1] if is_exposed and is_bare_string(item.body[0]) else []
        item.body = item.body[len(docstring) :]
        self.blocks(item, "function")
        item.body = docstring + item.body
        if self.is_lazy and not (is_exposed or item.decorator_list or inside == "decorated class"):
            item.returns = None
            for argument in ast.walk(item.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None

    def blocks(self, item: ast.AST, inside: str) -> None:
        """Strip the blocks of a node; an empty body passes."""
        for name in BLOCKS:
            block = getattr(item, name, None)
            if isinstance(block, list):
                block[:] = [part for each in block if (part := self.statement(each, inside)) is not None]
                if name == "body" and not block:
                    block.append(ast.Pass())
