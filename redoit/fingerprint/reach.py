"""The walk through the code that a step can reach: from name to name, from import to import.

What reading can't resolve makes a whole module count, with a line that says why. Knows which parts are reached and
over which others, not their texts.
"""

import ast
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from redoit.errors import SourceError
from redoit.fingerprint import pure_calls, reflection
from redoit.fingerprint.names import Alias, Import, aliases, bindings
from redoit.fingerprint.order import executed_imports, loads
from redoit.fingerprint.parts import STATEMENTS, WHOLE, Texts
from redoit.fingerprint.purity import effects
from redoit.fingerprint.reflection import Sight
from redoit.fingerprint.resolve import Found, follow, lookup
from redoit.fingerprint.uses import Use, Uses
from redoit.source.project import Module, Project

Key = tuple[str, str]  # a module's name, and what of it


class Reach:
    """One walk through the code.

    `given`: how far the reflection in the code is taken to see. `sight`: how far it does; if that is further, the walk
    is to be done again.
    """

    def __init__(self, project: Project, step: str, function: str, sight: Sight) -> None:
        self.project = project
        self.root = (step, function)
        self.given = self.sight = sight
        self.texts = Texts(project, docs=sight >= Sight.DOCS, raw=sight >= Sight.RAW)
        self.queue: deque[Key] = deque()
        self.via: dict[Key, tuple[str, ...]] = {}
        self.unread: dict[str, str] = {}  # modules taken whole that can't be parsed, and need not be
        self.patched: set[str] = set()
        self.imports: set[str] = set()
        self.lines: dict[tuple[str, str], str] = {}

    # Walking.

    def walk(self, besides: Iterable[Key] = ()) -> None:
        """Follow everything from the start, and from what is given to it, until nothing new is found."""
        self.add(*self.root, ())
        for module, name in besides:
            self.add(module, name, (self.title(self.root),))
        while self.queue:
            while self.queue:
                self.visit(self.queue.popleft())
            for name in sorted(self.reached()):
                found = self.patched & {name for alias in self.imports_of(name) for name in loads(self.project, alias)}
                if found:
                    self.take_whole(name, f"it imports {min(found)}, which is monkeypatched", (name, STATEMENTS))

    def add(self, module: str, name: str, via: tuple[str, ...]) -> None:
        """Note that something can be reached; a module with all that it executes if anything of it can be."""
        key = module, name
        if key in self.via:
            return
        self.via[key] = (*via, self.title(key))
        self.queue.append(key)
        self.add_module(module, self.via[key])

    def add_module(self, name: str, via: tuple[str, ...]) -> None:
        """Note that a module is imported, and so the packages around it."""
        owner = name.rpartition(".")[0]
        if owner:
            self.add_module(owner, via)
        if (name, STATEMENTS) not in self.via and self.project.module(name) is not None:
            self.add(name, STATEMENTS, via)
            if self.given >= Sight.WHOLE:
                self.add(name, WHOLE, via)

    def visit(self, key: Key) -> None:
        """Follow what one part uses."""
        name, what = key
        module = self.project.module(name)
        if module is None:
            return
        names = bindings(module)
        if what == WHOLE:
            self.follow_uses(module, key, module.tree.body)
            for bound in names.names:
                found = lookup(self.project, module, (bound,))
                for owner in found.modules:
                    self.take_whole(owner.name, f"imported in {module}, which counts whole", key)
                self.found(module, key, Use((bound,)), replace(found, modules=[], outside=[]))
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
        """Follow what an import of a module loads, and what makes all of the module count."""
        names = bindings(module)
        for alias in executed_imports(self.project, module):
            self.load(alias, key)
            if alias.attr not in (None, "*"):  # an import of what is not there fails, used or not
                self.found(module, key, Use((alias.name,)), Found(missing=follow(self.project, alias).missing))
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
        """Follow what statements of a module use."""
        for used in [self.texts.uses(module, item) for item in dict.fromkeys(statements)]:
            for use in used.names:
                self.found(module, key, use, lookup(self.project, module, use.chain))
                if use.stored and len(use.chain) > 1:
                    self.patch(lookup(self.project, module, use.chain[:-1]), key)
            self.follow_imports(module, key, used)
            for word in used.words & reflection.WORDS.keys():
                self.see(module, key, reflection.WORDS[word], word, None)
            for name, text in reflection.named_by(self.project, used):
                self.take_whole(name, f"{text!r} in {self.title(key)}", key)

    def follow_imports(self, module: Module, key: Key, used: Uses) -> None:
        """Follow the imports inside a piece of code. A module that one binds for others to use counts whole."""
        inner: dict[str, list[Alias]] = {}
        for item, kind in used.imports:
            for alias in aliases(module, item):
                self.load(alias, key)
                if kind == "module":
                    continue
                inner.setdefault(alias.name, []).append(alias)
                found = follow(self.project, alias)
                if kind == "function" and alias.name not in used.declared:
                    found.modules = []
                self.found(module, key, Use((alias.name,)), found)
        for use in used.inner:
            for alias in inner.get(use.chain[0], []):
                self.found(module, key, use, follow(self.project, alias, use.chain[1:]))
                if use.stored and len(use.chain) > 1:
                    self.patch(follow(self.project, alias, use.chain[1:-1]), key)

    def found(self, module: Module, key: Key, use: Use, found: Found) -> None:
        """Take what a name leads to."""
        via = self.via[key]
        for owner, name in found.bound:
            self.add(owner.name, name, via)
        for owner, name in found.missing:
            self.take_whole(owner.name, f"{name} is not bound in it, and used in {self.title(key)}", key)
        for owner in found.modules:
            how = f"{use.given_to}({'.'.join(use.chain)}, ...)" if use.given_to else "used as a value"
            self.take_whole(owner.name, f"{how} in {self.title(key)}", key)
            if owner.is_package:
                self.take_all(owner.name, f"{how} in {self.title(key)}", key)
            if use.given_to in ("setattr", "delattr"):
                self.patched.add(owner.name)
        if use.given_to.endswith(".register"):  # of a singledispatch function: it reads the annotations
            self.see(module, key, Sight.DOCS, f"{use.given_to}({'.'.join(use.chain)})", None)
        for dotted in found.outside:
            top = dotted.split(".")[0]
            if not pure_calls.is_standard(top):
                self.imports.add(top)
            self.see(module, key, reflection.sight_of(dotted), dotted.removeprefix("builtins."), use)

    def patch(self, found: Found, key: Key) -> None:
        """Take modules whole whose attributes are assigned from outside."""
        for owner in found.modules:
            self.patched.add(owner.name)
            self.take_whole(owner.name, f"monkeypatched in {self.title(key)}", key)

    def load(self, alias: Alias, key: Key) -> None:
        """Follow an import to the modules that it executes."""
        names = loads(self.project, alias)
        for name in names:
            if self.project.module(name) is not None:
                self.add_module(name, self.via[key])
        outermost = self.project.module(names[0])
        is_other = outermost is not None and outermost.is_namespace and self.project.locate(alias.loads) is None
        if (outermost is None or is_other) and not pure_calls.is_standard(names[0]):
            self.imports.add(names[0])

    # Reflection.

    def see(self, module: Module, key: Key, sight: Sight, name: str, use: Use | None) -> None:
        """Let code that looks at code see what it can."""
        where = f"{name} in {self.title(key)}"
        if sight == Sight.OWN:
            self.take_whole(module.name, where, key)
            if b"import" in module.source and any("import" in text for text in _strings(module)):
                self.take_all("", f"{where}, with an import in a text", key)
        elif sight == Sight.ALL:
            target = reflection.names_imported(module, use.call) if use and use.call else None
            if target is None:
                self.take_all("", where, key)
            else:
                self.take_named(*target, where, key)
        elif sight:
            self.sight = max(self.sight, sight)
            what = "docstrings and annotations count" if sight == Sight.DOCS else "reached modules are taken whole"
            self.lines.setdefault((module.name, where), f"{module}: {what}, {where}")

    def take_named(self, name: str, is_prefix: bool, why: str, key: Key) -> None:
        """Take whole the module that a dynamic import names, or all below a prefix."""
        if is_prefix:
            self.take_all(name, why, key)
            return
        named = [name] if self.project.locate(name) else list(reflection.named_in(self.project, name))
        for one in named:
            self.take_whole(one, why, key)
        if not named:
            self.load(Alias(name, name, None, name), key)

    def take_all(self, prefix: str, why: str, key: Key) -> None:
        """Take all modules below a package whole, or all of the project."""
        if prefix and not self.project.locate(prefix):
            self.load(Alias(prefix, prefix, None, prefix), key)
            return
        for name in self.project.modules():
            if not prefix or name == prefix or name.startswith(f"{prefix}."):
                self.take_whole(name, why, key)

    def take_whole(self, name: str, why: str, key: Key) -> None:
        """Take a module whole, with a line that says why."""
        try:
            module = self.project.module(name)
        except SourceError:  # nobody says that this one is imported
            path = self.project.locate(name)
            self.unread[name] = path.read_bytes().decode("utf-8", "backslashreplace") if path else ""
            return
        if module is not None and not module.is_namespace:
            self.lines.setdefault((name, why), f"{name}: taken whole, {why}")
            self.add(name, WHOLE, self.via[key])

    # What was reached.

    def title(self, key: Key) -> str:
        """Return the name of a part: an import is named as one."""
        module, name = key
        found = self.project.module(module)
        binders = bindings(found).names.get(name, []) if found else []
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
