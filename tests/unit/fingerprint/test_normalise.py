"""Normalised source: what is stripped, what stays, and that the text means what the source means."""

import ast

import pytest
from modules import parsed

from redoit.fingerprint.normalise import MAX_DEPTH, is_bare_string, is_deep, strip, text_of, without_settings

EAGER, LAZY, EXPOSED = (False, False), (True, False), (True, True)  # postponed annotations, exposed definitions
HUGE = "0x" + "f" * 5000  # a number that Python refuses to write in decimal digits


def text(source: str, rules: tuple[bool, bool] = EAGER) -> str:
    """Return the normalised text of a source."""
    module = parsed(source)
    is_lazy, is_exposed = rules
    strip(module.tree, lambda _: is_exposed, is_lazy=is_lazy)
    return "\n".join(text_of(item, module.source) for item in module.tree.body if not isinstance(item, ast.Pass))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ""),
        ("'a docstring'", ""),
        ("x = 1  # why\n\n\ny = (1 +\n  2)", "x = 1\ny = 1 + 2"),
        ("x = 1_000, 1e-3, \"a\", 'b'", "x = (1000, 0.001, 'a', 'b')"),
        ("def f():\n    'all of it'", "def f():\n    pass"),
        ("def f():\n    'why'\n    x = 1\n    'what'\n    return x", "def f():\n    x = 1\n    return x"),
        ("def f():\n    b'bytes'\n    5", "def f():\n    b'bytes'\n    5"),
        ("async def f():\n    'why'\n    await g()", "async def f():\n    await g()"),
        ("class C:\n    'why'\n    x = 1", "class C:\n    x = 1"),
        (
            "class C:\n    def f(self):\n        'why'\n        return 1",
            "class C:\n\n    def f(self):\n        return 1",
        ),
        ("if c:\n    'why'\nelse:\n    'not'", "if c:\n    pass"),
        ("for x in y:\n    'why'\n    f(x)\nelse:\n    g()", "for x in y:\n    f(x)\nelse:\n    g()"),
        (
            "try:\n    'a'\n    f()\nexcept E:\n    'b'\nfinally:\n    'c'\n    g()",
            "try:\n    f()\nexcept E:\n    pass\nfinally:\n    g()",
        ),
        ("match x:\n    case 1:\n        'why'\n        f()", "match x:\n    case 1:\n        f()"),
        ("with f():\n    'why'", "with f():\n    pass"),
    ],
)
def test_comments_layout_and_docstrings_are_stripped(source: str, expected: str) -> None:
    """Layout, spelling, comments and strings without effect are gone, at any depth; an empty block passes."""
    assert text(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    x: int = 1", "def f():\n    x = 1"),
        ("def f():\n    x: int", "def f():\n    x: ..."),
        ("def f():\n    if c:\n        x: int = 1", "def f():\n    if c:\n        x = 1"),
        ("def f():\n    a.b: int = 1", "def f():\n    a.b = 1"),
        ("x: int = 1", "x: int = 1"),
        ("class C:\n    x: int = 1", "class C:\n    x: int = 1"),
        ("def f(x: int) -> str:\n    pass", "def f(x: int) -> str:\n    pass"),
    ],
)
def test_annotations_of_locals_are_stripped(source: str, expected: str) -> None:
    """Python never evaluates the annotation of a local, but it does those of parameters, modules and classes."""
    assert text(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(a: A, /, b: B=1, *c: C, d: D, **e: E) -> R:\n    pass", "def f(a, /, b=1, *c, d, **e):\n    pass"),
        ("def f():\n    def g(x: int):\n        pass", "def f():\n\n    def g(x):\n        pass"),
        ("class C:\n    def f(self, x: int):\n        pass", "class C:\n\n    def f(self, x):\n        pass"),
        ("@d\ndef f(x: int):\n    pass", "@d\ndef f(x: int):\n    pass"),
        (
            "@d\nclass C:\n    def f(self, x: int):\n        pass",
            "@d\nclass C:\n\n    def f(self, x: int):\n        pass",
        ),
    ],
)
def test_postponed_annotations_are_stripped_where_no_decorator_reads_them(source: str, expected: str) -> None:
    """With postponed annotations those of parameters go, unless a decorator of the function or its class sees them."""
    assert text(source, LAZY) == expected


@pytest.mark.parametrize(
    "source",
    [
        'def f():\n    """why"""\n    return 1',
        'class C(B):\n    """why"""\n    x: int = 1',
        "class C(B):\n    x = 1\n    'of x'",
    ],
)
def test_what_code_from_outside_may_read_stays(source: str) -> None:
    """A definition that is given to code outside the project keeps its docstring and its annotations."""
    assert text(source, EXPOSED) == source


def test_only_the_docstring_of_an_exposed_function_stays() -> None:
    """Any later string in an exposed function can't be read, and goes."""
    assert text("def f():\n    'why'\n    x = 1\n    'what'", EXPOSED) == 'def f():\n    """why"""\n    x = 1'


def test_a_class_in_an_exposed_class_is_exposed() -> None:
    """What is given a class is given the classes in it, too."""
    source = "class C:\n    class D:\n        'why'\n        def f(self, x: int):\n            'how'"
    module = parsed(source)
    strip(module.tree, lambda item: item.name == "C", is_lazy=True)
    assert all(word in ast.unparse(module.tree) for word in ("why", "how", "int"))


def test_settings_are_no_code() -> None:
    """The types and defaults of keyword-only parameters go, and no others."""
    function = ast.parse("def run(a: A = 1, *, b: B = 2, c): pass").body[0]
    without_settings(function)
    assert ast.unparse(function) == "def run(a: A=1, *, b, c):\n    pass"


def test_a_deep_statement_is_taken_as_it_is_written() -> None:
    """What is nested too deeply to be unparsed within Python's stack stands as in its file, with its comments."""
    terms = " + ".join(["1"] * 2000)
    module = parsed(f"x = {terms}  # why")
    assert is_deep(module.tree.body[0])
    assert text_of(module.tree.body[0], module.source) == f"x = {terms}  # why"
    assert not is_deep(ast.parse("x = " + "(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH).body[0])


@pytest.mark.parametrize(
    "source",
    [
        "f'{x}\\n'",
        "f'{{x}} {y}'",
        "f'{x!r:>{n}}'",
        "f'a\\\\{x}'",
        "f'{x}}}'",
        "f'''{x}\n\"quoted\" 'twice' '''",
        "f'{d[\"k\"]}\\t'",
        "rf'\\d{x}'",
    ],
)
def test_the_text_means_what_the_source_means(source: str) -> None:
    """An expression that Python's unparser may write wrongly has a text of the same meaning."""
    assert ast.dump(ast.parse(text(f"y = {source}"))) == ast.dump(ast.parse(f"y = {source}"))


def test_what_can_not_be_unparsed_is_taken_from_the_source() -> None:
    """A statement with a number too large to be written stands as in its file, from its first decorator on."""
    source = f"x = 1\n@one  # why\n@two\ndef f():\n    return {HUGE}\ny = 2\n"
    assert text(source) == f"x = 1\n@one  # why\n@two\ndef f():\n    return {HUGE}\n\ny = 2"


@pytest.mark.parametrize(
    ("source", "is_bare"),
    [("'a'", True), ("'a' 'b'", True), ("f'a'", False), ("b'a'", False), ("1", False), ("x = 'a'", False)],
)
def test_a_bare_string(source: str, is_bare: bool) -> None:
    """Only a plain string that stands alone has no effect as a statement."""
    assert is_bare_string(ast.parse(source).body[0]) == is_bare
