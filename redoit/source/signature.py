"""Reads the signature of a step's `run` from source: roles and settings. The step is not imported."""

import ast
import re
from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath

from redoit.errors import DeclarationError
from redoit.source.constants import NOT_CONSTANT, NotConstantError, binding, constant, origin
from redoit.source.project import Module, Project
from redoit.source.settings import Declared, Kind, Signature, is_huge, nearest

KINDS = {"int": "int", "float": "float", "bool": "bool", "str": "str", "Path": "path"}
KINDS_OF_DEFAULTS = {int: "int", float: "float", bool: "bool", str: "str", PurePosixPath: "path"}
LITERALS = {str, int, bool, type(None)}
TYPES = "int, float, bool, str, Path, Literal of texts and integers, an Enum, a list of these, or '| None'"
KindOf = Callable[[ast.expr], Kind | None]
REMEDY = "write the value itself, or the name of one that a plain assignment binds once, above run"


def signature(project: Project, step: str) -> Signature:
    """Return the roles and settings of a step, read from its source.

    Raises: DeclarationError, SourceError.
    """
    module = project.module(step)
    if module is None:
        raise DeclarationError(f"step {step}", "no such module in the project", nearest(step, project.modules()))
    run = _run(module)
    texts = _help(ast.get_docstring(run) or "", [argument.arg for argument in run.args.kwonlyargs])
    declared = []
    for argument, default in zip(run.args.kwonlyargs, run.args.kw_defaults, strict=True):
        where = f"{module.path}:{argument.lineno}: setting {argument.arg}"
        if default is None:
            raise DeclarationError(where, "has no default", "give it one; if it is no setting, put it before the '*'")
        kind, value = _kind_and_default(project, module, argument.annotation, default, where)
        declared.append(Declared(argument.arg, kind, value, texts.get(argument.arg, "")))
    return Signature(_roles(project, module, run), tuple(declared))


def _run(module: Module) -> ast.FunctionDef:
    """Return the step's `run`. Raises: DeclarationError if it is no plain function at the top of the module."""
    found = f"no function 'run' at the top of {module.path}"
    try:
        if binder := binding(module, "run"):
            if isinstance(binder.statement, ast.FunctionDef):
                return binder.statement
            found += f", but '{_text(binder.statement).splitlines()[0]}' in line {binder.statement.lineno}"
    except NotConstantError as error:
        found = str(error)
    todo = "define it there, once: def run(...), or name the step that does"
    raise DeclarationError(f"step {module.name}", found, todo)


def _roles(project: Project, module: Module, run: ast.FunctionDef) -> tuple[str, ...]:
    """Return the names of the paths that `run` takes. Raises: DeclarationError if a setting is among them."""
    arguments, where = run.args, f"{module.path}:{run.lineno}: run"
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        found = "takes *args, **kwargs or positional-only parameters"
        raise DeclarationError(where, found, "name each path and setting")
    roles = [argument.arg for argument in arguments.args]
    defaults = [*[None] * (len(roles) - len(arguments.defaults)), *arguments.defaults]
    for argument, default in zip(arguments.args, defaults, strict=True):
        kind = _kind(project, module, argument.annotation)
        if default or (kind and (kind.item or kind).name != "path"):
            text = _text(argument)
            paths = "".join(f"{role}, " for role in roles[: roles.index(argument.arg)])
            todo = f"settings follow '*': run({paths}*, {text} = {_text(default) if default else '...'})"
            raise DeclarationError(where, f"found '{text}' among the paths, expected a Path without default", todo)
    return tuple(roles)


def _help(docstring: str, names: list[str]) -> dict[str, str]:
    """Return setting -> help, from lines like `name: text`, `name (type): text` or `:param name: text`."""
    mentioned = [re.escape(name) for name in names if name in docstring]
    if not mentioned:  # to compile an expression takes longer than all else here
        return {}
    line = rf"^([ \t]*)(?::param )?`*({'|'.join(mentioned)})`*(?: \([^)]*\))?:[ \t]*(.*(?:\n\1[ \t]+\S.*)*)"
    found = reversed([*re.finditer(line, docstring, re.MULTILINE)])  # the first of a name counts
    return {each[2]: " ".join(each[3].split()) for each in found}


def _kind_and_default(
    project: Project, module: Module, annotation: ast.expr | None, node: ast.expr, where: str
) -> tuple[Kind, object]:
    """Return a setting's type and default; without an annotation the type of the default. Raises: DeclarationError."""
    kind = _kind(project, module, annotation)
    if annotation and not kind:
        raise DeclarationError(where, f"found the type {_text(annotation)}, expected {TYPES}")
    found = f"found the default {_text(node)}, expected {kind.expected if kind else TYPES}"
    try:
        value = constant(project, module, node)
    except NOT_CONSTANT as error:
        reason = f"{error}: " if isinstance(error, NotConstantError) and str(error) else ""
        raise DeclarationError(where, found, f"{reason}{REMEDY}") from None
    if kind is None and type(value) not in KINDS_OF_DEFAULTS:
        raise DeclarationError(where, f"found no type, expected {TYPES}", "annotate it")
    kind = kind or Kind(KINDS_OF_DEFAULTS[type(value)])
    try:
        return kind, kind.default(value)
    except ValueError:
        raise DeclarationError(where, found, f"give one of type {_text(annotation) if annotation else kind}") from None


def _text(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):  # nested deeply; a number of too many digits to be written
        return "an expression that is too long"


def _kind(project: Project, module: Module, annotation: ast.expr | None) -> Kind | None:
    """Return the type that an annotation stands for, None if settings can't have it."""
    try:
        return _kind_of(project, module, annotation)
    except (*NOT_CONSTANT, SyntaxError):  # of a text that is no expression
        return None


def _kind_of(project: Project, module: Module, annotation: ast.expr | None) -> Kind | None:
    kind = partial(_kind_of, project, module)
    match annotation:
        case ast.Constant(value=str() as text):
            return kind(ast.parse(text, mode="eval").body)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _subscript(kind, "Union", [left, right])
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _subscript(kind, name, inner.elts if isinstance(inner, ast.Tuple) else [inner])
        case ast.Name(id=name) | ast.Attribute(attr=name):
            try:
                found = origin(project, module, annotation)
            except NotConstantError:  # bound under `if TYPE_CHECKING`, for example
                found = name
            match found:
                case str():
                    return Kind(KINDS[name]) if name in KINDS else None
                case home, ast.ClassDef() as defined:
                    return _enumeration(home, defined)
                case home, statement:  # an assignment, or a `type` statement: another name of a type
                    return _kind_of(project, home, getattr(statement, "value", None))
    return None


def _subscript(kind: KindOf, name: str, items: list[ast.expr]) -> Kind | None:
    match name, items:
        case "Optional" | "Union", _:
            types = [item for item in items if not (isinstance(item, ast.Constant) and item.value is None)]
            found = kind(types[0]) if len(types) == 1 else None
            return found and found._replace(optional=True)
        case "Annotated", [first, *_]:
            return kind(first)
        case "list" | "List", [inner]:
            item = kind(inner)
            return item and Kind("list", item=item)
        case "Literal", [_, *_]:
            choices = tuple(map(ast.literal_eval, items))
            plain = all(type(choice) in LITERALS and not is_huge(choice) for choice in choices)
            return Kind("literal", choices) if plain else None
    return None


def _enumeration(home: Module, statement: ast.ClassDef) -> Kind | None:
    members = [
        target.id
        for line in statement.body
        if isinstance(line, ast.Assign | ast.AnnAssign) and line.value and not isinstance(line.value, ast.Lambda)
        for target in (line.targets if isinstance(line, ast.Assign) else [line.target])
        if isinstance(target, ast.Name) and not target.id.startswith("_")
    ]
    is_enumeration = members and any("Enum" in ast.unparse(base) for base in statement.bases)
    return Kind(f"enum {home.name}:{statement.name}", tuple(members)) if is_enumeration else None
