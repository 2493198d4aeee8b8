"""The walk through the code that a step can reach: from name to name, from import to import.

Where reading can't resolve a name, the whole module counts, and a line says why. Knows which parts are reached and by
which path of names, not their texts.
"""

import ast
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from redoit.errors import SourceError
from redoit.fingerprint import reflection
from redoit.fingerprint.exposure import Handed, handed
from redoit.fingerprint.plain import has_hooks, hooked, other_statements
from redoit.fingerprint.reflection import Reflection
from redoit.fingerprint.resolve import Resolution, follow, lookup
from redoit.fingerprint.texts import STATEMENTS, WHOLE, Texts
from redoit.fingerprint.uses import Use
from redoit.source.names import (
    Alias,
    Function,
    Import,
    aliases,
    binders,
    bindings,
    executed_imports,
    is_standard,
    methods,
)
from redoit.source.project import Module, Project

Key = tuple[str, str]  # a module's name, and a name in it, STATEMENTS or WHOLE


class Assumed(NamedTuple):
    """What a walk allows for. `level`: of reflection; `handed`: names that code hands on; `hooks`: of classes.

    `calls_itself`: the step's function is named by other code, so its defaults count. `roots`: how many folders code
    adds to Python's path.
    """

    level: Reflection = Reflection.NONE
    handed: Handed = Handed()
    hooks: bool = False
    calls_itself: bool = False
    roots: int = 0


class Reach:
    """One walk through the code. `found`: what it should have assumed; if that is more, it must be repeated with it."""

    def __init__(self, project: Project, step: str, function: str, assumed: Assumed, *, bodies: bool = True) -> None:
        self.project = project
        self.root = (step, function)
        self.assumed = self.found = assumed
        module = project.module(step)
        found = binders(module, function) if module else []
        self.texts = Texts(
            project,
            assumed.handed.exposed(),
            docs=assumed.level >= Reflection.DOCS,
            raw=assumed.level >= (Reflection.CODE if bodies else Reflection.SOURCE),
            root=None if assumed.calls_itself or len(found) != 1 else found[0].statement,
            bodies=bodies,
        )
        self.queue: deque[Key] = deque()
        self.via: dict[Key, tuple[str, ...]] = {}
        self.unparsed: dict[str, str] = {}  # source of modules taken whole that can't be parsed
        self.taken: set[str] = set()  # modules and packages whose modules are all taken whole
        self.imports: set[str] = set()
        self.unresolved: dict[tuple[str, str], str] = {}

    def walk(self, extra_roots: Iterable[Key] = ()) -> None:
        """Follow all names from the step's function and from extra roots, until nothing new is reached."""
        self.add(*self.root, ())
        self.visit_queue()
        for key in extra_roots:  # now, so that what the step's function reaches has the path from there
            self.add_root(*key)
        self.visit_queue()
        modules = [each for name, what in self.via if what == STATEMENTS and (each := self.project.module(name))]
        self.found = self.found._replace(handed=Handed.union(handed(self.project, each) for each in modules))

    def visit_queue(self) -> None:
        """Follow the names of each part that was reached, and of what these reach."""
        while self.queue:
            self.visit(self.queue.popleft())

    def add_root(self, name: str, what: str) -> None:
        """Add a part that counts although the code need not name it, if it is there."""
        module = self.project.module(name)
        if what == WHOLE:
            self.take_whole(name, "it was executed", self.root)
        elif what == STATEMENTS:
            self.add_module(name, ())
        elif module is not None and what in bindings(module).names:
            self.add(name, what, ())
        elif module is not None and what in methods(module):
            self.add(name, what.partition(".")[0], ())
            if not self.texts.bodies:
                self.add(name, what, ())

    def add(self, module: str, name: str, via: tuple[str, ...]) -> None:
        """Add a reached part, and the statements that an import of its module executes."""
        key = module, name
        if key not in self.via:
            self.via[key] = (*via, self.part_name(key))
            self.queue.append(key)
            self.add_module(module, self.via[key])

    def add_module(self, name: str, via: tuple[str, ...]) -> None:
        """Add an imported module and the packages around it."""
        owner = name.rpartition(".")[0]
        if owner:
            self.add_module(owner, via)
        module = self.project.module(name)
        if (name, STATEMENTS) in self.via or module is None:
            return
        self.add(name, STATEMENTS, via)
        self.found = self.found._replace(
            hooks=self.found.hooks or has_hooks(module),
            roots=self.found.roots + reflection.add_roots(self.project, module),
        )
        if self.assumed.level >= Reflection.MODULES or module.is_opaque:
            self.add(name, WHOLE, via)
        for definition in hooked(module) if self.assumed.hooks else ():
            self.add(name, definition, via)

    def visit(self, key: Key) -> None:
        """Follow the names that one part uses."""
        module = self.project.module(key[0])
        if module is None:
            return
        if key[1] == WHOLE:
            self.follow_uses(module, key, module.tree.body)
            for alias in bindings(module).aliases:
                self.follow_whole(module, key, alias)
        elif key[1] == STATEMENTS:
            self.follow_uses(module, key, other_statements(self.project, module))
            self.follow_module(module, key)
        else:
            statements = [binder.statement for binder in binders(module, key[1])]
            self.follow_uses(module, key, [item for item in statements if not isinstance(item, Import)])

    def follow_whole(self, module: Module, key: Key, alias: Alias) -> None:
        """Follow an import of a module that counts whole: other code may ask it for any name."""
        found = follow(self.project, alias)
        self.follow(module, key, Use((alias.name,)), Resolution(found.bound, missing=found.missing))
        for name in {owner.name for owner in found.modules} | ({alias.loads} if alias.attr is None else set()):
            self.take_whole(name, f"imported in {module}, which counts whole", key)

    def follow_module(self, module: Module, key: Key) -> None:
        """Follow the modules that an import of a module loads; take it whole where its names can't be read."""
        for alias in executed_imports(module):
            self.follow_import(alias, key)
            # An import of a missing name fails, even if the name is not used.
            self.follow(module, key, Use((alias.name,)), Resolution(missing=follow(self.project, alias).missing))
        if "__getattr__" in bindings(module).names:
            self.take_whole(module.name, "it has a __getattr__", key)
        for origin in [self.project.module(star.module) for star in bindings(module).stars]:
            if origin and "__all__" in bindings(origin).names:
                self.add(origin.name, "__all__", self.via[key])
            for text in reflection.texts_of(origin) if origin else ():  # `__all__` may name submodules
                if self.project.locate(f"{origin}.{text}"):
                    self.take_whole(f"{origin}.{text}", f"from {origin} import * in {module}", key)

    def follow_uses(self, module: Module, key: Key, statements: Iterable[ast.stmt]) -> None:
        """Follow the names that statements of a module use."""
        names = bindings(module).names
        for used in [self.texts.uses(module, item, key[1]) for item in dict.fromkeys(statements)]:
            for use in used.names:
                self.follow(module, key, use, lookup(self.project, module, use.chain))
            for item, is_shared in used.imports:
                self.follow_inner_import(module, key, item, is_shared=is_shared)
            named = [chain for chain in sorted(used.named) if chain[0] in names]
            # Python writes the class before a private name: `__x` is `_Class__x`.
            private = {use.chain[0] for use in used.names if use.chain[0].startswith("__")}
            named += [(name,) for each in private for name in names if name.startswith("_") and name.endswith(each)]
            for chain in named:
                self.follow(module, key, Use(chain), Resolution(lookup(self.project, module, chain).bound))
            for word in used.words & reflection.REFLECTION_BY_WORD.keys():
                self.reflect(module, key, reflection.REFLECTION_BY_WORD[word], word)
            for name, text in reflection.modules_in_texts(self.project, used):
                self.take_whole(name, f"{text!r} in {self.part_name(key)}", key)

    def follow_inner_import(self, module: Module, key: Key, item: Import, *, is_shared: bool) -> None:
        """Follow an import inside other code; a module that it binds to a name others can reach counts whole."""
        for alias in aliases(module, item):
            self.follow_import(alias, key)
            if is_shared or alias.name in bindings(module).reassigned:
                self.follow(module, key, Use((alias.name,)), follow(self.project, alias))

    def follow(self, module: Module, key: Key, use: Use, resolution: Resolution) -> None:
        """Add all that a name resolves to."""
        where = self.part_name(key)
        for owner, name in resolution.bound:
            if (owner.name, name) == self.root:
                self.found = self.found._replace(calls_itself=True)
            self.add(owner.name, name, self.via[key])
        for owner, name in resolution.missing:
            self.take_whole(owner.name, f"{name} is not bound in it, and used in {where}", key)
        for owner in resolution.modules:
            self.take_all(owner.name, f"used as a value in {where}", key)
        for dotted in resolution.outside:
            top = dotted.split(".")[0]
            self.imports.update(() if is_standard(top) else (top,))
            self.reflect(module, key, reflection.reflection_of(dotted), dotted.removeprefix("builtins."), use)
            callee = lookup(self.project, module, use.argument_of).outside if use.argument_of else []
            if dotted == "builtins.__name__" and not all(map(is_standard, callee)):
                self.take_all(module.name, f"{'.'.join(use.argument_of)}(__name__, ...) in {where}", key)

    def follow_import(self, alias: Alias, key: Key) -> None:
        """Add the modules that an import executes, or the top-level name of one outside the project."""
        names = loads(self.project, alias)
        for name in names:
            self.add_module(name, self.via[key])
        outermost = self.project.module(names[0])
        is_installed = outermost is not None and outermost.is_namespace and self.project.locate(alias.loads) is None
        if (outermost is None or is_installed) and not is_standard(names[0]):
            self.imports.add(names[0])

    def reflect(self, module: Module, key: Key, level: Reflection, name: str, use: Use | None = None) -> None:
        """Make all code count that a use of reflection can read."""
        where = f"{name} in {self.part_name(key)}"
        if level == Reflection.OWN_MODULE:
            self.take_whole(module.name, where, key)
            if any("import" in text for text in reflection.texts_of(module)):
                self.take_all("", f"{where}, with an import in a text", key)
        elif level == Reflection.PATH:
            if not reflection.added_roots(self.project, module):
                self.take_all("", where, key)
        elif level == Reflection.PROJECT:
            call = use.call if use and name.rpartition(".")[2] in reflection.TAKE_NAME else None
            target = reflection.import_target(module, call) if call else None
            self.take_named(*(target or ("", True)), where, key)
        elif level:
            self.found = self.found._replace(level=max(self.found.level, level))
            what = "docstrings and annotations count" if level == Reflection.DOCS else "reached modules are taken whole"
            self.unresolved.setdefault((module.name, where), f"{module}: {what}, {where}")

    def take_named(self, name: str, is_prefix: bool, why: str, key: Key) -> None:
        """Take whole the module that a dynamic import names, or all modules below a package."""
        named = [name] if self.project.locate(name) else list(reflection.modules_named(self.project, name))
        if is_prefix and (named or not name):
            self.take_all(name, why, key)
        elif not named:
            self.follow_import(Alias(name, name, None, name), key)
        else:
            for module in named:
                self.take_all(module, why, key)

    def take_all(self, prefix: str, why: str, key: Key) -> None:
        """Take whole a module and all below it, or all of the project."""
        if prefix in self.taken:
            return
        self.taken.add(prefix)
        module = self.project.module(prefix) if prefix else None
        for name in self.project.modules() if module is None or module.is_package else [prefix]:
            if not prefix or name == prefix or name.startswith(f"{prefix}."):
                self.take_whole(name, why, key)

    def take_whole(self, name: str, why: str, key: Key) -> None:
        """Take a module whole, and note why."""
        try:
            module = self.project.module(name)
        except SourceError:  # it may never be imported, so it need not parse
            path = self.project.locate(name)
            self.unparsed[name] = Path(path).read_bytes().decode("utf-8", "backslashreplace") if path else ""
            return
        if module is not None and not module.is_namespace:
            self.unresolved.setdefault((name, why), f"{name}: taken whole, {why}")
            self.add(name, WHOLE, self.via[key])

    def has_body(self, key: Key) -> bool:
        """Tell whether a part is a function whose body does not count with its class or its module."""
        module = None if self.texts.bodies else self.project.module(key[0])
        return module is not None and any(isinstance(each.statement, Function) for each in binders(module, key[1]))

    def part_name(self, key: Key) -> str:
        """Return the name of a part as `Part` has it; one that imports bind is `module:import name`."""
        module, name = key
        source = self.project.module(module)
        found = binders(source, name) if source else []
        imported = found and all(isinstance(binder.statement, Import) for binder in found)
        return f"{module}:import {name}" if imported else f"{module}:{name}"


def loads(project: Project, alias: Alias) -> list[str]:
    """Return the modules that an import executes, packages first."""
    components = alias.loads.split(".")
    names = [".".join(components[: size + 1]) for size in range(len(components))]
    submodule = f"{alias.module}.{alias.attr}"
    return [*names, submodule] if alias.attr and alias.attr != "*" and project.locate(submodule) else names
