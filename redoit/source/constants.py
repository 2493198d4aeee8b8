"""Evaluates what is plainly constant in source, and finds what a name stands for. Nothing is imported.

A name counts only if its module binds it once, by a statement of its own at the top of the module. All else is refused,
and so is what would take long to compute. A value that others change is not noticed here: before it calls a step, the
worker compares what was read with Python's own defaults.
"""

import ast
import builtins
import operator
from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath
from typing import Any, get_args

from redoit.errors import SourceError
from redoit.source.names import Binder, Definition, Import, bindings
from redoit.source.project import Module, Project
from redoit.source.settings import MAX_SIZE, Member, is_huge

Origin = str | tuple[Module, ast.stmt]  # a dotted name outside the project, or the statement that binds the name

NUMBERS = {bool, int, float}
WRITTEN = {*NUMBERS, str, PurePosixPath}  # in an f-string
MAX_EXPONENT = 1000
TYPE_ALIAS = getattr(ast, "TypeAlias", ast.Assign)  # from Python 3.12 on
PLAIN = (*get_args(Definition | Import), ast.Assign, ast.AnnAssign, TYPE_ALIAS)
OPERATIONS: dict[object, Callable[..., object]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.LShift: operator.lshift,
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_,
    "pathlib.Path": PurePosixPath, "builtins.float": float,
}  # fmt: skip
ALSO_OF_TEXTS = (ast.Add, ast.Div, "pathlib.Path", "builtins.float")  # and refuse what they do not take


class NotConstantError(Exception):
    """Source that is not plainly constant. Its text says why, if there is more to say than that."""


NOT_CONSTANT = (NotConstantError, ArithmeticError, TypeError, ValueError, RecursionError, MemoryError)


def constant(project: Project, module: Module, node: ast.AST) -> object:
    """Return the value of an expression of a module; a path as PurePosixPath, an attribute of a class as Member.

    Raises: one of NOT_CONSTANT; SourceError.
    """
    value = partial(constant, project, module)
    match node:
        case ast.Constant(value=found):
            return found
        case ast.List(elts=items):
            return list(map(value, items))
        case ast.Tuple(elts=items):
            return tuple(map(value, items))
        case ast.UnaryOp(op=op, operand=operand):
            return _computed(type(op), value(operand))
        case ast.BinOp(left=left, op=op, right=right):
            return _computed(type(op), value(left), value(right))
        case ast.JoinedStr(values=parts):
            return _small("".join(str(value(part)) for part in parts))
        case ast.FormattedValue(value=inner, conversion=-1, format_spec=None) if type(part := value(inner)) in WRITTEN:
            return part
        case ast.Call(func=function, args=arguments, keywords=[]):
            return _computed(origin(project, module, function), *map(value, arguments))
        case ast.Name() | ast.Attribute():
            return _named(project, module, node)
    raise NotConstantError


def is_constant(project: Project, module: Module, node: ast.AST) -> bool:
    """Tell whether an expression has a value here and executes no code of the project; an attribute of a class may."""
    try:
        constant(project, module, node)
    except (*NOT_CONSTANT, SourceError):
        return False
    return not any(isinstance(part, ast.Attribute) for part in ast.walk(node))


def _computed(operation: object, *operands: Any) -> object:
    """Return what an operator or a function makes. Raises: NotConstantError if that is not plain, or may be large."""
    if operation not in OPERATIONS or not (operation in ALSO_OF_TEXTS or NUMBERS.issuperset(map(type, operands))):
        raise NotConstantError
    if operation in (ast.Pow, ast.LShift) and abs(operands[1]) > MAX_EXPONENT:
        raise NotConstantError("it is too large")
    return _small(OPERATIONS[operation](*operands))


def _small(value: object) -> object:
    """Return a value. Raises: NotConstantError if it is a large one."""
    if is_huge(value) or len(str(value)) > MAX_SIZE:
        raise NotConstantError("it is too large")
    return value


def _named(project: Project, module: Module, node: ast.Name | ast.Attribute) -> object:
    """Return the value of a name, or the Member that an attribute of a class is."""
    if isinstance(node, ast.Attribute):
        match origin(project, module, node.value):
            case home, ast.ClassDef(name=name):
                return Member(f"enum {home.name}:{name}", node.attr)
        raise NotConstantError
    match origin(project, module, node):
        case home, (ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value)) as statement:
            if statement not in home.memo:  # else each name in a chain of sums would double the work
                home.memo[statement] = constant(project, home, value)
            return home.memo[statement]
    raise NotConstantError


def origin(project: Project, module: Module, node: ast.expr) -> Origin:
    """Return what a name or an attribute stands for. Raises: NotConstantError, RecursionError, SourceError."""
    if isinstance(node, ast.Attribute) and isinstance(outer := origin(project, module, node.value), str):
        return f"{outer}.{node.attr}"
    if not isinstance(node, ast.Name):
        raise NotConstantError
    binder = binding(module, node.id)
    if binder is None and hasattr(builtins, node.id):
        return f"builtins.{node.id}"
    if binder is None:
        raise NotConstantError(f"{node.id} is not bound in {module.path}")
    alias = binder.alias
    if alias is None:
        return module, binder.statement
    if alias.attr is None:
        return alias.module
    home = project.module(alias.module)
    return origin(project, home, ast.Name(alias.attr)) if home else f"{alias.module}.{alias.attr}"


def binding(module: Module, name: str) -> Binder | None:
    """Return what binds a global name of a module, None if nothing does.

    Raises: NotConstantError if the name may be bound more than once, or not plainly.
    """
    known = bindings(module)
    binders = known.names.get(name, [])
    if not binders:
        return None
    statement = binders[0].statement
    targets = getattr(statement, "targets", ())
    is_plain = isinstance(statement, PLAIN) and all(isinstance(target, ast.Name) for target in targets)
    if len(binders) > 1 or name in known.reassigned or not is_plain:
        lines = ", ".join(str(each.statement.lineno) for each in binders)
        raise NotConstantError(f"{name} is bound in line {lines} of {module.path}, not once and plainly")
    return binders[0]
