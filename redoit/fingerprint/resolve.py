"""Where a name leads: through imports, aliases, re-exports and packages, to what some module of the project binds.

Follows every way that a name may take at run time, for a module's attribute can be a submodule as well as a binding.
Knows nothing of what is done with the thing found.
"""

import builtins
from dataclasses import dataclass, field

from redoit.fingerprint.names import Alias, Binder, Chain, bindings
from redoit.source.project import Module, Project

BUILTINS = frozenset(dir(builtins))
# What the import system itself gives each module.
SHOWN = frozenset({"__doc__", "__dict__", "__annotations__"})  # those that show what is in the module
GIVEN = frozenset({"__name__", "__file__", "__package__", "__spec__", "__loader__", "__path__"}) | SHOWN


@dataclass
class Found:
    """What a chain leads to. `bound`: each binding on the way, in order. `modules`: modules that are used as values.

    `missing`: modules that were asked for what reading can't find in them. `outside`: dotted names not of the project.
    """

    bound: list[tuple[Module, str]] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    missing: list[tuple[Module, str]] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


def lookup(project: Project, module: Module, chain: Chain) -> Found:
    """Return what a chain of names leads to, seen from a module's globals."""
    key = ("lookup", chain)
    if key not in module.memo:
        search = _Search(project)
        search.globally(module, chain[0], chain[1:])
        module.memo[key] = search.found
    found: Found = module.memo[key]
    return found


def follow(project: Project, alias: Alias, rest: Chain = ()) -> Found:
    """Return what an import, and the attributes asked of what it binds, lead to."""
    search = _Search(project)
    search.alias(alias, rest)
    return search.found


class _Search:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.found = Found()
        self.seen: set[tuple[str, str, Chain]] = set()

    def globally(self, module: Module, name: str, rest: Chain) -> None:
        names = bindings(module)
        if name in names.names:
            self.binding(module, name, rest)
        elif names.stars:
            self.stars(module, name, rest)
        if name not in names.names and (name in BUILTINS or name in GIVEN):
            self.found.outside.append(".".join(("builtins", name, *rest)))

    def binding(self, module: Module, name: str, rest: Chain) -> None:
        if (module.name, name, rest) in self.seen:
            return
        self.seen.add((module.name, name, rest))
        self.found.bound.append((module, name))
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
            self.found.outside.append(".".join((name, *rest)))
        elif rest:
            self.attribute(name, rest[0], rest[1:])
        else:
            self.found.modules.append(module)

    def attribute(self, name: str, attribute: str, rest: Chain) -> None:
        module = self.project.module(name)
        if module is None:
            self.found.outside.append(".".join((name, attribute, *rest)))
            return
        binders = bindings(module).names.get(attribute, [])
        submodule = f"{name}.{attribute}"
        is_submodule = module.is_package and self.project.locate(submodule) is not None
        if binders:
            self.binding(module, attribute, rest)
        if is_submodule and not _from_itself(binders, submodule):
            self.module(submodule, rest)
        if not binders and not is_submodule:
            if attribute in SHOWN:
                self.found.modules.append(module)
            elif attribute not in GIVEN:
                self.unbound(module, attribute, rest)

    def unbound(self, module: Module, attribute: str, rest: Chain) -> None:
        if module.is_namespace and "." not in module.name:  # an installed package goes before a bare folder
            self.found.outside.append(".".join((module.name, attribute, *rest)))
        elif not self.stars(module, attribute, rest):
            self.found.missing.append((module, attribute))

    def stars(self, module: Module, name: str, rest: Chain) -> bool:
        """Follow a name into the project's modules that a module imports all of; tell whether one binds it."""
        if (module.name, name, ("*",)) in self.seen:
            return False
        self.seen.add((module.name, name, ("*",)))
        found = False
        for star in bindings(module).stars:
            origin = self.project.module(star.module)
            if origin is not None and name in bindings(origin).names:
                self.binding(origin, name, rest)
                found = True
            elif origin is not None:
                found = self.stars(origin, name, rest) or found
        return found


def _from_itself(binders: list[Binder], submodule: str) -> bool:
    """Tell whether a package imports a name from the submodule of that name, and so hides the submodule."""
    return any(binder.alias is not None and binder.alias.module == submodule for binder in binders)
