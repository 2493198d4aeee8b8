"""Which definitions code from outside the project may look into, and so read their docstrings and annotations.

That is code which decorates them, from which they derive, or to which a name is handed. Names are compared as words: a
name that one module hands on stands for every definition of that name. Does not know what is reached.
"""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from redoit.fingerprint.resolve import Resolution, lookup
from redoit.source.names import Definition, bindings, chain_of, is_standard
from redoit.source.project import Module, Project, cached_per_module

# Standard modules whose decorators wrap what they are given, and do nothing else with it.
WRAPPERS = frozenset({"abc", "builtins", "contextlib", "dataclasses", "enum", "functools", "typing"})
ACCESSORS = (("setter",), ("getter",), ("deleter",))  # of a property in the same class
# Built-in functions that look into no definition.
BUILTINS = frozenset({"filter", "getattr", "hasattr", "isinstance", "issubclass", "map", "max", "min", "sorted", "zip"})
NOT_HANDED = frozenset({"annotation", "returns", "bases", "type", "targets", "target"})  # fields of nodes


class Handed(NamedTuple):
    """Names that code hands on. `values`: as they are; `instances`: of classes, what a call of them makes."""

    values: frozenset[str] = frozenset()
    instances: frozenset[str] = frozenset()

    def __or__(self, other: "Handed") -> "Handed":
        return Handed(self.values | other.values, self.instances | other.instances)


@cached_per_module
def handed(module: Module) -> Handed:
    """Return the names that a module uses otherwise than to call them, to derive from them or to annotate."""
    values: set[str] = set()
    made: set[str] = set()
    origins: list[tuple[set[str], set[str]]] = []  # targets, and the functions that their values are made by
    todo: list[tuple[ast.AST, bool]] = [(module.tree, False)]  # a node, and whether it is handed on
    while todo:
        item, is_handed = todo.pop()
        chain = chain_of(item)
        if chain or isinstance(item, ast.Attribute):
            values.add(chain[-1] if chain else item.attr)  # type: ignore[attr-defined]  # an attribute, if no chain
        elif isinstance(item, ast.Call):
            function = chain_of(item.func)
            made.update(function[-1:] if is_handed else ())
            todo += [] if function else [(item.func, False)]
            todo += (
                [] if function[:1] and function[0] in BUILTINS else [(p, True) for p in (*item.args, *item.keywords)]
            )
            continue
        elif isinstance(item, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.withitem | ast.For):
            origins.append(_targets_and_callees(item))
        is_handed |= isinstance(item, ast.Return | ast.Yield)
        todo += [] if chain else [(part, is_handed) for part in _handed_parts(item)]
    made.update(*(functions for targets, functions in origins if targets & values))
    if values & {"self", "cls"}:
        made.update(item.name for item in ast.walk(module.tree) if isinstance(item, ast.ClassDef))
    original = {name: each.alias.attr for name, all_ in bindings(module).names.items() for each in all_ if each.alias}
    return Handed(*(frozenset(names | {original.get(name) or name for name in names}) for names in (values, made)))


def _targets_and_callees(item: ast.AST) -> tuple[set[str], set[str]]:
    """Return the last names of what a statement stores to, and of the functions that it calls."""
    nodes = list(ast.walk(item))
    stores = [part for part in nodes if isinstance(getattr(part, "ctx", None), ast.Store)]
    calls = [part.func for part in nodes if isinstance(part, ast.Call)]
    return tuple({chain[-1] for part in parts if (chain := chain_of(part))} for parts in (stores, calls))  # type: ignore[return-value]  # two


def _handed_parts(item: ast.AST) -> Iterator[ast.AST]:
    for name, value in ast.iter_fields(item):
        parts = value if isinstance(value, list) else [value]
        yield from (part for part in parts if isinstance(part, ast.AST) and name not in NOT_HANDED)


def is_wrapped_only(project: Project, module: Module, item: Definition) -> bool:
    """Tell whether a definition has no decorators but those of the standard library that wrap it."""
    for decorator in item.decorator_list:
        chain = chain_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if chain[1:] in ACCESSORS:
            continue
        found = lookup(project, module, chain) if chain else Resolution()
        is_own = found.modules or found.missing or not all(each.alias for each in found.binders)
        if is_own or not found.outside or {name.split(".")[0] for name in found.outside} - WRAPPERS:
            return False
    return True


def derives_from_outside(project: Project, module: Module, item: ast.ClassDef) -> bool:
    """Tell whether a class derives, by whatever way, from one that may act on it: not the project's nor Python's."""
    key = ("derives from outside", item)
    if key not in module.memo:
        module.memo[key] = any(_foreign_bases(project, module, item))
    return bool(module.memo[key])


def _foreign_bases(project: Project, module: Module, item: ast.ClassDef) -> Iterator[bool]:
    """Yield, for the bases of a class and of all that it derives from, whether each may be from outside."""
    todo, seen = [(module, item)], {item}
    while todo:
        module, item = todo.pop()
        if (known := module.memo.get(("derives from outside", item))) is not None:
            yield known
            continue
        for base in (*item.bases, *(word.value for word in item.keywords)):
            chain = chain_of(base.value if isinstance(base, ast.Subscript) else base)
            found = lookup(project, module, chain) if chain else Resolution(missing=[(module, "")])
            yield bool(found.modules or found.missing) or not all(map(_is_passive, found.outside))
            for owner, name in found.bound:
                for binder in bindings(owner).names[name]:
                    if not isinstance(binder.statement, ast.ClassDef):
                        yield binder.alias is None
                    elif binder.statement not in seen:
                        seen.add(binder.statement)
                        todo.append((owner, binder.statement))


def _is_passive(name: str) -> bool:
    """Tell whether a base class does nothing with what derives from it: Python's own, but for enumerations."""
    return is_standard(name) and not name.startswith("enum.")


def is_exposed(project: Project, module: Module, item: Definition, names: Handed) -> bool:
    """Tell whether code from outside may look into a definition. `names`: those that reached code hands on."""
    if item.name in names.values or not is_wrapped_only(project, module, item):
        return True
    if not isinstance(item, ast.ClassDef):
        return False
    return item.name in names.instances or derives_from_outside(project, module, item)
