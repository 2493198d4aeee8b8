"""The walk through the code that a step can reach: from name to name, from import to import.

Where reading can't resolve a name, the whole module counts, and a line says why. Knows which parts are reached and by
which path of names, not their texts.
"""

import ast
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from redoit.errors import SourceError
from redoit.fingerprint import pure_calls, reflection
from redoit.fingerprint.names import Alias, Import, aliases, bindings
from redoit.fingerprint.order import executed_imports, loads
from redoit.fingerprint.parts import STATEMENTS, WHOLE, Texts
from redoit.fingerprint.purity import effects
from redoit.fingerprint.reflection import Reflection
from redoit.fingerprint.resolve import Resolution, follow, lookup
from redoit.fingerprint.uses import Use, Uses
from redoit.source.project import Module, Project

Key = tuple[str, str]  # a module's name, and a name in it, STATEMENTS or WHOLE


class Reach:
    """One walk through the code.

    `assumed`: the level of reflection that the walk allows for. `reflection`: the level that the reached code uses; if
    it is higher, the result is incomplete, and the walk must be repeated with it.
    """

    def __init__(self, project: Project, step: str, function: str, assumed: Reflection) -> None:
        self.project = project
        self.root = (step, function)
        self.assumed = self.reflection = assumed
        self.texts = Texts(project, docs=assumed >= Reflection.DOCS, raw=assumed >= Reflection.SOURCE)
        self.queue: deque[Key] = deque()
        self.via: dict[Key, tuple[str, ...]] = {}
        self.unparsed: dict[str, str] = {}  # source of modules taken whole that can't be parsed
        self.patched: set[str] = set()
        self.imports: set[str] = set()
        self.unresolved: dict[tuple[str, str], str] = {}

    # Walking.

    def walk(self, extra_roots: Iterable[Key] = ()) -> None:
        """Follow all names from the step's function and from extra roots, until nothing new is reached."""
        self.add(*self.root, ())
        for module, name in extra_roots:
            self.add(module, name, (self.part_name(self.root),))
        while self.queue:
            while self.queue:
                self.visit(self.queue.popleft())
            for name in sorted(self.reached()):
                loaded = {name for alias in self.imports_of(name) for name in loads(self.project, alias)}
                if patched := self.patched & loaded:
                    self.take_whole(name, f"it imports {min(patched)}, which is monkeypatched", (name, STATEMENTS))

    def add(self, module: str, name: str, via: tuple[str, ...]) -> None:
        """Add a reached part, and the statements that an import of its module executes."""
        key = module, name
        if key in self.via:
            return
        self.via[key] = (*via, self.part_name(key))
        self.queue.append(key)
        self.add_module(module, self.via[key])

    def add_module(self, name: str, via: tuple[str, ...]) -> None:
        """Add an imported module and the packages around it."""
        owner = name.rpartition(".")[0]
        if owner:
            self.add_module(owner, via)
        if (name, STATEMENTS) not in self.via and self.project.module(name) is not None:
            self.add(name, STATEMENTS, via)
            if self.assumed >= Reflection.MODULES:
                self.add(name, WHOLE, via)

    def visit(self, key: Key) -> None:
        """Follow the names that one part uses."""
        name, what = key
        module = self.project.module(name)
        if module is None:
            return
        names = bindings(module)
        if what == WHOLE:
            self.follow_uses(module, key, module.tree.body)
            for bound in names.names:
                resolution = lookup(self.project, module, (bound,))
                for owner in resolution.modules:
                    self.take_whole(owner.name, f"imported in {module}, which counts whole", key)
                self.follow(module, key, Use((bound,)), replace(resolution, modules=[], outside=[]))
            for alias in self.imports_of(name):
                if alias.attr is None:
                    self.take_whole(alias.loads, f"imported in {module}, which counts whole", key)
        elif what == STATEMENTS:
            self.follow_uses(module, key, effects(self.project, module))
            self.follow_module(module, key)
        else:
            statements = [binder.statement for binder in names.names[what] if not isinstance(binder.statement, Import)]
            self.follow_uses(module, key, statements)

    def follow_module(self, module: Module, key: Key) -> None:
        """Follow the modules that an import of a module loads; take it whole where its names can't be read."""
        names = bindings(module)
        for alias in executed_imports(self.project, module):
            self.follow_import(alias, key)
            if alias.attr not in (None, "*"):  # an import of a missing name fails, even if the name is not used
                missing = follow(self.project, alias).missing
                self.follow(module, key, Use((alias.name,)), Resolution(missing=missing))
        if "__getattr__" in names.names:
            self.take_whole(module.name, "it has a __getattr__", key)
        for star in names.stars:
            origin = self.project.module(star.module)
            if origin is not None:
                why = f"from {origin} import * in {module}"
                self.take_whole(origin.name, why, key)
                for text in _strings(origin):  # __all__ may name submodules, which are imported then
                    if text.isidentifier() and self.project.locate(f"{origin}.{text}"):
                        self.take_whole(f"{origin}.{text}", why, key)
            if origin is None or len(names.stars) > 1 or bindings(origin).names.keys() & names.names.keys():
                self.take_whole(module.name, f"{star.text} may bind its names", key)

    def follow_uses(self, module: Module, key: Key, statements: Iterable[ast.stmt]) -> None:
        """Follow the names that statements of a module use."""
        for used in [self.texts.uses(module, item) for item in dict.fromkeys(statements)]:
            for use in used.names:
                self.follow(module, key, use, lookup(self.project, module, use.chain))
                if use.is_stored and len(use.chain) > 1:
                    self.patch(lookup(self.project, module, use.chain[:-1]), key)
            self.follow_imports(module, key, used)
            for word in used.words & reflection.REFLECTION_BY_WORD.keys():
                self.reflect(module, key, reflection.REFLECTION_BY_WORD[word], word, None)
            for name, text in reflection.modules_in_strings(self.project, used):
                self.take_whole(name, f"{text!r} in {self.part_name(key)}", key)

    def follow_imports(self, module: Module, key: Key, used: Uses) -> None:
        """Follow the imports inside a piece of code; a module that one binds to a non-local name counts whole."""
        inner: dict[str, list[Alias]] = {}
        for item, kind in used.imports:
            for alias in aliases(module, item):
                self.follow_import(alias, key)
                if kind == "module":
                    continue
                inner.setdefault(alias.name, []).append(alias)
                resolution = follow(self.project, alias)
                if kind == "function" and alias.name not in used.declared:
                    resolution.modules = []
                self.follow(module, key, Use((alias.name,)), resolution)
        for use in used.inner:
            for alias in inner.get(use.chain[0], []):
                self.follow(module, key, use, follow(self.project, alias, use.chain[1:]))
                if use.is_stored and len(use.chain) > 1:
                    self.patch(follow(self.project, alias, use.chain[1:-1]), key)

    def follow(self, module: Module, key: Key, use: Use, resolution: Resolution) -> None:
        """Add all that a name resolves to."""
        via = self.via[key]
        for owner, name in resolution.bound:
            self.add(owner.name, name, via)
        for owner, name in resolution.missing:
            self.take_whole(owner.name, f"{name} is not bound in it, and used in {self.part_name(key)}", key)
        for owner in resolution.modules:
            how = f"{use.argument_of}({'.'.join(use.chain)}, ...)" if use.argument_of else "used as a value"
            self.take_whole(owner.name, f"{how} in {self.part_name(key)}", key)
            if owner.is_package:
                self.take_all(owner.name, f"{how} in {self.part_name(key)}", key)
            if use.argument_of in ("setattr", "delattr"):
                self.patched.add(owner.name)
        if use.argument_of.endswith(".register"):  # a singledispatch function reads the annotations
            self.reflect(module, key, Reflection.DOCS, f"{use.argument_of}({'.'.join(use.chain)})", None)
        for dotted in resolution.outside:
            top = dotted.split(".")[0]
            if not pure_calls.is_standard(top):
                self.imports.add(top)
            self.reflect(module, key, reflection.reflection_of(dotted), dotted.removeprefix("builtins."), use)

    def patch(self, resolution: Resolution, key: Key) -> None:
        """Take modules whole whose attributes other code assigns or deletes."""
        for owner in resolution.modules:
            self.patched.add(owner.name)
            self.take_whole(owner.name, f"monkeypatched in {self.part_name(key)}", key)

    def follow_import(self, alias: Alias, key: Key) -> None:
        """Add the modules that an import executes, or the top-level name of one outside the project."""
        names = loads(self.project, alias)
        for name in names:
            if self.project.module(name) is not None:
                self.add_module(name, self.via[key])
        outermost = self.project.module(names[0])
        is_installed = outermost is not None and outermost.is_namespace and self.project.locate(alias.loads) is None
        if (outermost is None or is_installed) and not pure_calls.is_standard(names[0]):
            self.imports.add(names[0])

    # Reflection.

    def reflect(self, module: Module, key: Key, level: Reflection, name: str, use: Use | None) -> None:
        """Make all code count that a use of reflection can read."""
        where = f"{name} in {self.part_name(key)}"
        if level == Reflection.OWN_MODULE:
            self.take_whole(module.name, where, key)
            if b"import" in module.source and any("import" in text for text in _strings(module)):
                self.take_all("", f"{where}, with an import in a text", key)
        elif level == Reflection.PROJECT:
            target = reflection.import_target(module, use.call) if use and use.call else None
            if target is None:
                self.take_all("", where, key)
            else:
                self.take_named(*target, where, key)
        elif level:
            self.reflection = max(self.reflection, level)
            what = "docstrings and annotations count" if level == Reflection.DOCS else "reached modules are taken whole"
            self.unresolved.setdefault((module.name, where), f"{module}: {what}, {where}")

    def take_named(self, name: str, is_prefix: bool, why: str, key: Key) -> None:
        """Take whole the module that a dynamic import names, or all modules below a package."""
        if is_prefix:
            self.take_all(name, why, key)
            return
        modules = [name] if self.project.locate(name) else list(reflection.modules_named(self.project, name))
        for module in modules:
            self.take_whole(module, why, key)
        if not modules:
            self.follow_import(Alias(name, name, None, name), key)

    def take_all(self, prefix: str, why: str, key: Key) -> None:
        """Take whole all modules below a package, or all of the project."""
        if prefix and not self.project.locate(prefix):
            self.follow_import(Alias(prefix, prefix, None, prefix), key)
            return
        for name in self.project.modules():
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

    # Results.

    def part_name(self, key: Key) -> str:
        """Return the name of a part as `Part` has it; one that imports bind is `module:import name`."""
        module, name = key
        source = self.project.module(module)
        binders = bindings(source).names.get(name, []) if source else []
        imported = binders and all(binder.alias and isinstance(binder.statement, Import) for binder in binders)
        return f"{module}:import {name}" if imported else f"{module}:{name}"

    def reached(self) -> list[str]:
        """Return the modules that are imported and not taken whole."""
        return [module for module, name in self.via if name == STATEMENTS and (module, WHOLE) not in self.via]

    def imports_of(self, name: str) -> list[Alias]:
        """Return the imports that a module executes when it is imported."""
        module = self.project.module(name)
        return executed_imports(self.project, module) if module else []


def _strings(module: Module) -> Iterable[str]:
    return (
        item.value for item in ast.walk(module.tree) if isinstance(item, ast.Constant) and isinstance(item.value, str)
    )
