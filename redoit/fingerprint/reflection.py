"""Reflection: Python's names that give access to code, with how much of the project counts for each.

Also the modules that a dynamic import or a string can name. Does not know where these names are used.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from enum import IntEnum

from redoit.fingerprint.names import bindings
from redoit.fingerprint.uses import READS_ITSELF, Uses
from redoit.source.project import Module, Project


class Reflection(IntEnum):
    """What reflection can read. Each level includes those before it, except that OWN_MODULE stays in one module."""

    NOTHING = 0
    OWN_MODULE = 1  # all names of the module that uses it
    DOCS = 2  # docstrings and annotations of reached code
    MODULES = 3  # all names of reached modules
    SOURCE = 4  # the source of reached modules, byte by byte
    PROJECT = 5  # all modules of the project


def _table(texts: dict[Reflection, str]) -> dict[str, Reflection]:
    return {name: level for level, text in texts.items() for name in text.split()}


# These as a name, an attribute or a string.
REFLECTION_BY_WORD = _table(
    {
        Reflection.DOCS: "__doc__ __annotations__ __signature__ __text_signature__ get_type_hints getdoc "
        "get_annotations",
        Reflection.MODULES: "__subclasses__ __dict__ __globals__ f_globals f_locals getmembers",
        Reflection.SOURCE: "getsource getsourcelines getsourcefile getcomments findsource get_source __code__ f_code "
        "f_lineno tb_lineno tb_frame co_consts co_firstlineno _getframe currentframe __loader__ __spec__",
        Reflection.PROJECT: "__path__ __builtins__",
    }
)
REFLECTION_BY_WORD[READS_ITSELF] = Reflection.SOURCE
# Dotted names and all below them; the longest match counts.
REFLECTION_BY_NAME = _table(
    {
        Reflection.NOTHING: "importlib.metadata importlib.resources importlib.abc importlib.invalidate_caches "
        "pkgutil.get_data",
        Reflection.OWN_MODULE: "builtins.exec builtins.eval builtins.compile builtins.locals builtins.dir "
        "builtins.__doc__ builtins.__annotations__",
        Reflection.DOCS: "inspect",
        Reflection.MODULES: "builtins.globals builtins.vars sys.modules gc",
        Reflection.SOURCE: "dis pydoc doctest linecache tokenize inspect.stack inspect.trace inspect.getmodule",
        Reflection.PROJECT: "builtins.__import__ importlib pkgutil runpy imp zipimport pydoc.locate site.addsitedir "
        "sys.path sys.meta_path sys.path_hooks unittest.mock.patch "
        "importlib.metadata.entry_points importlib.metadata.EntryPoint",
    }
)
# Code that receives one of these modules as a value can use anything in it.
REFLECTIVE_MODULES = frozenset({"sys", "builtins"})
_WORD = re.compile(r"[\w./:-]+")
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*[.:][^\W\d]\w*")  # the last name may follow a colon


def reflection_of(dotted: str) -> Reflection:
    """Return what a dotted name from outside the project can read."""
    if dotted in REFLECTIVE_MODULES:
        return Reflection.PROJECT
    components = dotted.split(".")
    prefixes = (".".join(components[:size]) for size in range(len(components), 0, -1))
    return next((REFLECTION_BY_NAME[prefix] for prefix in prefixes if prefix in REFLECTION_BY_NAME), Reflection.NOTHING)


def import_target(module: Module, call: ast.Call) -> tuple[str, bool] | None:
    """Return the module that a dynamic import names, or its package and True; None if neither can be read."""
    arguments = [*call.args, *(word.value for word in call.keywords if word.arg in ("name", "target", "mod_name"))]
    if not arguments:
        return None
    text, complete = _literal_prefix(module, arguments[0])
    if text.startswith("."):
        base = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "package")]
        package, complete_package = _literal_prefix(module, base[0]) if base else ("", False)
        if not complete_package or text.startswith(".."):
            return None
        text = package + text
    if complete:
        return text, False
    return (text.rpartition(".")[0], True) if "." in text else None


def _literal_prefix(module: Module, item: ast.expr) -> tuple[str, bool]:
    """Return the text that an expression is known to start with, and whether that is all of it."""
    match item:
        case ast.Constant(value=str(text)):
            return text, True
        case ast.Name(id="__package__"):
            return module.package, True
        case ast.Name(id="__name__"):
            return module.name, True
        case ast.JoinedStr(values=parts):
            return _joined_prefix(module, parts)
        case ast.FormattedValue(value=value, format_spec=None, conversion=-1):
            return _literal_prefix(module, value)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined_prefix(module, [left, right])
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return text.partition("%")[0], False
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return text.partition("{")[0], False
    return "", False


def _joined_prefix(module: Module, parts: Iterable[ast.expr]) -> tuple[str, bool]:
    text = ""
    for part in parts:
        more, complete = _literal_prefix(module, part)
        text += more
        if not complete:
            return text, False
    return text, True


def modules_in_strings(project: Project, used: Uses) -> Iterator[tuple[str, str]]:
    """Yield each module of the project that a string names by path or dotted name, with that string."""
    for text in used.strings:
        for word in _WORD.findall(text):
            yield from ((name, text) for name in modules_named(project, word))
        if text == "-m":  # python -m name
            yield from ((name, name) for name in used.words if project.locate(name))


def modules_named(project: Project, word: str) -> Iterator[str]:
    """Yield the modules of the project that a word names: `steps.model`, `steps.model.build`, `app:main`, `app.py`."""
    if word.endswith(".py"):
        stem = word[:-3].rpartition("/")[2]
        yield from (name for name in project.modules() if name.rpartition(".")[2] == stem)
    elif _DOTTED.fullmatch(word):
        name = word.replace(":", ".")
        if project.locate(name):
            yield name
            return
        owner, _, attribute = name.rpartition(".")
        while owner and project.locate(owner) is None:
            owner, _, attribute = owner.rpartition(".")
        module = project.module(owner) if "." in owner or (owner and ":" in word) else None
        if module is not None and attribute in bindings(module).names:
            yield owner
