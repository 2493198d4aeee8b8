"""Which names from outside a piece of code uses: `symtable` tells what is local in it.

Where a name leads to is not known here, nor what is bound elsewhere.
"""

import ast
import symtable
from collections.abc import Iterable
from dataclasses import dataclass, field

from redoit.fingerprint.names import Chain, Import, aliases, chain_of
from redoit.fingerprint.normalise import Definition
from redoit.source.project import Module, remembered

READERS = frozenset({"read_text", "read_bytes", "open"})
READS_ITSELF = "open(__file__)"  # as a word: the code reads its own source


@dataclass(frozen=True)
class Use:
    """A name that is not bound where it is used, with the attributes asked of it. `call`: the call it is called in.

    `stored`: its last attribute is assigned or deleted. `given_to`: the function that it is an argument of.
    """

    chain: Chain
    stored: bool = False
    call: ast.Call | None = None
    given_to: str = ""


@dataclass
class Uses:
    """What a piece of code uses. `names`: globals; `inner`: names that an import inside the code may have bound.

    `imports`: those inside the code, with the kind of scope they are in. `words`: all names, attributes and
    identifiers in strings. `strings`: the other ones. `declared`: names that a function declares as global.
    """

    names: list[Use] = field(default_factory=list)
    inner: list[Use] = field(default_factory=list)
    imports: list[tuple[Import, str]] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    strings: list[str] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)


@remembered
def _scopes(module: Module) -> list["_Scope"]:
    try:
        return [_Scope(symtable.symtable(module.source, module.path.as_posix(), "exec"))]  # type: ignore[arg-type]
    except (SyntaxError, ValueError):  # parsed, but not to be compiled: to import it fails whatever is in it
        return []


class _Scope:
    """One function, class or comprehension as symtable sees it."""

    def __init__(self, table: symtable.SymbolTable) -> None:
        self.table = table
        self.globals = frozenset(table.get_globals()) if isinstance(table, symtable.Function) else None
        self._children: dict[tuple[str, int], list[_Scope]] | None = None

    def is_global(self, name: str) -> bool:
        """Tell whether a name may be a global here. In a class each may, for its own names are looked up late."""
        if self.globals is not None:
            return name in self.globals
        return name not in self.table.get_identifiers() or not self.table.lookup(name).is_free()

    def children(self, name: str, line: int) -> list["_Scope"]:
        if self._children is None:
            self._children = {}
            for table in self.table.get_children():
                self._children.setdefault((table.get_name(), table.get_lineno()), []).append(_Scope(table))
        return self._children.get((name, line), [])


def uses(module: Module, statements: Iterable[ast.stmt]) -> Uses:
    """Return what statements of a module use: names bound elsewhere, imports inside them, words and strings."""
    walk = _Walk(module)
    for statement in statements:
        walk.visit(statement)
    bound = {alias.name for item, _ in walk.found.imports for alias in aliases(module, item)}
    walk.found.inner = [use for use in walk.found.inner if use.chain[0] in bound]
    return walk.found


class _Walk(ast.NodeVisitor):
    """Collects uses, scope by scope. Two scopes on one line are one: what is global in one is so in both."""

    def __init__(self, module: Module) -> None:
        self.found = Uses()
        self.module_scopes = _scopes(module)
        self.scopes = self.module_scopes
        self.kind = "module"
        self.classes: list[str] = []

    def visit_Name(self, item: ast.Name) -> None:
        self.use(Use((item.id,), not isinstance(item.ctx, ast.Load)))

    def visit_Attribute(self, item: ast.Attribute) -> None:
        chain = chain_of(item)
        if chain:
            self.use(Use(chain, not isinstance(item.ctx, ast.Load)))
        else:
            self.found.words.add(item.attr)
            self.visit(item.value)
            if item.attr in READERS and _is_own_file(item.value):
                self.found.words.add(READS_ITSELF)

    def visit_Call(self, item: ast.Call) -> None:
        function = chain_of(item.func)
        if function:
            self.use(Use(function, call=item))
        else:
            self.visit(item.func)
        for part in (*item.args, *(word.value for word in item.keywords)):
            chain = chain_of(part)
            if chain:
                self.use(Use(chain, given_to=".".join(function)))
                if chain == ("__file__",) and function == ("open",):
                    self.found.words.add(READS_ITSELF)
            else:
                self.visit(part)

    def visit_Constant(self, item: ast.Constant) -> None:
        if isinstance(item.value, str):
            if item.value.isidentifier():
                self.found.words.add(item.value)
            else:
                self.found.strings.append(item.value)

    def visit_Import(self, item: ast.Import) -> None:
        self.found.imports.append((item, self.kind))

    def visit_ImportFrom(self, item: ast.ImportFrom) -> None:
        self.found.imports.append((item, self.kind))

    def visit_Global(self, item: ast.Global) -> None:
        self.found.declared.update(item.names)
        for name in item.names:
            self.found.names.append(Use((name,)))

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
        self.enter(name, item.lineno, self.kind, rest)

    def enter(self, name: str, line: int, kind: str, body: Iterable[ast.AST]) -> None:
        outer = self.scopes, self.kind
        self.scopes = [child for scope in self.scopes for child in scope.children(name, line)]
        self.kind = kind
        for part in body:
            self.visit(part)
        self.scopes, self.kind = outer

    def use(self, use: Use) -> None:
        root, *rest = use.chain
        self.found.words.update(use.chain)
        if self.scopes == [] or any(scope.is_global(root) for scope in self.scopes):
            self.found.names.append(use)
        else:
            self.found.inner.append(use)
        if root.startswith("__") and not root.endswith("__") and self.classes:  # private names get the class's name
            self.found.names += [Use((f"_{name.lstrip('_')}{root}", *rest)) for name in self.classes]


def _is_own_file(item: ast.expr) -> bool:
    """Tell whether a path is that of the code itself, and not of something beside it."""
    named = {part.id for part in ast.walk(item) if isinstance(part, ast.Name)}
    asked = {part.attr for part in ast.walk(item) if isinstance(part, ast.Attribute)}
    return "__file__" in named and not asked & {"parent", "parents", "with_name", "with_suffix", "dirname"}
