"""Name resolution: through imports, aliases, re-exports and packages, to the bindings of the project's modules.

Follows each way that a name may take at run time, for a module's attribute can be a submodule as well as a binding.
Knows nothing of how the resolved name is used.
"""

import builtins
from dataclasses import dataclass, field

from redoit.fingerprint.names import Alias, Binder, Chain, bindings
from redoit.source.project import Module, Project

BUILTINS = frozenset(dir(builtins))
# Attributes that the import system sets on each module.
CONTENTS = frozenset({"__doc__", "__dict__", "__annotations__"})  # those that give access to what a module holds
GIVEN = frozenset({"__name__", "__file__", "__package__", "__spec__", "__loader__", "__path__"}) | CONTENTS


@dataclass
class Resolution:
    """What a chain of names resolves to. `bound`: each binding on the way, in order.

    `modules`: modules that are used as values. `missing`: modules with an attribute that reading can't find in them.
    `outside`: dotted names that are not of the project.
    """

    bound: list[tuple[Module, str]] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    missing: list[tuple[Module, str]] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


def lookup(project: Project, module: Module, chain: Chain) -> Resolution:
    """Return what a chain of names resolves to in a module's globals."""
    key = ("lookup", chain)
    if key not in module.memo:
        resolver = _Resolver(project)
        resolver.resolve_global(module, chain[0], chain[1:])
        module.memo[key] = resolver.resolution
    resolution: Resolution = module.memo[key]
    return resolution


def follow(project: Project, alias: Alias, rest: Chain = ()) -> Resolution:
    """Return what a chain of attributes of an imported name resolves to."""
    resolver = _Resolver(project)
    resolver.alias(alias, rest)
    return resolver.resolution


class _Resolver:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.resolution = Resolution()
        self.seen: set[tuple[str, str, Chain]] = set()

    def resolve_global(self, module: Module, name: str, rest: Chain) -> None:
        names = bindings(module)
        if name in names.names:
            self.binding(module, name, rest)
        elif names.stars:
            self.stars(module, name, rest)
        if name not in names.names and (name in BUILTINS or name in GIVEN):
            self.resolution.outside.append(".".join(("builtins", name, *rest)))

    def binding(self, module: Module, name: str, rest: Chain) -> None:
        if (module.name, name, rest) in self.seen:
            return
        self.seen.add((module.name, name, rest))
        self.resolution.bound.append((module, name))
        for binder in bindings(module).names[name]:
            if binder.alias:
                self.alias(binder.alias, rest)

    def alias(self, alias: Alias, rest: Chain) -> None:
        if alias.attr is None:
            self.module(alias.module, rest)
        elif alias.attr == "*":
            self.module(alias.module, ())
        else:
            self.attribute(alias.module, alias.attr, rest)

    def module(self, name: str, rest: Chain) -> None:
        module = self.project.module(name)
        if module is None:
            self.resolution.outside.append(".".join((name, *rest)))
        elif rest:
            self.attribute(name, rest[0], rest[1:])
        else:
            self.resolution.modules.append(module)

    def attribute(self, name: str, attribute: str, rest: Chain) -> None:
        module = self.project.module(name)
        if module is None:
            self.resolution.outside.append(".".join((name, attribute, *rest)))
            return
        binders = bindings(module).names.get(attribute, [])
        submodule = f"{name}.{attribute}"
        is_submodule = module.is_package and self.project.locate(submodule) is not None
        if binders:
            self.binding(module, attribute, rest)
        if is_submodule and not _from_itself(binders, submodule):
            self.module(submodule, rest)
        if not binders and not is_submodule:
            if attribute in CONTENTS:
                self.resolution.modules.append(module)
            elif attribute not in GIVEN:
                self.unbound(module, attribute, rest)

    def unbound(self, module: Module, attribute: str, rest: Chain) -> None:
        if module.is_namespace and "." not in module.name:  # an installed package of that name comes first
            self.resolution.outside.append(".".join((module.name, attribute, *rest)))
        elif not self.stars(module, attribute, rest):
            self.resolution.missing.append((module, attribute))

    def stars(self, module: Module, name: str, rest: Chain) -> bool:
        """Resolve a name in the modules that a module star-imports; tell whether one of them binds it."""
        if (module.name, name, ("*",)) in self.seen:
            return False
        self.seen.add((module.name, name, ("*",)))
        is_bound = False
        for star in bindings(module).stars:
            origin = self.project.module(star.module)
            if origin is not None and name in bindings(origin).names:
                self.binding(origin, name, rest)
                is_bound = True
            elif origin is not None:
                is_bound = self.stars(origin, name, rest) or is_bound
        return is_bound


def _from_itself(binders: list[Binder], submodule: str) -> bool:
    """Tell whether a package imports a name from the submodule of that name, and so hides the submodule."""
    return any(binder.alias is not None and binder.alias.module == submodule for binder in binders)
