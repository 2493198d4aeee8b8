"""The names that a module binds at its top level, and the imports that bind them."""

import ast

import pytest
from modules import parsed

from redoit.source.names import (
    Alias,
    aliases,
    annotations,
    bindings,
    chain_of,
    executed,
    executed_imports,
    inner_nodes,
    is_lazy,
    outer_parts,
)


@pytest.mark.parametrize(
    ("text", "alias", "absolute"),
    [
        ("import a", Alias("a", "a", None, "a"), "import a"),
        ("import a.b", Alias("a", "a", None, "a.b"), "import a.b"),
        ("import a as a", Alias("a", "a", None, "a"), "import a"),
        ("import a.b as c", Alias("c", "a.b", None, "a.b"), "import a.b as c"),
        ("from a import b", Alias("b", "a", "b", "a"), "from a import b"),
        ("from a.b import c as d", Alias("d", "a.b", "c", "a.b"), "from a.b import c as d"),
        ("from a import *", Alias("*", "a", "*", "a"), "from a import *"),
        ("from . import b", Alias("b", "lib.sub", "b", "lib.sub"), "from lib.sub import b"),
        ("from .b import c", Alias("c", "lib.sub.b", "c", "lib.sub.b"), "from lib.sub.b import c"),
        ("from ..b import c", Alias("c", "lib.b", "c", "lib.b"), "from lib.b import c"),
        ("from .... import b", Alias("b", "", "b", ""), "from  import b"),
    ],
)
def test_an_import_is_made_absolute(text: str, alias: Alias, absolute: str) -> None:
    """An import in `lib.sub.m` has an alias with an absolute module, and its text; one above the top has no module."""
    module = parsed(text, "lib.sub.m")
    (found,) = aliases(module, module.tree.body[0])  # type: ignore[arg-type]
    assert found == alias
    assert found.text == absolute


def test_a_package_is_where_its_own_relative_imports_start() -> None:
    """`from . import b` in a package takes b from the package, not from the one around it."""
    module = parsed("from . import b, c as d", "lib.sub", is_package=True)
    found = aliases(module, module.tree.body[0])  # type: ignore[arg-type]
    assert [(alias.name, alias.module) for alias in found] == [("b", "lib.sub"), ("d", "lib.sub")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ""),
        ("x = 1", "x"),
        ("x: int", "x"),
        ("x += 1", "x"),
        ("del x", "x"),
        ("x.y = z[0] = 1", ""),
        ("a, (b, *c) = 1, (2, 3)", "a b c"),
        ("for a in b: c = a", "a c"),
        ("with f() as (a, b): pass", "a b"),
        ("try: a = 1\nexcept E as e: b = 1\nelse: c = 1\nfinally: d = 1", "a b c d e"),
        ("if c: import a.b\nelse: from a import d as e", "a e"),
        ("match x:\n    case {'k': a, **b}: pass\n    case [c, *d] as e: pass\n    case K(f=g): pass", "a b c d e g"),
        ("print(a := 1)", "a"),
        ("[a for a in b]", ""),
        ("[(a := c) for c in b]", "a"),
        ("lambda a: (b := 1)", ""),
        ("def f(a, b=(c := 1)): d = 1", "c f"),
        ("async def f(): a = 1", "f"),
        ("@(a := d)\nclass C(b := B, metaclass=(c := M)):\n    d = 1", "C a b c"),
    ],
)
def test_what_binds_a_name(text: str, names: str) -> None:
    """Whatever assigns, deletes or defines at the top level binds its names; other scopes keep theirs."""
    assert sorted(bindings(parsed(text)).names) == names.split()


def test_a_name_has_all_its_binders_in_order() -> None:
    """Each statement that binds a name is one of its binders, with the import in it, at any depth, that does so."""
    module = parsed("try:\n    from lib import a\nexcept ImportError:\n    a = None\na = 2\nfrom lib import *")
    found = bindings(module)
    first, last, _ = module.tree.body
    assert [binder.statement for binder in found.names["a"]] == [first, first, last]
    assert [binder.alias.text for binder in found.names["a"] if binder.alias] == ["from lib import a"]
    assert [star.text for star in found.stars] == ["from lib import *"]
    assert "*" not in found.names


def test_a_name_that_a_function_declares_global_is_bound_by_it() -> None:
    """`global n` binds n by the function, and says that n is reassigned; the word in a text alone says nothing."""
    found = bindings(parsed("m = 1\ndef f():\n    def g():\n        global n, m\n        n = 'global k'"))
    assert found.reassigned == {"n", "m"}
    assert [type(binder.statement) for name in ("n", "m") for binder in found.names[name]] == [
        ast.FunctionDef,
        ast.Assign,
    ]


@pytest.mark.parametrize(
    ("test", "is_main"),
    [
        ("__name__ == '__main__'", True),
        ("'__main__' == __name__", True),
        ("__name__ != '__main__'", False),
        ("__name__ == 'steps'", False),
        ("__name__ == '__main__' == x", False),
        ("__name__", False),
        ("TYPE_CHECKING", False),
    ],
)
def test_the_programs_own_block_binds_nothing(test: str, is_main: bool) -> None:
    """What stands below `if __name__ == "__main__"` is not of the module; any other condition is."""
    module = parsed(f"if {test}:\n    a = 1")
    assert (module.tree.body[0] not in executed(module)) == is_main
    assert ("a" in bindings(module).names) != is_main


def test_a_main_block_with_an_else_binds() -> None:
    """The else of `if __name__ == "__main__"` is executed by an import, so the whole statement counts."""
    assert sorted(bindings(parsed("if __name__ == '__main__':\n    a = 1\nelse:\n    b = 2")).names) == ["a", "b"]


def test_what_a_definition_lets_the_outer_scope_evaluate() -> None:
    """Decorators, bases, keywords and defaults are of the scope around a definition; bodies and annotations are not."""
    text = "@deco\ndef f(a: A, b=one, *, c, d=two) -> R: body\n@deco\nclass C(Base, key=Meta): body"
    function, definition = parsed(text).tree.body

    def names(statement: ast.stmt) -> list[str]:
        return sorted(item.id for item in inner_nodes(statement) if isinstance(item, ast.Name))

    assert names(function) == ["deco", "one", "two"]
    assert names(definition) == ["Base", "Meta", "deco"]
    assert len(list(outer_parts(function))) == 3
    assert list(outer_parts(ast.parse("x = 1").body[0])) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def f(a: A, /, b: B, *c: C, d: D, e, **g: G) -> R: pass", ["A", "B", "C", "D", "G", "R"]),
        ("async def f(a: A): pass", ["A"]),
        ("def f(a): pass", []),
    ],
)
def test_annotations_of_a_function(text: str, found: list[str]) -> None:
    """The annotations of all kinds of parameters are found, that of the result last."""
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    assert [ast.unparse(each) for each in annotations(function)] == found


@pytest.mark.parametrize(
    ("text", "chain"),
    [("a", ("a",)), ("a.b.c", ("a", "b", "c")), ("f().b", ()), ("a[0].b", ()), ("'a'.b", ()), ("a + b", ())],
)
def test_only_a_dotted_name_is_a_chain(text: str, chain: tuple[str, ...]) -> None:
    """A name with attributes is a chain; the attribute of any other expression is not."""
    assert chain_of(ast.parse(text, mode="eval").body) == chain


@pytest.mark.parametrize(
    ("text", "is_executed"),
    [
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING: a = 1", False),
        ("import typing\nif typing.TYPE_CHECKING: a = 1", False),
        ("from steps.m import TYPE_CHECKING\nif TYPE_CHECKING: a = 1", True),
        ("from math import pi as TYPE_CHECKING\nif TYPE_CHECKING: a = 1", True),
        ("from steps.m import *\nif TYPE_CHECKING: a = 1", True),
        ("from typing import TYPE_CHECKING\nTYPE_CHECKING: bool = True\nif TYPE_CHECKING: a = 1", True),
    ],
)
def test_only_typings_own_constant_is_never_true(text: str, is_executed: bool) -> None:
    """What stands below `if TYPE_CHECKING` is skipped only where that name can be no other than that of typing."""
    assert ("a" in bindings(parsed(text)).names) == is_executed


def test_imports_that_an_import_executes() -> None:
    """Imports in classes and other statements are executed, those in functions are not."""
    text = (
        "import a\nclass C:\n    import b\nif x:\n    import c\ndef f():\n    import d\ntry: pass\nexcept E: import e"
    )
    found = executed_imports(parsed(text))
    assert [alias.loads for alias in found] == ["a", "b", "c", "e"]
    assert [alias.loads for alias in bindings(parsed(text)).inner["d"]] == ["d"]


def test_postponed_annotations() -> None:
    """A module says whether its annotations are evaluated where they stand."""
    assert is_lazy(parsed("from __future__ import annotations"))
    assert not is_lazy(parsed("from __future__ import division"))
