"""Which expressions are pure: no effect, and a value that does not depend on where in its module they stand.

A name that is bound once to something that can't change is *settled*: to look into it gives the same anywhere. What
stands behind any other name may have been changed by another statement, so to look into that is not pure. Knows
nothing of statements, save the one that binds a name.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from redoit.fingerprint import pure_calls
from redoit.fingerprint.names import FUNCTIONS, Binder, Import, bindings, chain_of
from redoit.fingerprint.resolve import BUILTINS, lookup
from redoit.source.project import Module, Project

Names = frozenset[str]


@dataclass(frozen=True)
class Values:
    """Judges the names and expressions of one module. `strict`: values may change between two statements.

    `local`, where it is asked for: names that a comprehension, a lambda or a class around the expression binds.
    """

    project: Project
    module: Module
    strict: bool = True

    # Names.

    def only(self, name: str) -> Binder | None:
        """Return the one statement that binds a name, None if there are more, or if a built-in has that name too."""
        known = bindings(self.module)
        binders = known.names.get(name, [])
        if len(binders) > 1:
            binders = [binder for binder in binders[:-1] if not self.is_overload(binder.statement)] + binders[-1:]
        return binders[0] if len(binders) == 1 and name not in BUILTINS and name not in known.reassigned else None

    def is_overload(self, item: ast.stmt) -> bool:
        """Tell whether a definition only declares a type for the one that follows."""
        return isinstance(item, FUNCTIONS) and any(self.outside(d) == "typing.overload" for d in item.decorator_list)

    def outside(self, item: ast.expr) -> str:
        """Return the dotted name of what certainly comes from outside the project, else an empty text."""
        chain = chain_of(item)
        known = bindings(self.module)
        if not chain or (chain[0] not in known.names and known.stars):
            return ""
        found = lookup(self.project, self.module, chain)
        if len(found.outside) != 1 or found.modules or found.missing:
            return ""
        for module, name in found.bound:
            binder = Values(self.project, module).only(name)
            if binder is None or not isinstance(binder.statement, Import):
                return ""
        return found.outside[0]

    def definition(self, item: ast.expr) -> tuple[ast.AST | None, Module | None]:
        """Return the one statement of the project that binds what an expression names, and its module."""
        chain = chain_of(item)
        if not chain:
            return None, None
        size = next((n for n in range(1, len(chain)) if lookup(self.project, self.module, chain[:n]).modules), 0)
        if size + 1 != len(chain):
            return None, None
        found = lookup(self.project, self.module, chain)
        if found.outside or found.missing or found.modules or not found.bound:
            return None, None
        binders = [(Values(self.project, module).only(name), module) for module, name in found.bound]
        if any(binder is None for binder, _ in binders):
            return None, None
        binder, module = binders[-1]
        return (binder.statement, module) if binder else (None, None)

    # Expressions.

    def pure(self, item: ast.expr, local: Names = frozenset()) -> bool:
        """Tell whether an expression has no effect, and a value that does not depend on its place."""
        match item:
            case ast.Constant():
                return True
            case ast.Name(id=name):
                return name not in bindings(self.module).names or self.only(name) is not None
            case ast.Lambda():
                defaults = (*item.args.defaults, *item.args.kw_defaults)
                return all(self.pure(value, local) for value in defaults if value)
            case ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.Slice():
                return all(self.pure(part, local) for part in _parts(item)) and (
                    not isinstance(item, ast.Dict) or None not in item.keys or self.settled(item, local)
                )
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                local |= _targets(item)
                return all(self.pure(part, local) for part in _parts(item)) and self.settled(item, local)
            case ast.Subscript():
                return self.pure(item.value, local) and self.pure(item.slice, local) and self.settled(item.value, local)
            case ast.Call():
                return self.pure_call(item, local)
            case (
                ast.Attribute()
                | ast.Starred()
                | ast.IfExp()
                | ast.BoolOp()
                | ast.BinOp()
                | ast.UnaryOp()
                | ast.Compare()
            ):
                return all(self.pure(part, local) for part in _parts(item)) and self.settled(item, local)
            case ast.JoinedStr() | ast.FormattedValue():
                return all(self.pure(part, local) for part in _parts(item)) and self.settled(item, local)
        return False

    def pure_call(self, item: ast.Call, local: Names) -> bool:
        """Tell whether a call is known to have no effect."""
        arguments = [*item.args, *(word.value for word in item.keywords if word.arg != "key")]
        keys = [word.value for word in item.keywords if word.arg == "key"]
        if not all(self.pure(value, local) for value in arguments) or not all(
            self.pure_key(value, local) for value in keys
        ):
            return False
        name = "" if chain_of(item.func)[:1] and chain_of(item.func)[0] in local else self.outside(item.func)
        if name in pure_calls.CAPTURING:
            return not any(isinstance(value, ast.Starred) for value in item.args)
        if name in pure_calls.READING or name.startswith("math."):
            return all(self.settled(value, local) for value in arguments)
        if isinstance(item.func, ast.Attribute) and pure_calls.is_method(item.func):
            owner = item.func.value
            return all(self.settled(value, local) for value in (owner, *arguments)) and self.immutable(owner)
        return False

    def pure_key(self, item: ast.expr, local: Names) -> bool:
        """Tell whether a function that a call calls at once, as `sorted(..., key=...)` does, is pure."""
        if isinstance(item, ast.Lambda):
            local |= {argument.arg for argument in item.args.args}
            return self.pure(item, local) and self.pure(item.body, local) and self.settled(item.body, local)
        return pure_calls.is_standard(self.outside(item))

    def settled(self, item: ast.expr, local: Names = frozenset()) -> bool:
        """Tell whether nothing can change what is inside a value before this expression looks into it."""
        match item:
            case ast.Constant() | ast.Lambda():
                return True
            case ast.Name(id=name):
                return (name in local and name not in bindings(self.module).names) or self.settled_name(item)
            case ast.Attribute():
                root = chain_of(item)[:1]
                if not root or root[0] in local:
                    return self.settled(item.value, local) and (bool(root) or self.immutable(item.value))
                return bool(self.outside(item)) or self.settled_name(item) or self.settled_member(item)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                local |= _targets(item)
        return all(self.settled(part, local) for part in _parts(item))

    def settled_name(self, item: ast.expr) -> bool:
        """Tell whether what a name is bound to is settled."""
        if self.outside(item):
            return True
        statement, module = self.definition(item)
        if module is None or statement is None:
            return False
        if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            return True
        value = _value(statement)
        here = module is self.module and not self.strict
        return value is not None and self.of_value(module, value, "pure" if here else "immutable")

    def of_value(self, module: Module, value: ast.expr, question: str) -> bool:
        """Answer once for each value that a name is bound to; a value that leads back to itself is not settled."""
        key = (question, value)
        if key not in module.memo:
            module.memo[key] = False
            asked = Values(self.project, module, strict=question == "immutable")
            module.memo[key] = asked.pure(value) if question == "pure" else asked.immutable(value)
        return bool(module.memo[key])

    def settled_member(self, item: ast.Attribute) -> bool:
        """Tell whether an attribute of a class is settled: of an enum always, of another one while nothing happens."""
        statement, module = self.definition(item.value)
        if not isinstance(statement, ast.ClassDef) or module is None:
            return False
        own = [part.id for item in statement.body for part in ast.walk(item) if isinstance(part, ast.Name)]
        if item.attr not in own:
            return False
        if any(Values(self.project, module).outside(base).startswith("enum.") for base in statement.bases):
            return True
        return module is self.module and not self.strict

    def immutable(self, item: ast.expr) -> bool:
        """Tell whether a value can't change once it is made."""
        match item:
            case ast.Constant() | ast.Lambda():
                return True
            case (
                ast.Tuple() | ast.UnaryOp() | ast.BinOp() | ast.Compare() | ast.BoolOp() | ast.IfExp() | ast.JoinedStr()
            ):
                return all(self.immutable(part) for part in _parts(item))
            case ast.FormattedValue():
                return self.immutable(item.value)
            case ast.Name():
                return self.immutable_name(item)
            case ast.Attribute():
                return bool(self.outside(item)) or self.immutable_name(item) or self.immutable(item.value)
            case ast.Call():
                made = self.outside(item.func)
                known = made in pure_calls.IMMUTABLE or made.startswith("math.")
                return self.pure(item) and (known or pure_calls.is_method(item.func))
        return False

    def immutable_name(self, item: ast.expr) -> bool:
        """Tell whether what a name is bound to can't change."""
        statement, module = self.definition(item)
        value = None if statement is None else _value(statement)
        return value is not None and module is not None and self.of_value(module, value, "immutable")


def _value(statement: ast.AST) -> ast.expr | None:
    """Return the value that a statement binds to the one name it binds."""
    if isinstance(statement, ast.Assign) and all(isinstance(target, ast.Name) for target in statement.targets):
        return statement.value
    return statement.value if isinstance(statement, ast.AnnAssign) else None


def _parts(item: ast.expr) -> Iterator[ast.expr]:
    for part in ast.iter_child_nodes(item):
        match part:
            case ast.expr():
                yield part
            case ast.keyword():
                yield part.value
            case ast.comprehension():
                yield from (part.iter, *part.ifs)


def _targets(item: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> Names:
    targets = [part for generator in item.generators for part in ast.walk(generator.target)]
    return frozenset(part.id for part in targets if isinstance(part, ast.Name))
