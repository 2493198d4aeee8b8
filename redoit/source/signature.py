"""Reads the signature of a step's `run` from source: roles and settings. The step is not imported."""

import ast
import re

from redoit.errors import DeclarationError
from redoit.source.project import Module, Project
from redoit.source.settings import Declared, Kind, Signature, nearest

KINDS = {"int": "int", "float": "float", "bool": "bool", "str": "str", "Path": "path"}


def signature(project: Project, step: str) -> Signature:
    """Return the roles and settings of a step, read from its source.

    Raises: DeclarationError, SourceError.
    """
    module = project.module(step)
    if module is None:
        raise DeclarationError(f"step {step}", "no such module in the project", nearest(step, project.modules()))
    run = _run(module)
    arguments = run.args
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs or arguments.defaults:
        raise DeclarationError(
            f"{module.path}:{run.lineno}: run", "takes *args, **kwargs or optional paths", "name each path, no defaults"
        )
    texts = _help(ast.get_docstring(run) or "", [argument.arg for argument in arguments.kwonlyargs])
    declared = []
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        where = f"{module.path}:{argument.lineno}: setting {argument.arg}"
        if default is None:
            raise DeclarationError(where, "has no default", "give it one")
        kind = _kind(project, module, argument.annotation, where)
        declared.append(
            Declared(argument.arg, kind, _default(project, module, kind, default, where), texts.get(argument.arg, ""))
        )
    return Signature(tuple(argument.arg for argument in arguments.args), tuple(declared))


def _run(module: Module) -> ast.FunctionDef:
    for statement in reversed(module.tree.body):
        if isinstance(statement, ast.FunctionDef) and statement.name == "run":
            return statement
    raise DeclarationError(f"step {module.name}", f"no function 'run' in {module.path}", "define it")


def _help(docstring: str, names: list[str]) -> dict[str, str]:
    """Return setting -> help, from lines like `name: text`, `name (type): text` or `:param name: text`."""
    mentioned = [re.escape(name) for name in names if name in docstring]
    if not mentioned:  # to compile an expression takes longer than all else here
        return {}
    line = rf"^([ \t]*)(?::param )?`*({'|'.join(mentioned)})`*(?: \([^)]*\))?:[ \t]*(.*(?:\n\1[ \t]+\S.*)*)"
    texts: dict[str, str] = {}
    for found in re.finditer(line, docstring, re.MULTILINE):
        texts.setdefault(found[2], " ".join(found[3].split()))
    return texts


def _kind(project: Project, module: Module, annotation: ast.expr | None, where: str) -> Kind:
    try:
        kind = _kind_of(project, module, annotation)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):  # a text that is no expression
        kind = None
    if kind is None:
        found = f"found the type {ast.unparse(annotation)}" if annotation else "found no type"
        raise DeclarationError(
            where, f"{found}, expected int, float, bool, str, Path, Literal, an Enum, a list of these, or '| None'"
        )
    return kind


def _kind_of(project: Project, module: Module, annotation: ast.expr | None) -> Kind | None:
    match annotation:
        case ast.Constant(value=str() as text):
            return _kind_of(project, module, ast.parse(text, mode="eval").body)
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in KINDS:
            return Kind(KINDS[name])
        case ast.BinOp(ast.Constant(None), ast.BitOr(), inner) | ast.BinOp(inner, ast.BitOr(), ast.Constant(None)):
            return _optional(_kind_of(project, module, inner))
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _subscript(project, module, name, inner)
        case ast.Name(id=name):
            return _enumeration(project, module, name)
    return None


def _optional(kind: Kind | None) -> Kind | None:
    return kind and kind._replace(optional=True)


def _subscript(project: Project, module: Module, name: str, inner: ast.expr) -> Kind | None:
    if name == "Optional":
        return _optional(_kind_of(project, module, inner))
    if name in ("list", "List"):
        item = _kind_of(project, module, inner)
        return item and Kind("list", item=item)
    if name == "Literal":
        choices = ast.literal_eval(inner)
        return Kind("literal", choices if isinstance(choices, tuple) else (choices,))
    return None


def _enumeration(project: Project, module: Module, name: str) -> Kind | None:
    home, statement = _binding(project, module, name)
    if not isinstance(statement, ast.ClassDef) or not any("Enum" in ast.unparse(base) for base in statement.bases):
        return None
    members = [
        target.id
        for line in statement.body
        if isinstance(line, ast.Assign | ast.AnnAssign) and line.value
        for target in (line.targets if isinstance(line, ast.Assign) else [line.target])
        if isinstance(target, ast.Name) and not target.id.startswith("_")
    ]
    return Kind(f"enum {home.name}:{statement.name}", tuple(members))


def _binding(project: Project, module: Module, name: str, depth: int = 8) -> tuple[Module, ast.stmt | None]:
    """Return the module and the statement that bind a name, followed through `from ... import`."""
    for statement in reversed(module.tree.body):
        match statement:
            case ast.ClassDef(name=found) if found == name:
                return module, statement
            case ast.Assign(targets=[ast.Name(id=found)]) | ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                return module, statement
            case ast.ImportFrom(module=source, names=aliases, level=level) if depth:
                for alias in aliases:
                    if (alias.asname or alias.name) == name:
                        package = module.name.split(".")[: None if module.is_package else -1]
                        base = package[: len(package) - level + 1] if level else []
                        home = project.module(".".join([*base, *([source] if source else [])]))
                        return _binding(project, home, alias.name, depth - 1) if home else (module, None)
    return module, None


def _default(project: Project, module: Module, kind: Kind, node: ast.expr, where: str) -> object:
    given = _constant(project, module, kind, node)
    try:
        return kind.value(given)
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise DeclarationError(where, f"found the default {ast.unparse(node)}, expected {kind.expected}") from None


def _constant(project: Project, module: Module, kind: Kind, node: ast.expr) -> object:
    """Return the value of a default: a literal, a constant, `Path("...")`, a member of an enumeration, or a list."""
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) if kind.item:
            return [_constant(project, module, kind.item, item) for item in items]
        case ast.Name(id=name):
            home, statement = _binding(project, module, name)
            value = getattr(statement, "value", None)
            return _constant(project, home, kind, value) if isinstance(value, ast.expr) else ...
        case ast.Call(func=ast.Name(id="Path") | ast.Attribute(attr="Path"), args=[ast.Constant(value=str() as text)]):
            return text
        case ast.Attribute(value=ast.Name(), attr=member) if kind.name.startswith("enum "):
            return member
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError):
        return ...
