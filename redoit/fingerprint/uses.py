"""The free names that a piece of code uses; `symtable` says which names are local.

Does not resolve names, nor know what is bound elsewhere.
"""

import ast
import symtable
from collections.abc import Iterable
from dataclasses import dataclass, field

from redoit.fingerprint.names import Chain, Import, aliases, chain_of
from redoit.fingerprint.normalise import Definition
from redoit.source.project import Module, cached_per_module

FILE_READERS = frozenset({"read_text", "read_bytes", "open"})
READS_ITSELF = "open(__file__)"  # as a word: the code reads its own source


@dataclass(frozen=True)
class Use:
    """A free name with the attributes taken of it. `call`: the call that it is the function of.

    `is_stored`: its last attribute is assigned or deleted. `argument_of`: the function that it is an argument of.
    """

    chain: Chain
    is_stored: bool = False
    call: ast.Call | None = None
    argument_of: str = ""


@dataclass
class Uses:
    """The names that a piece of code uses. `names`: globals; `inner`: names that an import inside it may bind.

    `imports`: the imports inside it, each with the kind of its scope. `words`: all names, attributes and strings that
    are identifiers. `strings`: all other strings. `declared`: names that a function declares global.
    """

    names: list[Use] = field(default_factory=list)
    inner: list[Use] = field(default_factory=list)
    imports: list[tuple[Import, str]] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    strings: list[str] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)


@cached_per_module
def _scopes(module: Module) -> list["_Scope"]:
    try:
        # symtable takes bytes, too, and obeys their declared encoding; its stub knows only text.
        return [_Scope(symtable.symtable(module.source, module.path.as_posix(), "exec"))]  # type: ignore[arg-type]
    except (SyntaxError, ValueError):  # it parses but does not compile, so its import fails
        return []


class _Scope:
    """One scope of `symtable`: a function or class, or a comprehension that Python does not inline (PEP 709)."""

    def __init__(self, table: symtable.SymbolTable) -> None:
        self.table = table
        self.globals = frozenset(table.get_globals()) if isinstance(table, symtable.Function) else None
        self._children: dict[tuple[str, int], list[_Scope]] | None = None

    def is_global(self, name: str) -> bool:
        """Tell whether a name may be global in this scope; in a class each may, for Python looks it up at run time."""
        if self.globals is not None:
            return name in self.globals
        return name not in self.table.get_identifiers() or not self.table.lookup(name).is_free()

    def is_surely_global(self, name: str) -> bool:
        """Tell whether a name can't be local to this scope or to one around it."""
        return self.globals is not None and name in self.globals

    def children(self, name: str, line: int) -> list["_Scope"]:
        if self._children is None:
            self._children = {}
            for table in self.table.get_children():
                # From Python 3.12 on a generic function or class is in a scope of its type parameters.
                is_around = str(table.get_type()).startswith("type parameter")
                for inner in table.get_children() if is_around else [table]:
                    self._children.setdefault((inner.get_name(), inner.get_lineno()), []).append(_Scope(inner))
        return self._children.get((name, line), [])


def uses(module: Module, statements: Iterable[ast.stmt]) -> Uses:
    """Return what statements of a module use: free names, imports inside them, words and strings."""
    collector = _Collector(module)
    for statement in statements:
        collector.visit(statement)
    collector.uses.names += [use for use in collector.doubtful if use.chain[0] in collector.all_targets]
    bound = {alias.name for item, _ in collector.uses.imports for alias in aliases(module, item)}
    collector.uses.inner = [use for use in collector.uses.inner if use.chain[0] in bound]
    return collector.uses


class _Collector(ast.NodeVisitor):
    """Collects uses scope by scope. Scopes of one name on one line are merged: global in one is global in both.

    From Python 3.12 on, most comprehensions have no scope in `symtable`: they are inlined into the one around them
    (PEP 709). That scope then calls a name local which one of them only binds for itself. `targets`: the names that
    the inlined comprehensions around a use bind; `all_targets`: those that any binds. `doubtful`: uses inside of one,
    of names that the scope calls local.
    """

    def __init__(self, module: Module) -> None:
        self.uses = Uses()
        self.module_scopes = _scopes(module)
        self.scopes = self.module_scopes
        self.kind = "module"
        self.is_inlined = False
        self.targets: frozenset[str] = frozenset()
        self.all_targets: set[str] = set()
        self.doubtful: list[Use] = []
        self.classes: list[str] = []

    def visit_Name(self, item: ast.Name) -> None:
        self.add(Use((item.id,), not isinstance(item.ctx, ast.Load)))

    def visit_Attribute(self, item: ast.Attribute) -> None:
        chain = chain_of(item)
        if chain:
            self.add(Use(chain, not isinstance(item.ctx, ast.Load)))
        else:
            self.uses.words.add(item.attr)
            self.visit(item.value)
            if item.attr in FILE_READERS and _is_own_file(item.value):
                self.uses.words.add(READS_ITSELF)

    def visit_Call(self, item: ast.Call) -> None:
        function = chain_of(item.func)
        if function:
            self.add(Use(function, call=item))
        else:
            self.visit(item.func)
        for part in (*item.args, *(word.value for word in item.keywords)):
            chain = chain_of(part)
            if chain:
                self.add(Use(chain, argument_of=".".join(function)))
                if chain == ("__file__",) and function == ("open",):
                    self.uses.words.add(READS_ITSELF)
            else:
                self.visit(part)

    def visit_Constant(self, item: ast.Constant) -> None:
        if isinstance(item.value, str):
            if item.value.isidentifier():
                self.uses.words.add(item.value)
            else:
                self.uses.strings.append(item.value)

    def visit_Import(self, item: ast.Import) -> None:
        self.uses.imports.append((item, self.kind))

    def visit_ImportFrom(self, item: ast.ImportFrom) -> None:
        self.uses.imports.append((item, self.kind))

    def visit_Global(self, item: ast.Global) -> None:
        self.uses.declared.update(item.names)
        for name in item.names:
            self.uses.names.append(Use((name,)))

    def visit_FunctionDef(self, item: ast.FunctionDef) -> None:
        self.definition(item, "function")

    def visit_AsyncFunctionDef(self, item: ast.AsyncFunctionDef) -> None:
        self.definition(item, "function")

    def visit_ClassDef(self, item: ast.ClassDef) -> None:
        self.classes.append(item.name)
        self.definition(item, "class")
        self.classes.pop()

    def visit_Lambda(self, item: ast.Lambda) -> None:
        self.visit(item.args)
        self.enter("lambda", item.lineno, "function", [item.body])

    def visit_arg(self, item: ast.arg) -> None:
        if item.annotation is not None:
            self.visit(item.annotation)

    def definition(self, item: Definition, kind: str) -> None:
        for name, value in ast.iter_fields(item):
            if name not in ("body", "name"):
                for part in value if isinstance(value, list) else [value]:
                    if isinstance(part, ast.AST):
                        self.visit(part)
        self.enter(item.name, item.lineno, kind, item.body)

    def visit_ListComp(self, item: ast.ListComp) -> None:
        self.comprehension(item, "listcomp")

    def visit_SetComp(self, item: ast.SetComp) -> None:
        self.comprehension(item, "setcomp")

    def visit_DictComp(self, item: ast.DictComp) -> None:
        self.comprehension(item, "dictcomp")

    def visit_GeneratorExp(self, item: ast.GeneratorExp) -> None:
        self.comprehension(item, "genexpr")

    def comprehension(self, item: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, name: str) -> None:
        first = item.generators[0]
        self.visit(first.iter)
        rest: list[ast.AST] = [first.target, *first.ifs, *item.generators[1:]]
        rest += [item.key, item.value] if isinstance(item, ast.DictComp) else [item.elt]
        if any(scope.children(name, item.lineno) for scope in self.scopes):
            self.enter(name, item.lineno, self.kind, rest)
            return
        outer = self.targets, self.is_inlined
        for part in (part for each in item.generators for part in ast.walk(each.target)):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self.targets |= {part.id}
        self.all_targets |= self.targets
        self.is_inlined = True
        for part in rest:
            self.visit(part)
        self.targets, self.is_inlined = outer

    def enter(self, name: str, line: int, kind: str, body: Iterable[ast.AST]) -> None:
        outer = self.scopes, self.kind, self.is_inlined
        self.scopes = [child for scope in self.scopes for child in scope.children(name, line)]
        self.kind, self.is_inlined = kind, False
        for part in body:
            self.visit(part)
        self.scopes, self.kind, self.is_inlined = outer

    def add(self, use: Use) -> None:
        root, *rest = use.chain
        self.uses.words.update(use.chain)
        is_target = root in self.targets
        if not is_target and (self.scopes == [] or any(scope.is_global(root) for scope in self.scopes)):
            self.uses.names.append(use)
        elif self.is_inlined and not is_target:
            self.doubtful.append(use)
        if is_target or self.scopes == [] or not all(scope.is_surely_global(root) for scope in self.scopes):
            self.uses.inner.append(use)
        if root.startswith("__") and not root.endswith("__") and self.classes:  # Python mangles private names
            self.uses.names += [Use((f"_{name.lstrip('_')}{root}", *rest)) for name in self.classes]


def _is_own_file(item: ast.expr) -> bool:
    """Tell whether a path expression names the code's own file, not a file beside it."""
    names = {part.id for part in ast.walk(item) if isinstance(part, ast.Name)}
    attributes = {part.attr for part in ast.walk(item) if isinstance(part, ast.Attribute)}
    return "__file__" in names and not attributes & {"parent", "parents", "with_name", "with_suffix", "dirname"}
