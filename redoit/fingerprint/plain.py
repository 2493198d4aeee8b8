"""Which statements of a module are plain: they do nothing but bind a name, to something that looks at nothing.

Plain are definitions, and assignments of literals. Each other statement may do anything, and what it does may depend on
its place. So of a plain statement only the name has a place among the others. Does not know what is reached.
"""

import ast
import re

from redoit.fingerprint.exposure import derives_from_outside, is_wrapped_only
from redoit.fingerprint.resolve import GIVEN, lookup
from redoit.source.constants import is_constant
from redoit.source.names import (
    Alias,
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
            return _is_plain_definition(project, module, item, annotations(item))
        case ast.ClassDef():
            return (
                not (item.keywords or derives_from_outside(project, module, item))
                and _is_plain_definition(project, module, item, item.bases)
                and all(is_plain(project, module, each) for each in item.body)
            )
        case ast.Assign(targets=targets, value=value):
            return all(isinstance(target, ast.Name) for target in targets) and _is_inert(project, module, value)
        case ast.AnnAssign(target=ast.Name(), value=value):
            inert = value is None or _is_inert(project, module, value)
            return inert and _is_plain_type(project, module, item.annotation)
        case ast.Expr(value=ast.Constant()) | ast.Pass():
            return True
    return type(item).__name__ == "TypeAlias"  # from Python 3.12 on; evaluated when it is asked for


def _is_plain_definition(project: Project, module: Module, item: Definition, types: list[ast.expr]) -> bool:
    """Tell whether the scope around a definition evaluates nothing in it but constants and plain types."""
    calls = [each for each in item.decorator_list if isinstance(each, ast.Call)]
    values: list[ast.AST] = [part for call in calls for part in (*call.args, *(word.value for word in call.keywords))]
    values += [part for part in outer_parts(item) if part not in (*item.decorator_list, *types)]
    return (
        is_wrapped_only(project, module, item)
        and all(_is_inert(project, module, value) for value in values)
        and all(_is_plain_type(project, module, each) for each in types)
    )


def _is_inert(project: Project, module: Module, value: ast.AST) -> bool:
    """Tell whether an expression is made of constants alone: it can't fail, and looks into nothing."""
    match value:
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(_is_inert(project, module, part) for part in parts)
        case ast.Set(elts=keys):
            return all(isinstance(key, ast.Constant) for key in keys)
        case ast.Dict(keys=keys, values=values) if all(isinstance(key, ast.Constant) for key in keys):
            return all(_is_inert(project, module, part) for part in values)
    return isinstance(value, ast.Constant) or is_constant(project, module, value)


def _is_quiet(project: Project, alias: Alias) -> bool:
    """Tell whether an import is of the standard library, and binds no submodule that others may use."""
    top, dot, _ = alias.loads.partition(".")
    is_outside = top != "__future__" and is_standard(top) and project.locate(top) is None
    return is_outside and not (dot and alias.attr is None)


def _is_plain_type(project: Project, module: Module, item: ast.expr) -> bool:
    """Tell whether to evaluate an annotation or a base looks into no object of the project."""
    for part in ast.walk(item) if not is_lazy(module) else ():
        chain = chain_of(part.value) if isinstance(part, ast.Subscript | ast.Attribute) else ()
        found = lookup(project, module, chain).binders if chain else []
        if isinstance(part, ast.Call) or not all(binder.alias for binder in found):
            return False
    return True


def has_hooks(module: Module) -> bool:
    """Tell whether a module may act on classes that are derived from its own, or find them."""
    return HOOKS.search(module.source) is not None


def hooked(module: Module) -> list[str]:
    """Return the names of definitions that call such code: classes with bases, functions with operators in types."""
    definitions = [item for item in executed(module) if isinstance(item, Definition)]
    types = {
        item: [] if isinstance(item, ast.ClassDef) or is_lazy(module) else annotations(item) for item in definitions
    }
    nodes = {item: {type(part) for each in types[item] for part in ast.walk(each)} for item in definitions}
    return [item.name for item in definitions if getattr(item, "bases", None) or ast.BinOp in nodes.get(item, ())]
