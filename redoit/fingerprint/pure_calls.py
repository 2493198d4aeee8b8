"""The calls and decorators outside the project that are known to have no effect on anything but their result.

A table, no logic: what is not listed here is taken to have effects. Names are dotted, as imports lead to them.
"""

import ast
import sys


def _within(module: str, names: str) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for name in names.split())


# Keep their arguments, and don't look into them.
CAPTURING = (
    _within("functools", "partial")
    | _within("dataclasses", "field")
    | _within("typing", "TypeVar NewType cast ParamSpec TypeVarTuple")
    | _within("types", "MappingProxyType")
    | _within("operator", "itemgetter attrgetter methodcaller")
    | _within("enum", "auto")
    | _within("collections", "namedtuple")
    | _within("logging", "getLogger")
    | _within("builtins", "object property staticmethod classmethod")
)
# The value they make can't change.
IMMUTABLE = (
    _within("builtins", "int float str bytes bool complex len range abs round ord chr repr divmod hash str.maketrans")
    | _within("pathlib", "Path PurePath PurePosixPath Path.home")
    | _within("re", "compile escape")
    | _within("decimal", "Decimal")
    | _within("fractions", "Fraction")
    | _within("datetime", "timedelta")
    | _within("os.path", "join dirname basename abspath")
)
# Look into their arguments.
READING = (
    IMMUTABLE
    | _within("builtins", "dict list set frozenset tuple sorted min max sum zip enumerate reversed slice bytearray")
    | _within("builtins", "any all dict.fromkeys")
    | _within("collections", "OrderedDict defaultdict Counter deque")
    | _within("string", "Template capwords")
    | _within("itertools", "chain product count cycle repeat")
)
DECORATORS = (
    _within("dataclasses", "dataclass")
    | _within("functools", "cache lru_cache wraps cached_property total_ordering singledispatch singledispatchmethod")
    | _within("contextlib", "contextmanager asynccontextmanager")
    | _within("abc", "abstractmethod abstractproperty abstractclassmethod abstractstaticmethod")
    | _within("typing", "overload final override runtime_checkable no_type_check")
    | _within("enum", "unique")
    | _within("builtins", "staticmethod classmethod property")
)
FACTORIES = _within("dataclasses", "dataclass") | _within("functools", "lru_cache wraps")
METHODS = frozenset(
    {"split", "rsplit", "splitlines", "join", "format", "strip", "lstrip", "rstrip", "upper", "lower", "title"}
    | {"replace", "encode", "decode", "zfill", "ljust", "rjust"}
    | {"joinpath", "resolve", "absolute", "expanduser", "with_name", "with_suffix", "relative_to", "as_posix"}
)


def is_standard(name: str) -> bool:
    """Tell whether a dotted name is Python's own: built in, or of the standard library."""
    return name.split(".", maxsplit=1)[0] in sys.stdlib_module_names


def is_decorator(name: str, called: bool) -> bool:
    """Tell whether a decorator is known to be pure; `called`: it is written with arguments."""
    return name in (FACTORIES if called else DECORATORS)


def is_method(function: ast.expr) -> bool:
    """Tell whether a function is a method that is pure on each immutable value: text, bytes and paths."""
    return isinstance(function, ast.Attribute) and function.attr in METHODS
