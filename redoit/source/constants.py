"""Evaluates what is plainly constant in source, and finds what a name stands for. Nothing is imported.

A name counts only if its module binds it once, by a statement of its own at the top of the module. All else is refused,
and so is what would take long to compute. A value that others change is not noticed here: before it calls a step, the
worker compares what was read with Python's own defaults.
"""

import ast
import builtins
import operator
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, get_args

from redoit.errors import SourceError
from redoit.source.names import Binder, Definition, Import, bindings, stored_names
from redoit.source.project import Module, Project
from redoit.source.settings import MAX_SIZE, Member

Origin = str | tuple[Module, ast.stmt]  # a dotted name outside the project, or the statement that binds the name

NUMBERS, PATH_PARTS = {bool, int, float}, {str, PurePosixPath}
TYPE_ALIAS = getattr(ast, "TypeAlias", ast.Assign)  # from Python 3.12 on
PLAIN = (*get_args(Definition | Import), ast.Assign, ast.AnnAssign, TYPE_ALIAS)
OPERATORS: dict[type, Callable[..., object]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.LShift: operator.lshift,
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_,
}  # fmt: skip


class NotConstantError(Exception):
    """Source that is not plainly constant. Its text says why, if there is more to say than that."""


NOT_CONSTANT = (NotConstantError, ArithmeticError, TypeError, ValueError, RecursionError, MemoryError)


def constant(project: Project, module: Module, node: ast.AST) -> object:
    """Return the value of an expression of a module; a path as PurePosixPath, an attribute of a class as Member.

    Raises: one of NOT_CONSTANT; SourceError.
    """
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=items):
            return [constant(project, module, item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(constant(project, module, item) for item in items)
        case ast.UnaryOp(op=op, operand=operand):
            return _folded(type(op), constant(project, module, operand))
        case ast.BinOp(left=left, op=op, right=right):
            return _folded(type(op), constant(project, module, left), constant(project, module, right))
        case ast.JoinedStr(values=parts):
            return _joined([constant(project, module, part) for part in parts])
        case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
            return constant(project, module, inner)
        case ast.Call(func=function, args=arguments, keywords=[]):
            return _called(origin(project, module, function), [constant(project, module, each) for each in arguments])
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


def _folded(op: type, *operands: Any) -> object:
    """Return the result of an operator. Raises: NotConstantError if that is not plain, or may be large."""
    types = set(map(type, operands))
    plain = types <= NUMBERS or (op is ast.Add and types in ({str}, {list}, {tuple}))
    plain |= op is ast.Div and PurePosixPath in types and types <= PATH_PARTS
    if not plain or op not in OPERATORS:
        raise NotConstantError
    size = sum(map(_size, operands))
    if op in (ast.Pow, ast.LShift):
        size += _size(operands[0]) * abs(operands[1])
    if size > MAX_SIZE:
        raise NotConstantError("it is too large")
    return OPERATORS[op](*operands)


def _size(value: object) -> int:
    """Return the bits of a whole number, the characters of a text or path, the items of a list; 0 of a float."""
    if isinstance(value, int):
        return value.bit_length()
    return 0 if isinstance(value, float) else len(value if isinstance(value, list | tuple) else str(value))


def _joined(parts: list[object]) -> str:
    if not (NUMBERS | PATH_PARTS).issuperset(map(type, parts)) or sum(map(_size, parts)) > MAX_SIZE:
        raise NotConstantError
    return "".join(map(str, parts))


def _called(function: Origin, arguments: list[Any]) -> object:
    if function == "pathlib.Path" and PATH_PARTS.issuperset(map(type, arguments)):
        return PurePosixPath(*arguments)
    if function == "builtins.float" and list(map(type, arguments)) == [str]:
        return float(arguments[0])
    raise NotConstantError


def _named(project: Project, module: Module, node: ast.Name | ast.Attribute) -> object:
    """Return the value of a name, or the Member that an attribute of a class is."""
    if isinstance(node, ast.Attribute):
        match origin(project, module, node.value):
            case home, ast.ClassDef(name=name):
                return Member(f"enum {home.name}:{name}", node.attr)
        raise NotConstantError
    match origin(project, module, node):
        case home, (ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value)) as statement:
            if home is module and statement.lineno > node.lineno:
                raise NotConstantError(f"{node.id} is bound below, in line {statement.lineno}")
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
    parts = [statement, *getattr(statement, "targets", ())]
    parts += [getattr(statement, field, None) for field in ("target", "name")]  # of an annotated one, of a `type`
    is_plain = isinstance(statement, Import) or any(name in stored_names(part) for part in parts)
    if len(binders) > 1 or name in known.reassigned or not is_plain or not isinstance(statement, PLAIN):
        lines = ", ".join(str(each.statement.lineno) for each in binders)
        raise NotConstantError(f"{name} is bound in line {lines} of {module.path}, not once and plainly")
    return binders[0]
