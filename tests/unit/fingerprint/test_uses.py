"""The free names that code uses: which are global, which an inner import binds, and which words and texts it has."""

import sys

import pytest
from modules import parsed

from redoit.fingerprint.uses import READS_ITSELF, Use, Uses, uses


def used(text: str) -> Uses:
    """Return what the statements of a module use."""
    module = parsed(text)
    return uses(module, module.tree.body)


def names(text: str) -> list[str]:
    """Return the free names of a module's statements, dotted, sorted, each once."""
    return sorted({".".join(use.chain) for use in used(text).names})


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("", ""),
        ("a.b.c", "a.b.c"),
        ("f(x).y", "f x"),
        ("def f(a, b=c): return a + d", "c d"),
        ("def f():\n    a = 1\n    return a", ""),
        ("def f():\n    global a\n    a = 1", "a"),
        ("def f(n):\n    def g(): return n + m\n    return g", "m"),
        ("lambda n: n + m", "m"),
        ("def f(n): return [n for n in m]", "m"),
        ("def f(xs): return {n: m for n in xs if n}", "m"),
        ("def f(xs): return sum(n * m for n in xs for m in k)", "k sum"),
        ("def f(x: A) -> B: pass", "A B"),
        ("@d\nclass C(B, metaclass=M):\n    a = 1\n    b = a", "B M a b d"),
        ("class C:\n    def f(self): return a\n    a = 1", "a"),
        ("class C:\n    def f(self): return __n", "_C__n"),
        ("class _C:\n    class D:\n        def f(self): return __n.x", "_C__n.x _D__n.x"),
        ("class C:\n    def f(self): return __name__", "__name__"),
        ("def f():\n    try: pass\n    except E as e: raise e", "E"),
        ("def f(x):\n    match x:\n        case C(a=1): return x", "C"),
        ("async def f():\n    async for x in xs: await x", "xs"),
    ],
)
def test_only_free_names_are_used(text: str, free: str) -> None:
    """Parameters and locals are not among the names; what a scope may look up in the module is."""
    assert names(text) == free.split()


def test_two_scopes_of_one_name_on_one_line_are_merged() -> None:
    """Of two lambdas on one line the same name is global if it is global in one of them."""
    assert names("g((lambda n: n), (lambda: n))") == ["g", "n"]


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("a.b = 1", Use(("a", "b"), is_stored=True)),
        ("del a.b", Use(("a", "b"), is_stored=True)),
        ("a.b += 1", Use(("a", "b"), is_stored=True)),
        ("a.b[0] = 1", Use(("a", "b"))),
        ("f(a.b)", Use(("a", "b"), argument_of="f")),
        ("m.f(1, key=a)", Use(("a",), argument_of="m.f")),
        ("g()(a)", Use(("a",))),
        ("f(a.b + 1)", Use(("a", "b"))),
    ],
)
def test_how_a_name_is_used(text: str, use: Use) -> None:
    """A use says whether its last attribute is assigned or deleted, and of which function it is an argument."""
    assert use in used(text).names


def test_a_called_name_has_its_call() -> None:
    """The use of a function holds the call, from which its arguments can be read."""
    (function,) = (use for use in used("m.f(1, k=2)").names if use.chain == ("m", "f"))
    assert function.call is not None
    assert [argument.arg for argument in function.call.keywords] == ["k"]


def test_inner_imports_have_the_kind_of_their_scope() -> None:
    """An import in a function or a class is found with that scope's kind, and the uses of the name that it binds."""
    found = used(
        "import a\nclass C:\n    import b\n    def f(self, z):\n        import c.d as e\n        return e.g(z)"
    )
    assert [kind for _, kind in found.imports] == ["module", "class", "function"]
    assert [use.chain for use in found.inner] == [("e", "g")]


@pytest.mark.parametrize("used_in", ["[m.f(x) for x in xs]", "{m.f(x): 1 for x in xs}", "list(m.f(x) for x in xs)"])
def test_an_inner_import_is_used_in_a_comprehension(used_in: str) -> None:
    """A comprehension uses what its function imports, whether this Python gives it a scope of its own or not."""
    found = used(f"def f(xs):\n    import steps.m as m\n    return {used_in}")
    assert [use.chain for use in found.inner] == [("m", "f")]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs type parameters, which Python 3.12 brought")
@pytest.mark.parametrize("text", ["def f[T](x: T):\n    {}", "class C[T]:\n    def f(self):\n        {}"])
def test_an_inner_import_is_used_in_generic_code(text: str) -> None:
    """The names of a generic function or class are found as those of any other."""
    found = used(text.format("import steps.m as m; return m.f()"))
    assert [use.chain for use in found.inner] == [("m", "f")]


def test_names_that_a_function_declares_global() -> None:
    """A global declaration is noted, and is a use by itself."""
    found = used("def f():\n    global n, m\n    n = 1")
    assert found.declared == {"n", "m"}
    assert {("n",), ("m",)} <= {use.chain for use in found.names}


def test_words_and_strings() -> None:
    """Names, attributes and strings that could be names are words; all other strings are kept whole."""
    found = used("a.b(x().c, 'd', 'e f', '', 'g.h', key=b'i')")
    assert found.words == {"a", "b", "x", "c", "d"}
    assert sorted(found.strings) == ["", "e f", "g.h"]


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("open(__file__)", True),
        ("Path(__file__).read_text()", True),
        ("Path(__file__).resolve().read_bytes()", True),
        ("Path(__file__).open()", True),
        ("open(__file__ + '.txt')", False),
        ("(Path(__file__).parent / 'a').read_text()", False),
        ("Path(__file__).with_name('a').read_text()", False),
        ("print(__file__)", False),
        ("Path(x).read_text()", False),
    ],
)
def test_code_that_reads_its_own_file(text: str, reads: bool) -> None:
    """Opening one's own file is noted as a word; opening a file beside it is not."""
    assert (READS_ITSELF in used(text).words) == reads


def test_code_that_does_not_compile_uses_all_its_names() -> None:
    """A module that parses but does not compile has no scopes, so each name in it counts as global."""
    assert names("def f(a):\n    return a\ndef g(b):\n    global b") == ["a", "b"]
