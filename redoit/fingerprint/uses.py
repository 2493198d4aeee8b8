"""The free names that a piece of code uses, its imports, and the words in its texts.

Does not resolve names, nor know what is bound elsewhere.
"""

import ast
import re
from dataclasses import dataclass, field

from redoit.source.names import Chain, Function, Import, chain_of, child_nodes, inner_nodes, stored_names

READS_ITSELF = "open(__file__)"  # as a word: the code may read its own source
EVALUATES = "query(text)"  # as a word: the code evaluates a text that stands elsewhere
EVALUATORS = frozenset({"eval", "query"})  # methods that look up names in a text, such as those of a pandas DataFrame
BESIDE = frozenset({"parent", "parents", "with_name", "with_suffix", "dirname"})  # lead from a file to others
CHAIN = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")

TEXT = ast.Constant | ast.JoinedStr | None
Names = frozenset[str]


@dataclass(frozen=True)
class Use:
    """A free name with the attributes taken of it. `call`: the call that it is the function of.

    `argument_of`: the function that it is an argument of, empty if it is none.
    """

    chain: Chain
    call: ast.Call | None = None
    argument_of: Chain = ()


@dataclass
class Uses:
    """What a piece of code uses. `names`: those that are not local, or that an import in it binds.

    `imports`: the imports in it, with whether others can reach what one binds. `texts`: its strings; `named`: the
    dotted names in them. `words`: all names and attributes, also those in texts.
    """

    names: list[Use] = field(default_factory=list)
    imports: list[tuple[Import, bool]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    named: set[Chain] = field(default_factory=set)
    words: set[str] = field(default_factory=set)


def uses(statements: list[ast.stmt]) -> Uses:
    """Return what statements use."""
    collector = _Collector()
    collector.walk(statements)
    found = collector.uses
    found.words.update(word for chain in found.named for word in chain)
    if "__file__" in found.words and not found.words & BESIDE:
        found.words.add(READS_ITSELF)
    return found


class _Collector:
    """Walks through code scope by scope. `hidden`: the names that are local where it is, so not of the module.

    A class hides nothing: its body looks a name up in the module as well.
    """

    def __init__(self) -> None:
        self.uses = Uses()
        self.scopes: list[tuple[list[ast.AST], Names, bool]] = []

    def walk(self, statements: list[ast.stmt]) -> None:
        self.scopes.append(([*statements], frozenset(), False))
        while self.scopes:
            self.todo, self.hidden, self.is_in_function = self.scopes.pop()
            while self.todo:
                self.visit(self.todo.pop())

    def visit(self, item: ast.AST) -> None:
        match item:
            case ast.Name() | ast.Attribute():
                self.take(item)
            case ast.Call():
                self.call(item)
            case ast.Constant(value=str(text)):
                self.uses.texts.append(text)
                self.uses.named.update(tuple(name.split(".")) for name in CHAIN.findall(text))
            case ast.Import() | ast.ImportFrom():
                self.uses.imports.append((item, not self.is_in_function))
            case ast.Global(names=names):
                for name in names:
                    self.add(Use((name,)))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self.function(item)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self.comprehension(item)
            case _:
                self.todo += ast.iter_child_nodes(item)

    def call(self, item: ast.Call) -> None:
        self.take(item.func, call=item)
        if getattr(item.func, "attr", "") in EVALUATORS and not isinstance((*item.args, None)[0], TEXT):
            self.uses.words.add(EVALUATES)
        for part in (*item.args, *(word.value for word in item.keywords)):
            self.take(part, argument_of=chain_of(item.func))

    def take(self, item: ast.AST, call: ast.Call | None = None, argument_of: Chain = ()) -> None:
        """Add the use of a dotted name, or visit the parts of any other expression."""
        chain = chain_of(item)
        if chain:
            self.add(Use(chain, call, argument_of))
        elif isinstance(item, ast.Attribute):
            self.uses.words.add(item.attr)
            self.todo.append(item.value)
        else:
            self.todo.append(item)

    def add(self, use: Use) -> None:
        self.uses.words.update(use.chain)
        if use.chain[0] not in self.hidden:
            self.uses.names.append(use)

    def function(self, item: Function | ast.Lambda) -> None:
        body = item.body if isinstance(item.body, list) else [item.body]
        self.todo += child_nodes(item, skipped=("body",))
        local = {part.arg for part in ast.walk(item.args) if isinstance(part, ast.arg)}
        declared: set[str] = set()
        for part in (part for each in body for part in inner_nodes(each)):
            local.update(stored_names(part))
            if isinstance(part, Import):
                declared.update(alias.asname or alias.name.split(".")[0] for alias in part.names)
            elif isinstance(part, ast.Global):
                declared.update(part.names)
        self.scopes.append((list(body), (self.hidden | local) - declared, True))

    def comprehension(self, item: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        first = item.generators[0]
        self.todo.append(first.iter)
        rest = [first.target, *first.ifs, *item.generators[1:]]
        rest += [item.key, item.value] if isinstance(item, ast.DictComp) else [item.elt]
        targets = (part for each in item.generators for part in ast.walk(each.target))
        local = {part.id for part in targets if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        self.scopes.append((rest, self.hidden | local, self.is_in_function))
