"""Reflection: Python's names that give access to code, with how much of the project counts for each.

Also the modules that a dynamic import or a string can name. Does not know where these names are used.
"""

import ast
import os
import re
from collections.abc import Iterator
from enum import IntEnum

from redoit.fingerprint.uses import EVALUATES, READS_ITSELF, Uses
from redoit.source.names import bindings
from redoit.source.project import Module, Project


class Reflection(IntEnum):
    """What reflection can read. Each level includes those before it, except that OWN_MODULE stays in one module."""

    NONE = 0
    OWN_MODULE = 1  # all names of the module that uses it
    DOCS = 2  # docstrings and annotations of reached code
    MODULES = 3  # all names of reached modules
    CODE = 4  # the code object of a function, which is observed where calls are; elsewhere as SOURCE
    SOURCE = 5  # the source of reached modules, byte by byte
    PATH = 6  # modules in folders that are added to Python's path
    PROJECT = 7  # all modules of the project


def _table(texts: dict[Reflection, str]) -> dict[str, Reflection]:
    return {name: level for level, text in texts.items() for name in text.split()}


# These as a name, an attribute or a string.
REFLECTION_BY_WORD = _table(
    {
        Reflection.DOCS: "__doc__ __annotations__ __signature__ __text_signature__ get_type_hints getdoc "
        "get_annotations",
        Reflection.MODULES: "__subclasses__ __dict__ __globals__ f_globals f_locals getmembers",
        Reflection.CODE: "__code__",
        Reflection.SOURCE: "getsource getsourcelines getsourcefile getcomments findsource get_source f_code f_lineno "
        "tb_lineno tb_frame co_consts co_firstlineno co_linetable co_lines co_positions _getframe currentframe "
        "getframeinfo get_referents get_referrers get_objects __loader__ __spec__",
        Reflection.PROJECT: "__path__ __builtins__",
    }
)
REFLECTION_BY_WORD |= {READS_ITSELF: Reflection.SOURCE, EVALUATES: Reflection.OWN_MODULE}
# Dotted names and all below them; the longest match counts.
REFLECTION_BY_NAME = _table(
    {
        Reflection.NONE: "importlib.metadata importlib.resources importlib.abc importlib.invalidate_caches "
        "pkgutil.get_data",
        Reflection.OWN_MODULE: "builtins.exec builtins.eval builtins.compile builtins.locals builtins.dir "
        "builtins.__doc__ builtins.__annotations__",
        Reflection.DOCS: "inspect",
        Reflection.MODULES: "builtins.globals builtins.vars sys.modules gc",
        Reflection.SOURCE: "dis marshal pydoc doctest linecache tokenize inspect.stack inspect.trace inspect.getmodule",
        Reflection.PATH: "sys.path site.addsitedir",
        Reflection.PROJECT: "builtins.__import__ importlib pkgutil runpy imp zipimport pydoc.locate "
        "sys.meta_path sys.path_hooks unittest.mock.patch "
        "importlib.metadata.entry_points importlib.metadata.EntryPoint",
    }
)
# Code that receives one of these modules as a value can use anything in it.
REFLECTIVE_MODULES = frozenset({"sys", "builtins"})
# Functions whose first argument is the name of a module.
TAKE_NAME = frozenset({"import_module", "__import__", "find_spec", "resolve_name", "run_module"})
SYS_PATH = re.compile(rb"sys\s*\.\s*path|from\s+sys\s+import|import\s+sys\s+as|addsitedir")
# A statement that puts something before what is on that path.
FIRST = re.compile(rb"\bpath\s*(\.\s*insert\s*\((?!\s*[1-9])|\[\s*0?\s*:)|\w\.path\s*=(?!=|\s*\w+\.path\b|\s*\[\s*\*)")
_WORD = re.compile(r"[\w./:-]+")
_SCHEME = re.compile(r"\w+://|python/[\w/]+:")  # `ext://` of logging, `!!python/name:` of YAML
_DOTTED = re.compile(r"[^\W\d]\w*([.:][^\W\d]\w*)+")  # what follows a colon is in the module


def reflection_of(dotted: str) -> Reflection:
    """Return what a dotted name from outside the project can read."""
    components = dotted.split(".")
    prefixes = (".".join(components[:size]) for size in range(len(components), 0, -1))
    known = (REFLECTION_BY_NAME[prefix] for prefix in prefixes if prefix in REFLECTION_BY_NAME)
    return Reflection.PROJECT if dotted in REFLECTIVE_MODULES else next(known, Reflection.NONE)


def import_target(module: Module, call: ast.Call) -> tuple[str, bool] | None:
    """Return the module that a dynamic import names, or its package and True; None if neither can be read."""
    arguments = [*call.args, *(word.value for word in call.keywords if word.arg in ("name", "target", "mod_name"))]
    if not arguments:
        return None
    text, is_complete = _literal_prefix(module, arguments[0])
    if text.startswith("."):
        base = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "package")]
        package, is_known = _literal_prefix(module, base[0]) if base else ("", False)
        if not is_known or text.startswith(".."):
            return None
        text = package + text
    return (text, False) if is_complete else (text.rpartition(".")[0], True) if "." in text else None


def _literal_prefix(module: Module, item: ast.expr) -> tuple[str, bool]:
    """Return the text that an expression is known to start with, and whether that is all of it."""
    is_complete = True
    while True:
        match item:
            case ast.Constant(value=str(text)):
                return (text, True) if is_complete else (re.split("[%{]", text)[0], False)
            case ast.Name(id="__package__" | "__name__" as name):
                text = module.package if name == "__package__" else module.name
                return (text, True) if is_complete else (f"{text}.", False)
            case ast.JoinedStr(values=[first, *_]) | ast.BinOp(left=first):
                item, is_complete = first, False
            case ast.FormattedValue(value=value, format_spec=None, conversion=-1):
                item, is_complete = value, False
            case ast.Call(func=ast.Attribute(value=ast.Constant() as text, attr="format")):
                item, is_complete = text, False
            case _:
                return "", False


def modules_in_texts(project: Project, used: Uses) -> Iterator[tuple[str, str]]:
    """Yield each module of the project that a text names by path or dotted name, with that text.

    A text that names a package may execute it, which executes its `__main__`.
    """
    for text in used.texts:
        found = [(name, text) for word in _WORD.findall(text) for name in modules_named(project, word)]
        if text == "-m":  # python -m name
            found += [(name, name) for name in sorted(used.words) if project.locate(name)]
        for name, by in found:
            yield from ((each, by) for each in (name, f"{name}.__main__") if project.locate(each))


def modules_named(project: Project, word: str) -> Iterator[str]:
    """Yield the modules of the project that a word names: `steps.model`, `steps.model.build`, `app:main`, `app.py`."""
    if word.endswith(".py"):
        stem = word[:-3].rpartition("/")[2]
        yield from (name for name in project.modules() if name.rpartition(".")[2] == stem)
    elif scheme := _SCHEME.match(word):
        yield from modules_named(project, word[scheme.end() :])
    elif _DOTTED.fullmatch(word):
        components = word.replace(":", ".").split(".")
        for size in range(len(components), 0, -1):
            name = ".".join(components[:size])
            if project.locate(name):
                module = project.module(name)
                if module is not None and (size == len(components) or components[size] in bindings(module).names):
                    yield name
                return


def texts_of(module: Module) -> list[str]:
    """Return all strings in a module."""
    constants = (item.value for item in ast.walk(module.tree) if isinstance(item, ast.Constant))
    return [text for text in constants if isinstance(text, str)]


def added_roots(project: Project, module: Module) -> list[str]:
    """Return the folders and archives that a module's texts name, and so may add to Python's path.

    A text counts as it is, and joined with those beside it, from the checkout and from the module's own folder; with
    `__file__` so do that folder and those around it.
    """
    own, root = project.root / module.path, project.root.resolve()
    found = [str(folder) for folder in own.parents] if b"__file__" in module.source else []
    for statement in [item for item in ast.walk(module.tree) if isinstance(item, ast.stmt)]:
        constants = [item.value for item in ast.walk(statement) if isinstance(item, ast.Constant)]
        texts = [text for text in constants if isinstance(text, str) and text and "\0" not in text]
        for text in [*texts, "/".join(texts)] if texts else ():
            for base in (project.root, own.parent):
                found += [os.path.normpath(base / text), os.path.normpath(f"{base}/{text}")]
    paths = dict.fromkeys(re.sub("^//", "/", path) for path in found)  # `normpath` leaves two slashes at the beginning
    return [path for path in paths if os.path.exists(path) and not root.is_relative_to(path)]


def add_roots(project: Project, module: Module) -> int:
    """Look for modules also where a module may extend Python's path; return the number of new folders."""
    roots = added_roots(project, module) if SYS_PATH.search(module.source) else []
    return sum(project.add_root(path, first=FIRST.search(module.source) is not None) for path in roots)
