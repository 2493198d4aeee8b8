"""Which definitions code from outside the project may look into, and so read their docstrings and annotations.

That is code which decorates them, from which they derive, or to which a name is handed. Names are compared as words: a
name that one module hands on stands for every definition of that name. Does not know what is reached.
"""

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from redoit.fingerprint.resolve import Resolution, lookup
from redoit.source.names import Definition, Function, bindings, chain_of, child_nodes, is_standard
from redoit.source.project import Module, Project, cached_per_module

# Standard modules and functions that wrap what they decorate, and do nothing else with it.
WRAPPERS = frozenset({"abc", "contextlib", "dataclasses", "enum", "functools", "typing"}) | {
    f"builtins.{name}" for name in ("classmethod", "property", "staticmethod")
}
ACCESSORS = (("setter",), ("getter",), ("deleter",))  # of a property in the same class
BUILTINS = frozenset({"hasattr", "isinstance", "issubclass"})  # look into no definition
NOT_HANDED = ("annotation", "returns", "bases", "type", "targets", "target")  # fields of nodes

Names = frozenset[str]
Links = frozenset[tuple[str, str]]


class Exposed(NamedTuple):
    """Names of the functions and of the classes that code from outside may look into."""

    functions: Names
    classes: Names


class Handed(NamedTuple):
    """Names that code hands on. `values`: as they are; `made`: by what a call of them makes.

    `aliases`: an imported name, and what it is there. `links`: names of which the second is handed on with the first:
    a class and its bases, each way, and a local variable with what is called to make its value.
    """

    values: Names = frozenset()
    made: Names = frozenset()
    aliases: Links = frozenset()
    links: Links = frozenset()

    @classmethod
    def union(cls, parts: Iterable["Handed"]) -> "Handed":
        """Return what all parts together hand on."""
        return cls(*(frozenset().union(*names) for names in zip(cls(), *parts, strict=True)))

    def exposed(self) -> Exposed:
        """Return all names that are handed on, by whatever way."""
        functions = _closure(self.values, self.aliases)
        return Exposed(functions, _closure(functions | self.made, self.aliases | self.links))


def _closure(names: Names, links: Links) -> Names:
    while new := {second for first, second in links if first in names} - names:
        names |= new
    return names


@cached_per_module
def handed(project: Project, module: Module) -> Handed:
    """Return the names that a module uses otherwise than to call them, to derive from them or to annotate."""
    collector = _Collector(frozenset(bindings(module).reassigned))
    collector.walk(module.tree)
    classes = [item for item in ast.walk(module.tree) if isinstance(item, ast.ClassDef)]
    methods = [part.args for item in classes for part in item.body if isinstance(part, Function)]
    firsts = {first.arg for each in methods for first in [*each.posonlyargs, *each.args][:1]}
    links = {(item.name, chain[-1]) for item in classes for base in _bases(item) if (chain := chain_of(base))}
    is_handed = bool(firsts & (collector.values | collector.made)) or "__class__" in collector.values
    received = {
        c for c in classes if not is_wrapped_only(project, module, c) or derives_from_outside(project, module, c)
    }
    collector.made.update(item.name for item in (classes if is_handed else received))
    imported = [*bindings(module).aliases, *(alias for found in bindings(module).inner.values() for alias in found)]
    return Handed(
        frozenset(collector.values),
        frozenset(collector.made),
        frozenset((each.name, each.attr) for each in imported if each.attr and each.attr != each.name),
        frozenset(collector.links | links | {(base, name) for name, base in links}),
    )


def _bases(item: ast.ClassDef) -> Iterator[ast.expr]:
    for base in (*item.bases, *(word.value for word in item.keywords)):
        yield base.value if isinstance(base, ast.Subscript) else base


class _Collector:
    """Walks through a module. `kept`: calls whose value is only looked at, or is kept in a local variable."""

    def __init__(self, shared: Names) -> None:
        self.shared = shared
        self.values: set[str] = set()
        self.made: set[str] = set()
        self.links: set[tuple[str, str]] = set()
        self.kept: set[ast.AST] = set()

    def walk(self, tree: ast.AST) -> None:
        todo: list[tuple[ast.AST, bool]] = [(tree, False)]  # a node, and whether it is in a function
        while todo:
            item, is_local = todo.pop()
            is_local |= isinstance(item, Function)
            todo += [(part, is_local) for part in self.parts(item, is_local=is_local)]

    def parts(self, item: ast.AST, *, is_local: bool) -> Iterable[ast.AST]:
        """Note what a node hands on; return those parts of it that may hand on more."""
        chain = chain_of(item)
        if chain:
            self.values.add(chain[-1])
            return []
        if isinstance(item, ast.Call):
            return self.call(item)
        if isinstance(item, ast.Attribute):
            self.values.add(item.attr)
        elif is_local and isinstance(item, ast.Assign | ast.AnnAssign):
            self.assignment(item)
        if isinstance(item, ast.Attribute | ast.Expr):
            self.kept.add(item.value)
        return child_nodes(item, skipped=NOT_HANDED)

    def call(self, item: ast.Call) -> list[ast.AST]:
        function = chain_of(item.func)
        if item not in self.kept:
            self.made.update(function[-1:])
        arguments = [*item.args, *item.keywords]
        if function[:1] and function[0] in BUILTINS:
            return [part for part in arguments if not chain_of(part)]
        called = item.func.value if isinstance(item.func, ast.Attribute) else item.func
        self.kept.update([called] if called is not item.func else ())
        return [*arguments, *([] if function else [called])]

    def assignment(self, item: ast.Assign | ast.AnnAssign) -> None:
        targets = item.targets if isinstance(item, ast.Assign) else [item.target]
        names = {target.id for target in targets if isinstance(target, ast.Name)} - self.shared
        function = chain_of(item.value.func) if isinstance(item.value, ast.Call) else ()
        if function and len(names) == len(targets):
            self.kept.add(item.value)  # type: ignore[arg-type]  # a call
            self.links.update((name, function[-1]) for name in names)


def is_wrapped_only(project: Project, module: Module, item: Definition) -> bool:
    """Tell whether a definition has no decorators but those of the standard library that wrap it."""
    for decorator in item.decorator_list:
        chain = chain_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if chain[1:] in ACCESSORS:
            continue
        found = lookup(project, module, chain) if chain else Resolution()
        is_own = found.modules or found.missing or not all(each.alias for each in found.binders)
        if is_own or not found.outside or not all(WRAPPERS & {name, name.split(".")[0]} for name in found.outside):
            return False
    return True


def derives_from_outside(project: Project, module: Module, item: ast.ClassDef) -> bool:
    """Tell whether a class derives, by whatever way, from one that may act on it: not the project's nor Python's."""
    if ("derives from outside", item) not in module.memo:
        module.memo["derives from outside", item] = any(_foreign_bases(project, module, item))
    return bool(module.memo["derives from outside", item])


def _foreign_bases(project: Project, module: Module, item: ast.ClassDef) -> Iterator[bool]:
    """Yield, for the bases of a class and of all that it derives from, whether each may be from outside."""
    todo, seen = [(module, item)], {item}
    while todo:
        module, item = todo.pop()
        if (known := module.memo.get(("derives from outside", item))) is not None:
            yield known
            continue
        for base in _bases(item):
            chain = chain_of(base)
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


def is_exposed(project: Project, module: Module, item: Definition, exposed: Exposed) -> bool:
    """Tell whether code from outside may look into a definition."""
    if isinstance(item, ast.ClassDef):
        return item.name in exposed.classes
    return item.name in exposed.functions or not is_wrapped_only(project, module, item)
