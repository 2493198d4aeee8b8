"""Name resolution: through imports, aliases, re-exports and packages, to the bindings of the project's modules.

Follows each way that a name may take at run time, for a module's attribute can be a submodule as well as a binding.
Knows nothing of how the resolved name is used.
"""

import builtins
from dataclasses import dataclass, field

from redoit.source.names import Alias, Binder, Chain, bindings
from redoit.source.project import Module, Project

BUILTINS = frozenset(dir(builtins))
# Attributes that the import system sets on each module.
CONTENTS = frozenset({"__doc__", "__dict__", "__annotations__"})  # those that give access to what a module holds
GIVEN = frozenset({"__name__", "__file__", "__package__", "__spec__", "__loader__", "__path__"}) | CONTENTS


@dataclass
class Resolution:
    """What a chain of names resolves to. `bound`: each binding on the way.

    `modules`: modules that are used as values. `missing`: modules with an attribute that reading can't find in them.
    `outside`: dotted names that are not of the project.
    """

    bound: list[tuple[Module, str]] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    missing: list[tuple[Module, str]] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    @property
    def binders(self) -> list[Binder]:
        """All statements that bind what was found on the way."""
        return [binder for module, name in self.bound for binder in bindings(module).names[name]]


def lookup(project: Project, module: Module, chain: Chain) -> Resolution:
    """Return what a chain of names resolves to in a module's globals."""
    key = ("lookup", chain)
    if key not in module.memo:
        name, *rest = chain
        resolver = _Resolver(project)
        names = bindings(module)
        resolver.bind(module, name, tuple(rest))
        if rest or name not in names.names:
            resolver.todo += [(alias.module, _tail(alias, rest)) for alias in names.inner.get(name, ())]
        if name not in names.names and name in BUILTINS | GIVEN:
            resolver.found.outside.append(".".join(("builtins", *chain)))
        module.memo[key] = resolver.finish()
    resolution: Resolution = module.memo[key]
    return resolution


def follow(project: Project, alias: Alias) -> Resolution:
    """Return what an imported name resolves to."""
    resolver = _Resolver(project)
    resolver.todo.append((alias.module, _tail(alias, ())))
    return resolver.finish()


def _tail(alias: Alias, rest: "Chain | list[str]") -> Chain:
    """Return the attributes that are taken of the module of an alias."""
    return (*((alias.attr,) if alias.attr and alias.attr != "*" else ()), *(() if alias.attr == "*" else rest))


class _Resolver:
    """Follows names step by step. `todo`: modules and the attributes taken of them; no chain of imports is too long."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.found = Resolution()
        self.seen: set[tuple[str, Chain]] = set()
        self.todo: list[tuple[str, Chain]] = []

    def finish(self) -> Resolution:
        while self.todo:
            step = self.todo.pop()
            if step not in self.seen:
                self.seen.add(step)
                self.take(*step)
        return self.found

    def take(self, name: str, chain: Chain) -> None:
        """Take attributes of a module."""
        module = self.project.module(name)
        if module is None:
            self.found.outside.append(".".join((name, *chain)))
        elif not chain:
            self.found.modules.append(module)
        else:
            self.attribute(module, chain[0], chain[1:])

    def attribute(self, module: Module, attribute: str, rest: Chain) -> None:
        binders = bindings(module).names.get(attribute, [])
        submodule = f"{module}.{attribute}"
        is_submodule = module.is_package and self.project.locate(submodule) is not None
        # A package that imports a name from the submodule of that name hides the submodule.
        if is_submodule and not any(binder.alias and binder.alias.module == submodule for binder in binders):
            self.todo.append((submodule, rest))
        if self.bind(module, attribute, rest) or is_submodule:
            return
        if attribute in CONTENTS:
            self.found.modules.append(module)
        elif module.is_namespace and "." not in module.name:  # an installed package of that name comes first
            self.found.outside.append(".".join((module.name, attribute, *rest)))
        elif attribute not in GIVEN:
            self.found.missing.append((module, attribute))

    def bind(self, module: Module, name: str, rest: Chain) -> bool:
        """Note what binds a name in a module, itself or by its star imports; tell whether anything does."""
        owners, seen, todo = [], {module.name}, [module]
        for owner in todo:
            owners += [owner] if name in bindings(owner).names else []
            origins = [self.project.module(star.module) for star in bindings(owner).stars]
            todo += [each for each in origins if each is not None and each.name not in seen]
            seen.update(each.name for each in todo)
        for owner in owners:
            if (owner, name) not in self.found.bound:
                self.found.bound.append((owner, name))
            aliases = [binder.alias for binder in bindings(owner).names[name] if binder.alias]
            self.todo += [(alias.module, _tail(alias, rest)) for alias in aliases]
        return bool(owners)
