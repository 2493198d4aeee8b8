"""The mutator: edits of one unit of a package, chosen by a source of random choices."""

import ast
import fnmatch
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from corpus.units import SCOPES, Truth, Unit, is_literal, is_text

OPERATORS = {
    "==": "!=", "!=": "==", "<": ">", ">": "<", "<=": "<", ">=": ">", "is not": "is", "is": "is not", "not in": "in",
    "in": "not in", "+": "-", "-": "+", "*": "+", "//": "*", "/": "*", "%": "*", "and": "or", "or": "and", "|": "&",
    "&": "|",
}  # fmt: skip
OPERATOR = re.compile(r"(?<![\w])(is\s+not|not\s+in|is|in|and|or|==|!=|<=|>=|//|[-<>+*/%|&])(?![\w=])")
TRIES = 20


@dataclass(frozen=True)
class Mutation:
    """An edit of one file. `names`: what was edited, by the name that code would use; of a comment, nothing."""

    kind: str
    unit: Unit
    names: str
    content: bytes
    what: str

    def __str__(self) -> str:
        """Return what a person is told."""
        return f"{self.kind}: {self.unit.file}:{self.unit.name}: {self.what}"


class Mutator:
    """Edits of the units of a package. `contents`: file -> its bytes; `plugins`: patterns of files."""

    def __init__(self, units: dict[str, list[Unit]], contents: dict[str, bytes], plugins: tuple[str, ...]) -> None:
        self._units, self._contents = units, contents
        self._plugins = {file for file in units if any(fnmatch.fnmatch(file, pattern) for pattern in plugins)}
        self.kinds: dict[str, Callable[[random.Random, Truth], Mutation | None]] = {
            "executed": self._executed,
            "not executed": self._not_executed,
            "constant": self._constant,
            "attribute": self._attribute,
            "default": self._default,
            "comment": self._comment,
            "docstring": self._docstring,
            **({"plug-in": self._plugin} if self._plugins else {}),
        }

    def mutation(self, kind: str, rng: random.Random, truth: Truth) -> Mutation | None:
        """Return a mutation of a kind, as seen by a step; None if none was found."""
        return next((found for _ in range(TRIES) if (found := self.kinds[kind](rng, truth))), None)

    def _file(self, rng: random.Random, truth: Truth) -> str:
        """Return a file, in three of four cases one that the step imports."""
        imported = sorted(truth.files & self._units.keys())
        others = sorted(self._units.keys() - truth.files)
        return rng.choice(imported if imported and (not others or rng.random() < 0.75) else others)

    def _executed(self, rng: random.Random, truth: Truth) -> Mutation | None:
        found = [unit for unit in truth.executed if unit.is_function and unit.file in self._units]
        return self._body("executed", rng, _any(rng, found))

    def _not_executed(self, rng: random.Random, truth: Truth) -> Mutation | None:
        found = [unit for unit in self._units[self._file(rng, truth)] if unit.is_function]
        return self._body("not executed", rng, _any(rng, [unit for unit in found if unit not in truth.executed]))

    def _plugin(self, rng: random.Random, truth: Truth) -> Mutation | None:
        imported = sorted(self._plugins & truth.files)
        file = rng.choice(imported if imported and rng.random() < 0.75 else sorted(self._plugins))
        if rng.random() < 0.5:
            return self._assigned("plug-in", rng, self._units[file])
        return self._body("plug-in", rng, _any(rng, [unit for unit in self._units[file] if unit.is_function]))

    def _body(self, kind: str, rng: random.Random, unit: Unit | None) -> Mutation | None:
        if unit is None:
            return None
        statements = [each for each in unit.node.body if not is_text(each)]
        return self._edited(kind, rng, unit, unit.own_name, statements) or self._extended(kind, unit, statements)

    def _extended(self, kind: str, unit: Unit, statements: list[ast.stmt]) -> Mutation | None:
        """Return a body with one statement more, if it is on lines of its own."""
        if not statements or statements[0].lineno == unit.node.lineno:
            return None
        lines = self._contents[unit.file].splitlines(keepends=True)
        first = statements[0]
        if isinstance(first, SCOPES) and first.decorator_list:
            return None
        lines.insert(first.lineno - 1, b" " * first.col_offset + b"mutated = 1\n")
        return self._checked(Mutation(kind, unit, unit.own_name, b"".join(lines), "one statement more"))

    def _constant(self, rng: random.Random, truth: Truth) -> Mutation | None:
        return self._assigned("constant", rng, self._units[self._file(rng, truth)][:1])

    def _attribute(self, rng: random.Random, truth: Truth) -> Mutation | None:
        found = [unit for unit in self._units[self._file(rng, truth)] if isinstance(unit.node, ast.ClassDef)]
        return self._assigned("attribute", rng, found)

    def _assigned(self, kind: str, rng: random.Random, units: list[Unit]) -> Mutation | None:
        """Return an edit of a literal that a module or class assigns to a name."""
        found = [
            (unit, target.id, statement.value)
            for unit in units
            if not unit.is_function
            for statement in unit.node.body
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value and is_literal(statement.value)
            for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
            if isinstance(target, ast.Name)
        ]
        if not found:
            return None
        unit, name, value = rng.choice(found)
        return self._edited(kind, rng, unit, name, [value])

    def _default(self, rng: random.Random, truth: Truth) -> Mutation | None:
        unit = _any(rng, [unit for unit in self._units[self._file(rng, truth)] if unit.is_function])
        if unit is None:
            return None
        defaults = [each for each in (*unit.node.args.defaults, *unit.node.args.kw_defaults) if each]
        return self._edited("default", rng, unit, unit.own_name, defaults)

    def _comment(self, rng: random.Random, truth: Truth) -> Mutation | None:
        unit = _any(rng, self._units[self._file(rng, truth)])
        assert unit
        lines = self._contents[unit.file].splitlines(keepends=True)
        statements = [each for each in ast.walk(unit.node) if isinstance(each, ast.stmt)]
        first = (
            min((getattr(each, "decorator_list", None) or [each])[0].lineno for each in statements) if statements else 1
        )
        lines.insert(first - 1, b"# mutated\n")
        mutation = Mutation("comment", unit, "", b"".join(lines), f"line {first}")
        return self._checked(mutation, differs=False)

    def _docstring(self, rng: random.Random, truth: Truth) -> Mutation | None:
        found = [
            unit
            for unit in self._units[self._file(rng, truth)]
            if unit.node.body and is_text(unit.node.body[0])  # type: ignore[attr-defined]
        ]
        unit = _any(rng, found)
        return unit and self._edited("docstring", rng, unit, unit.own_name, [unit.node.body[0]], texts=True)

    def _edited(
        self, kind: str, rng: random.Random, unit: Unit, names: str, nodes: list[ast.AST], *, texts: bool = False
    ) -> Mutation | None:
        """Return an edit of something below some nodes."""
        source = Source(self._contents[unit.file])
        places = [place for node in nodes for place in editable(node, texts=texts)]
        for place in rng.sample(places, min(len(places), TRIES)):
            edit = source.edited(place, rng)
            if edit and (found := self._checked(Mutation(kind, unit, names, *edit))):
                return found
        return None

    def _checked(self, mutation: Mutation, *, differs: bool = True) -> Mutation | None:
        """Return a mutation if the file can still be compiled, and is another one."""
        try:
            compile(mutation.content, mutation.unit.file, "exec", dont_inherit=True)
            new = ast.dump(ast.parse(mutation.content))
        except (SyntaxError, ValueError):
            return None
        return mutation if (new != ast.dump(ast.parse(self._contents[mutation.unit.file]))) == differs else None


def _any(rng: random.Random, units: list[Unit]) -> Unit | None:
    found = sorted(units, key=lambda unit: (unit.file, unit.name, unit.first_line))
    return rng.choice(found) if found else None


def editable(node: ast.AST, *, texts: bool = False) -> Iterator[ast.AST]:
    """Yield what can be edited below a node. `texts`: also statements that are texts."""
    if isinstance(node, ast.JoinedStr) or (is_text(node) and not texts) or node.__class__.__name__ == "TemplateStr":
        return
    if isinstance(node, (ast.Constant, ast.Compare, ast.BinOp, ast.BoolOp)):
        yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "type_params"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from editable(child, texts=texts)


class Source:
    """The bytes of a file, edited where a node is."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._starts = [0]
        for line in content.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def edited(self, node: ast.AST, rng: random.Random) -> tuple[bytes, str] | None:
        """Return the content with one node edited, and what was edited."""
        if isinstance(node, ast.Constant):
            new = _another(node.value, rng)
            return None if new is None else self._replaced(self._begin(node), self._end(node), new)
        left, right = (node.values[:2] if isinstance(node, ast.BoolOp) else
                       (node.left, node.right) if isinstance(node, ast.BinOp) else
                       (node.left, node.comparators[0]))  # fmt: skip
        begin, end = self._end(left), self._begin(right)
        gap = self._content[begin:end].decode(errors="replace")
        found = OPERATOR.search(gap)
        old = " ".join(found[1].split()) if found else ""
        if not found or old not in OPERATORS:
            return None
        return self._replaced(begin, end, gap[: found.start(1)] + OPERATORS[old] + gap[found.end(1) :])

    def _begin(self, node: ast.AST) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.AST) -> int:
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def _replaced(self, begin: int, end: int, new: str) -> tuple[bytes, str]:
        old = self._content[begin:end].decode(errors="replace")
        line = self._content.count(b"\n", 0, begin) + 1
        content = self._content[:begin] + new.encode() + self._content[end:]
        return content, f"line {line}: {old[:40]!r} becomes {new[:40]!r}"


def _another(value: object, rng: random.Random) -> str | None:
    """Return the source of another value of a kind; of equal length, if that can be, in half of the cases."""
    match value:
        case bool():
            return repr(not value)
        case int() | float():
            return repr(value + 1)
        case str() if value and rng.random() < 0.5:
            place = rng.randrange(len(value))
            return repr(value[:place] + ("y" if value[place] == "x" else "x") + value[place + 1 :])
        case str():
            return repr(value + "~")
        case bytes():
            return repr(value + b"~")
        case None:
            return "0"
    return None
