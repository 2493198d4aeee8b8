"""Which statements of a module are plain: they do nothing but bind a name, to something that looks at nothing.

Plain are definitions, and assignments of literals. Each other statement may do anything, and what it does may depend on
its place. So of a plain statement only the name has a place among the others. Does not know what is reached.
"""

import ast
import re
from collections.abc import Sequence

from redoit.fingerprint.exposure import derives_from_outside, is_wrapped_only
from redoit.fingerprint.resolve import GIVEN, lookup
from redoit.source.constants import is_constant
from redoit.source.names import (
    Alias,
    Chain,
    Definition,
    Import,
    aliases,
    annotations,
    bindings,
    bound_names,
    chain_of,
    executed,
    is_lazy,
    is_standard,
    outer_parts,
)
from redoit.source.project import Module, Project, cached_per_module

# Words of code that acts when a class is derived from another, or that finds classes by their bases.
HOOKS = re.compile(rb"__init_subclass__|__subclasses__|__class_getitem__|__mro_entries__|metaclass")


@cached_per_module
def plain_statements(project: Project, module: Module) -> frozenset[ast.stmt]:
    """Return the statements of a module that are plain.

    None is where a star import may bind its name, too. None of those is that bind one name, or one that others bind.
    """
    known = bindings(module)
    shared = known.reassigned | GIVEN | {name for name, binders in known.names.items() if len(binders) > 1}
    found = [] if known.stars else [item for item in executed(module) if is_plain(project, module, item)]
    return frozenset(item for item in found if shared.isdisjoint(name for name, _ in bound_names(module, item)))


def other_statements(project: Project, module: Module) -> list[ast.stmt]:
    """Return the statements of a module that an import executes and that are neither plain nor imports."""
    plain = plain_statements(project, module)
    return [item for item in executed(module) if item not in plain and not isinstance(item, Import)]


def is_plain(project: Project, module: Module, item: ast.stmt) -> bool:
    """Tell whether a statement is plain, wherever its name is bound besides."""
    match item:
        case ast.Import() | ast.ImportFrom():
            return all(_is_quiet(project, alias) for alias in aliases(module, item))
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return (
                _is_wrapped_plainly(project, module, item)
                and all(
                    is_literal(part) or is_constant(project, module, part)
                    for part in outer_parts(item)
                    if part not in item.decorator_list
                )
                and all(_is_plain_annotation(project, module, each) for each in annotations(item))
            )
        case ast.ClassDef():
            return (
                _is_plain_class(project, module, item)
                and _is_wrapped_plainly(project, module, item)
                and all(_is_plain_annotation(project, module, base) for base in item.bases)
                and all(is_plain(project, module, each) for each in item.body)
            )
        case ast.Assign(targets=targets, value=value):
            return all(isinstance(target, ast.Name) for target in targets) and is_literal(value)
        case ast.AnnAssign(target=ast.Name(), value=value):
            return (value is None or is_literal(value)) and _is_plain_annotation(project, module, item.annotation)
        case ast.Expr(value=ast.Constant()) | ast.Pass():
            return True
    return type(item).__name__ == "TypeAlias"  # from Python 3.12 on; evaluated when it is asked for


def is_literal(value: ast.AST) -> bool:
    """Tell whether an expression is made of constants alone: it can't fail, and looks at nothing."""
    todo = [value]
    while todo:
        match todo.pop():
            case ast.Constant():
                continue
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                todo += parts
            case ast.Set(elts=keys) if _are_constants(keys):
                continue
            case ast.Dict(keys=keys, values=values) if _are_constants(keys):
                todo += values
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant(value=int() | float() | complex())):
                continue
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult(), right=right) if all(
                isinstance(part, ast.BinOp) or isinstance(getattr(part, "value", None), int | float)
                for part in (left, right)
            ):
                todo += [left, right]
            case _:
                return False
    return True


def _are_constants(items: Sequence[ast.expr | None]) -> bool:
    """Tell whether each key is a constant; that of `**mapping` is None."""
    return all(isinstance(item, ast.Constant) for item in items)


def _is_quiet(project: Project, alias: Alias) -> bool:
    """Tell whether an import is of the standard library, and binds no submodule that others may use."""
    top, dot, _ = alias.loads.partition(".")
    is_outside = top != "__future__" and is_standard(top) and project.locate(top) is None
    return is_outside and not (dot and alias.attr is None)


def _is_wrapped_plainly(project: Project, module: Module, item: Definition) -> bool:
    calls = [each for each in item.decorator_list if isinstance(each, ast.Call)]
    arguments = [part for call in calls for part in (*call.args, *(word.value for word in call.keywords))]
    return is_wrapped_only(project, module, item) and all(map(is_literal, arguments))


def _is_plain_class(project: Project, module: Module, item: ast.ClassDef) -> bool:
    return not item.keywords and not derives_from_outside(project, module, item)


def _is_plain_annotation(project: Project, module: Module, item: ast.expr) -> bool:
    """Tell whether to evaluate an annotation executes no code of the project."""
    for part in ast.walk(item) if not is_lazy(module) else ():
        match part:
            case ast.Subscript(value=value):
                chains, may_be_class = [chain_of(value)], False
            case ast.BinOp(left=left, right=right):
                chains, may_be_class = [chain_of(left), chain_of(right)], True
            case ast.Attribute():
                chains, may_be_class = [chain_of(part)], True
            case ast.Call():
                return False
            case _:
                continue
        if not all(_is_of_outside(project, module, chain, may_be_class=may_be_class) for chain in chains if chain):
            return False
    return True


def _is_of_outside(project: Project, module: Module, chain: Chain, *, may_be_class: bool) -> bool:
    """Tell whether a name is of a module or from outside. `may_be_class`: or of a class that does nothing."""
    return all(
        binder.alias
        or (
            may_be_class
            and isinstance(binder.statement, ast.ClassDef)
            and _is_plain_class(project, owner, binder.statement)
        )
        for owner, name in lookup(project, module, chain).bound
        for binder in bindings(owner).names[name]
    )


def has_hooks(module: Module) -> bool:
    """Tell whether a module may act on classes that are derived from its own, or find them."""
    return HOOKS.search(module.source) is not None


def derived_classes(module: Module) -> list[str]:
    """Return the names of a module's classes that have bases."""
    return [item.name for item in executed(module) if isinstance(item, ast.ClassDef) and item.bases]
