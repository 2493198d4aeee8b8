"""Normalised source: the text of a statement without what can't change its meaning.

Parsing and unparsing removes comments and layout; docstrings and annotations that nothing evaluates are stripped from
a copy. The caller says by `StripRules` which of them code may read at run time. Knows nothing of names, files or
reachability.
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
UNDECORATED = ("module", "function", "class")  # scopes whose undecorated functions have annotations nothing reads
BLOCKS = ("body", "orelse", "finalbody")


@dataclass(frozen=True)
class StripRules:
    """What may be stripped from the source of one module.

    `lazy_annotations`: the module has `from __future__ import annotations`. `is_exposed`: tells whether code outside
    the project receives a definition when it is made, as a decorator or a base class; that code may read its docstring
    and annotations.
    """

    lazy_annotations: bool
    is_exposed: Callable[[Definition], bool]


def stripped(statement: ast.stmt, rules: StripRules) -> ast.stmt | None:
    """Return a copy of a module's statement without what can't change its meaning, None if nothing is left."""
    return _Stripper(rules).statement(statement, inside="module")


def text_of(statements: Iterable[ast.stmt], source: bytes) -> str:
    """Return the normalised text of statements, one below the other. `source`: the source of their module."""
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
    """Tell whether a statement is a docstring or another string expression without effect."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


class _Stripper:
    def __init__(self, rules: StripRules) -> None:
        self.rules = rules

    def statement(self, statement: ast.stmt, inside: str) -> ast.stmt | None:
        if isinstance(statement, Function):
            return self.function(statement, inside)
        if isinstance(statement, ast.ClassDef):
            return self.class_definition(statement)
        if is_bare_string(statement) and inside != "exposed class":
            return None
        if isinstance(statement, ast.AnnAssign) and inside == "function":
            return _unannotated(statement)
        return self.compound(statement, inside)

    def function(self, statement: ast.FunctionDef | ast.AsyncFunctionDef, inside: str) -> ast.stmt:
        is_exposed = self.rules.is_exposed(statement)
        changed = copy.copy(statement)
        first = statement.body[0]
        kept = [first] if is_exposed and is_bare_string(first) else []
        changed.body = kept + self.block(statement.body[len(kept) :], "function") or [ast.Pass()]
        if self.rules.lazy_annotations and not statement.decorator_list and inside in UNDECORATED:
            changed.args = _unannotated_arguments(statement.args)
            changed.returns = None
        return changed

    def class_definition(self, statement: ast.ClassDef) -> ast.stmt:
        # Any decorator of a class may read the annotations of its methods, also one of the project's own.
        is_exposed = self.rules.is_exposed(statement)
        inside = "exposed class" if is_exposed else "decorated class" if statement.decorator_list else "class"
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
        return [rest for statement in body if (rest := self.statement(statement, inside)) is not None]


def _unannotated(statement: ast.AnnAssign) -> ast.stmt:
    """Return an annotated assignment of a function without its annotation, which Python never evaluates."""
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
