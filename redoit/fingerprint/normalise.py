"""Normalised source: what is left of a statement when all that can't change its meaning is gone.

Comments and layout vanish by parsing and unparsing; docstrings and annotations that nothing evaluates are stripped
from a copy. Who may look at a docstring or an annotation after all is the caller's knowledge, told by a `Style`.
Knows nothing of names, files or reachability.
"""

import ast
import copy
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Function = (ast.FunctionDef, ast.AsyncFunctionDef)
S = TypeVar("S", bound=ast.AST)

_FORMATTED = re.compile(r"f['\"].*(\\|\{\{|\}\})", re.DOTALL)  # f-strings that unparse may write wrongly
UNSEEN = ("module", "function", "class")  # where nobody evaluates the annotations of an undecorated function
BLOCKS = ("body", "orelse", "finalbody")


@dataclass(frozen=True)
class Style:
    """What may be stripped in one module.

    `lazy`: the module postpones annotations (`from __future__ import annotations`).
    `open`: a definition that code outside the project gets to see when it is made: a decorator or a base class from
    there may read what others may not.
    """

    lazy: bool
    open: Callable[[Definition], bool]


def stripped(statement: ast.stmt, style: Style | None) -> ast.stmt | None:
    """Return a statement of a module without what can't matter, None if nothing is left; all of it without a style.

    The statement itself stays as it is: where something goes, its copy goes.
    """
    return statement if style is None else _Strip(style).statement(statement, inside="module")


def text_of(statements: Iterable[ast.stmt], source: bytes) -> str:
    """Return the normalised text of statements, one below the other. `source`: that of their module."""
    return "\n".join(_text(statement, source) for statement in statements)


def _text(statement: ast.stmt, source: bytes) -> str:
    try:
        text = ast.unparse(statement)
        if not _FORMATTED.search(text) or ast.dump(ast.parse(text).body[0]) == ast.dump(statement):
            return text
    except (ValueError, SyntaxError, RecursionError):  # unparse can't write every f-string or every huge number
        pass
    first = min([statement.lineno, *(item.lineno for item in getattr(statement, "decorator_list", []))])
    lines = source.splitlines(keepends=True)[first - 1 : statement.end_lineno]
    return b"".join(lines).decode("utf-8", "backslashreplace")


def is_bare_string(statement: ast.stmt) -> bool:
    """Tell whether a statement is a docstring, or another string that nothing uses."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


class _Strip:
    def __init__(self, style: Style) -> None:
        self.style = style

    def statement(self, statement: ast.stmt, inside: str) -> ast.stmt | None:
        if isinstance(statement, Function):
            return self.function(statement, inside)
        if isinstance(statement, ast.ClassDef):
            return self.klass(statement)
        if is_bare_string(statement) and inside != "open class":
            return None
        if isinstance(statement, ast.AnnAssign) and inside == "function":
            return _unannotated(statement)
        return self.compound(statement, inside)

    def function(self, statement: ast.FunctionDef | ast.AsyncFunctionDef, inside: str) -> ast.stmt:
        is_open = self.style.open(statement)
        changed = copy.copy(statement)
        first = statement.body[0]
        kept = [first] if is_open and is_bare_string(first) else []
        changed.body = kept + self.block(statement.body[len(kept) :], "function") or [ast.Pass()]
        if self.style.lazy and not statement.decorator_list and inside in UNSEEN:
            changed.args = _unannotated_arguments(statement.args)
            changed.returns = None
        return changed

    def klass(self, statement: ast.ClassDef) -> ast.stmt:
        # A decorated class is open to its decorator in its methods' annotations, whoever wrote the decorator.
        is_open = self.style.open(statement)
        inside = "open class" if is_open else "decorated class" if statement.decorator_list else "class"
        changed = copy.copy(statement)
        changed.body = self.block(statement.body, inside) or [ast.Pass()]
        return changed

    def compound(self, statement: S, inside: str) -> S:
        if not hasattr(statement, "body") and not hasattr(statement, "cases"):
            return statement
        changed = copy.copy(statement)
        for name in BLOCKS:
            body = getattr(statement, name, None)
            if body:
                setattr(changed, name, self.block(body, inside) or ([ast.Pass()] if name == "body" else []))
        for name in ("handlers", "cases"):
            if hasattr(statement, name):
                setattr(changed, name, [self.compound(item, inside) for item in getattr(statement, name)])
        return changed

    def block(self, body: list[ast.stmt], inside: str) -> list[ast.stmt]:
        return [left for statement in body if (left := self.statement(statement, inside)) is not None]


def _unannotated(statement: ast.AnnAssign) -> ast.stmt:
    """Return an annotated assignment in a function, where no annotation is ever evaluated, without its annotation."""
    if statement.value is not None:
        return ast.copy_location(ast.Assign([statement.target], statement.value, lineno=statement.lineno), statement)
    changed = copy.copy(statement)
    changed.annotation = ast.Constant(...)  # `x: int` still says that x is local
    return changed


def _unannotated_arguments(arguments: ast.arguments) -> ast.arguments:
    changed = copy.copy(arguments)
    for name in ("posonlyargs", "args", "kwonlyargs"):
        setattr(changed, name, [_bare(argument) for argument in getattr(arguments, name)])
    for name in ("vararg", "kwarg"):
        argument = getattr(arguments, name)
        setattr(changed, name, argument and _bare(argument))
    return changed


def _bare(argument: ast.arg) -> ast.arg:
    return ast.copy_location(ast.arg(argument.arg, None), argument)
