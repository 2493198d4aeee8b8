"""Which statements of a module have effects when the module is imported, and so always count, and in order.

All others only bind a name: they count where the name is used, wherever they stand. Therefore a statement that looks
into a value which something else may have changed by then has an effect too: its place matters. Whatever is not known
to be pure has an effect; what calls are known to be pure is listed in `pure_calls`.
"""

import ast
from typing import TypeGuard

from redoit.fingerprint import pure_calls
from redoit.fingerprint.names import FUNCTIONS, Import, annotations, chain_of, is_main_block
from redoit.fingerprint.normalise import Definition, is_bare_string
from redoit.fingerprint.resolve import GIVEN
from redoit.fingerprint.values import Names, Values
from redoit.source.project import Module, Project, cached_per_module

PROPERTY = {("setter",), ("getter",), ("deleter",)}
HOOKS = frozenset({"__init_subclass__", "__class_getitem__", "__set_name__"})
ENUM_HOOKS = frozenset({"__init__", "__new__", "_generate_next_value_", "_missing_"})


@cached_per_module
def effects(project: Project, module: Module) -> list[ast.stmt]:
    """Return the statements of a module's top level that have effects, in order. Imports are not among them."""
    statements = [item for item in executed(project, module) if not isinstance(item, Import)]
    for strict in (False, True):
        judge = Judge(project, module, strict)
        found = [item for item in statements if not judge.is_pure_statement(item)]
        if not found:  # with nothing else happening, no value changes between its birth and a look into it
            break
    return found


@cached_per_module
def executed(project: Project, module: Module) -> list[ast.stmt]:
    """Return what an import of a module executes: not `if TYPE_CHECKING` or `if __name__ == "__main__"`."""
    judge = Judge(project, module, strict=True)
    return [item for item in module.tree.body if not is_main_block(item) and not judge.is_for_checkers(item)]


@cached_per_module
def is_lazy(module: Module) -> bool:
    """Tell whether a module postpones the evaluation of annotations."""
    return any(
        isinstance(item, ast.ImportFrom)
        and item.module == "__future__"
        and any(a.name == "annotations" for a in item.names)
        for item in module.tree.body
    )


class Judge(Values):
    """Judges the statements of one module."""

    def is_for_checkers(self, item: ast.stmt) -> bool:
        """Tell whether a statement is `if TYPE_CHECKING` without an else."""
        return isinstance(item, ast.If) and not item.orelse and self.outside(item.test) == "typing.TYPE_CHECKING"

    def is_pure_statement(self, item: ast.stmt) -> bool:
        """Tell whether a statement does no more than bind names to values that don't depend on its place."""
        match item:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return self.only(item.name) is not None and self.is_pure_definition(item)
            case ast.Assign():
                return all(self.is_pure_target(target, item.value) for target in item.targets) and self.pure(item.value)
            case ast.AnnAssign():
                value = item.value or ast.Constant(None)
                evaluated = is_lazy(self.module) or self.pure(item.annotation)
                named = item.value is None or self.is_pure_target(item.target, value)
                return isinstance(item.target, ast.Name) and evaluated and named and self.pure(value)
            case ast.Expr():
                return isinstance(item.value, ast.Constant)
        return isinstance(item, ast.Pass)

    def is_pure_target(self, target: ast.expr, value: ast.expr) -> bool:
        """Tell whether to bind a target has no effect but the name."""
        if isinstance(target, ast.Name):
            return self.only(target.id) is not None and target.id not in GIVEN
        if isinstance(target, (ast.Tuple, ast.List)):
            return self.settled(value) and all(self.is_pure_target(part, value) for part in target.elts)
        return isinstance(target, ast.Starred) and self.is_pure_target(target.value, value)

    # Definitions.

    def is_pure_definition(self, item: Definition, own: Names = frozenset()) -> bool:
        """Tell whether making a function or class has no effect. `own`: the names of a class around it."""
        if not all(self.is_pure_decorator(decorator, own) for decorator in item.decorator_list):
            return False
        if isinstance(item, ast.ClassDef):
            return self.is_pure_class(item)
        arguments = item.args
        evaluated = [value for value in (*arguments.defaults, *arguments.kw_defaults) if value]
        if not is_lazy(self.module):
            evaluated += annotations(item)
        return all(self.pure(value, own) for value in evaluated)

    def is_pure_decorator(self, item: ast.expr, own: Names) -> bool:
        """Tell whether a decorator is known to do nothing but wrap. `own`: the names of a class around it."""
        chain = chain_of(item)
        if chain[:1] and chain[0] in own and chain[1:] in PROPERTY:
            return True
        called = isinstance(item, ast.Call)
        function = item.func if isinstance(item, ast.Call) else item
        if chain_of(function)[:1] and chain_of(function)[0] in own:
            return False
        arguments = [*item.args, *(word.value for word in item.keywords)] if isinstance(item, ast.Call) else []
        name = self.outside(function)
        return pure_calls.is_decorator(name, called) and all(self.pure(value, own) for value in arguments)

    def is_pure_class(self, item: ast.ClassDef) -> bool:
        """Tell whether making a class has no effect, body and bases included."""
        own = frozenset(name.id for part in item.body for name in ast.walk(part) if _is_stored(name))
        own |= {part.name for part in item.body if isinstance(part, (*FUNCTIONS, ast.ClassDef))}
        if not self.is_quiet(item, frozenset()) or not all(self.pure(base) for base in item.bases):
            return False
        return all(self.is_pure_member(part, own) for part in item.body)

    def is_pure_member(self, part: ast.stmt, own: Names) -> bool:
        """Tell whether a statement of a class body has no effect. `own`: the names of the class."""
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return self.is_pure_definition(part, own)
            case ast.Assign():
                named = all(isinstance(target, ast.Name) for target in part.targets)
                return named and self.pure(part.value, own) and self.is_calm(part.value, own)
            case ast.AnnAssign():
                value = part.value or ast.Constant(None)
                evaluated = is_lazy(self.module) or self.pure(part.annotation, own)
                return evaluated and self.pure(value, own) and self.is_calm(value, own)
        return (
            isinstance(part, ast.Pass)
            or is_bare_string(part)
            or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        )

    def is_calm(self, value: ast.expr, own: Names) -> bool:
        """Tell whether a value in a class is no object of the project that learns of its class (`__set_name__`)."""
        return not isinstance(value, (ast.Name, ast.Attribute)) or self.settled(value, own)

    def is_quiet(self, item: ast.ClassDef, seen: Names) -> bool:
        """Tell whether to subclass a class executes no code of the project, nor any that can't be read."""
        if any(word.arg != "total" and self.outside(word.value) != "abc.ABCMeta" for word in item.keywords):
            return False
        bases = [base.value if isinstance(base, ast.Subscript) else base for base in item.bases]
        outside = [self.outside(base) for base in bases]
        defined = {part.name for part in item.body if isinstance(part, FUNCTIONS)}
        defined |= {name.id for part in item.body for name in ast.walk(part) if _is_stored(name)}
        is_enum = self.is_enum(item, frozenset())
        if defined & HOOKS or (defined & ENUM_HOOKS and is_enum):
            return False
        for base, name in zip(bases, outside, strict=True):
            if name:
                if not pure_calls.is_standard(name):
                    return False
                continue
            found, module = self.definition(base)
            key = f"{module}:{chain_of(base)[-1:]}"
            if not isinstance(found, ast.ClassDef) or module is None or key in seen:
                return False
            judge = Judge(self.project, module)
            if is_enum and not judge.is_enum(found, frozenset()):  # an enum makes its members of what it is mixed with
                return False
            if not judge.is_quiet(found, seen | {key}):
                return False
        return True

    def is_enum(self, item: ast.ClassDef, seen: frozenset[ast.ClassDef]) -> bool:
        """Tell whether a class derives from one of `enum`. `seen`: the classes on the way here."""
        for base in item.bases:
            found, module = self.definition(base)
            if self.outside(base).startswith("enum."):
                return True
            if not isinstance(found, ast.ClassDef) or module is None or found in seen:
                continue
            if Judge(self.project, module).is_enum(found, seen | {item}):
                return True
        return False


def _is_stored(item: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
