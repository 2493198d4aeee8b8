"""Code that looks at code: which names do so, and how much of the project must count for them.

A table of Python's own means of reflection, and the modules that a dynamic import can name. Knows nothing of where
these names occur.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from enum import IntEnum

from redoit.fingerprint.names import bindings
from redoit.fingerprint.uses import READS_ITSELF, Uses
from redoit.source.project import Module, Project


class Sight(IntEnum):
    """How far a means of reflection sees. Each level includes those before it, save that OWN stays in one module."""

    NOTHING = 0
    OWN = 1  # all names of the module it stands in
    DOCS = 2  # docstrings and annotations of reached code
    WHOLE = 3  # all names of reached modules
    RAW = 4  # their source, as it is written
    ALL = 5  # every module of the project


def _table(texts: dict[Sight, str]) -> dict[str, Sight]:
    return {name: sight for sight, text in texts.items() for name in text.split()}


# Wherever these stand as a name, an attribute or a string.
WORDS = _table(
    {
        Sight.DOCS: "__doc__ __annotations__ __signature__ __text_signature__ get_type_hints getdoc get_annotations",
        Sight.WHOLE: "__subclasses__ __dict__ __globals__ f_globals f_locals getmembers",
        Sight.RAW: "getsource getsourcelines getsourcefile getcomments findsource get_source __code__ f_code f_lineno "
        "tb_lineno tb_frame co_consts co_firstlineno _getframe currentframe __loader__ __spec__",
        Sight.ALL: "__path__ __builtins__",
    }
)
WORDS[READS_ITSELF] = Sight.RAW
# Dotted names, with all below them; the longest that fits.
OUTSIDE = _table(
    {
        Sight.NOTHING: "importlib.metadata importlib.resources importlib.abc importlib.invalidate_caches "
        "pkgutil.get_data",
        Sight.OWN: "builtins.exec builtins.eval builtins.compile builtins.locals builtins.dir builtins.__doc__ "
        "builtins.__annotations__",
        Sight.DOCS: "inspect",
        Sight.WHOLE: "builtins.globals builtins.vars sys.modules gc",
        Sight.RAW: "dis pydoc doctest linecache tokenize inspect.stack inspect.trace inspect.getmodule",
        Sight.ALL: "builtins.__import__ importlib pkgutil runpy imp zipimport pydoc.locate site.addsitedir "
        "sys.path sys.meta_path sys.path_hooks unittest.mock.patch "
        "importlib.metadata.entry_points importlib.metadata.EntryPoint",
    }
)
# Whoever passes one of these on as a whole can reach anything in it.
MODULES = frozenset({"sys", "builtins"})
# Which argument of a dynamic import names the module.
IMPORTERS = frozenset(
    {"builtins.__import__", "importlib.import_module", "importlib.util.find_spec", "runpy.run_module", "pydoc.locate"}
    | {"unittest.mock.patch", "unittest.mock.patch.dict", "runpy.run_path"}
)
_WORD = re.compile(r"[\w./:-]+")
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+(:[^\W\d]\w*)?")


def sight_of(dotted: str) -> Sight:
    """Return how far a name from outside the project sees."""
    if dotted in MODULES:
        return Sight.ALL
    components = dotted.split(".")
    prefixes = (".".join(components[:size]) for size in range(len(components), 0, -1))
    return next((OUTSIDE[prefix] for prefix in prefixes if prefix in OUTSIDE), Sight.NOTHING)


def names_imported(module: Module, call: ast.Call) -> tuple[str, bool] | None:
    """Return what a dynamic import names: a module, or the start of many (then True); None if that can't be read."""
    arguments = [*call.args, *(word.value for word in call.keywords if word.arg in ("name", "target", "mod_name"))]
    if not arguments:
        return None
    text, complete = _start(module, arguments[0])
    if text.startswith("."):
        base = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "package")]
        package, known = _start(module, base[0]) if base else ("", False)
        if not known or text.startswith(".."):
            return None
        text = package + text
    if complete:
        return text, False
    return (text.rpartition(".")[0], True) if "." in text else None


def _start(module: Module, item: ast.expr) -> tuple[str, bool]:
    """Return the text that an expression starts with, and whether that is all of it."""
    match item:
        case ast.Constant(value=str(text)):
            return text, True
        case ast.Name(id="__package__"):
            return module.package, True
        case ast.Name(id="__name__"):
            return module.name, True
        case ast.JoinedStr(values=parts):
            return _joined(module, parts)
        case ast.FormattedValue(value=value, format_spec=None, conversion=-1):
            return _start(module, value)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined(module, [left, right])
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return text.partition("%")[0], False
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return text.partition("{")[0], False
    return "", False


def _joined(module: Module, parts: Iterable[ast.expr]) -> tuple[str, bool]:
    text = ""
    for part in parts:
        more, complete = _start(module, part)
        text += more
        if not complete:
            return text, False
    return text, True


def named_by(project: Project, used: Uses) -> Iterator[tuple[str, str]]:
    """Yield the project's modules that the texts in a piece of code name, with the text: a path, a dotted name."""
    for text in used.strings:
        for word in _WORD.findall(text):
            yield from ((name, text) for name in named_in(project, word))
        if text == "-m":  # python -m name
            yield from ((name, name) for name in used.words if project.locate(name))


def named_in(project: Project, word: str) -> Iterator[str]:
    """Yield the project's modules that a word names: `steps.model`, `steps.model.build`, `steps/model.py`."""
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
