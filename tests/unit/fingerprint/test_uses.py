"""The free names that code uses: which are global, which an inner import binds, and which words and texts it has."""

import pytest
from modules import parsed

from redoit.fingerprint.uses import EVALUATES, READS_ITSELF, Use, Uses, uses


def used(text: str) -> Uses:
    """Return what the statements of a module use."""
    return uses(parsed(text).tree.body)


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
        ("class C:\n    def f(self): return __n", "__n"),
        ("class _C:\n    class D:\n        def f(self): return __n.x", "__n.x"),
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
        ("a.b[0] = 1", Use(("a", "b"))),
        ("f(a.b)", Use(("a", "b"), argument_of=("f",))),
        ("m.f(1, key=a)", Use(("a",), argument_of=("m", "f"))),
        ("g()(a)", Use(("a",))),
        ("f(a.b + 1)", Use(("a", "b"))),
    ],
)
def test_how_a_name_is_used(text: str, use: Use) -> None:
    """A use says of which function it is an argument; a name that is stored to is used, too."""
    assert use in used(text).names


def test_a_called_name_has_its_call() -> None:
    """The use of a function holds the call, from which its arguments can be read."""
    (function,) = (use for use in used("m.f(1, k=2)").names if use.chain == ("m", "f"))
    assert function.call is not None
    assert [argument.arg for argument in function.call.keywords] == ["k"]


def test_inner_imports_say_whether_others_can_reach_them() -> None:
    """What an import in a function binds is seen there alone; its uses are those of any name."""
    found = used(
        "import a\nclass C:\n    import b\n    def f(self, z):\n        import c.d as e\n        return e.g(z)"
    )
    imports = {alias.name: is_shared for item, is_shared in found.imports for alias in item.names}
    assert imports == {"a": True, "b": True, "c.d": False}
    assert ("e", "g") in {use.chain for use in found.names}


@pytest.mark.parametrize("used_in", ["[m.f(x) for x in xs]", "{m.f(x): 1 for x in xs}", "(lambda: m.f(1))()"])
def test_an_inner_import_is_used_in_scopes_inside(used_in: str) -> None:
    """A comprehension or a lambda uses what its function imports."""
    assert ("m", "f") in {use.chain for use in used(f"def f(xs):\n    import steps.m as m\n    return {used_in}").names}


def test_words_and_texts() -> None:
    """Names, attributes and all identifiers in texts are words; texts are kept, with the dotted names in them."""
    found = used("a.b(x().c, 'd', 'e > @f.g', key=b'i')")
    assert found.words == {"a", "b", "x", "c", "d", "e", "f", "g"}
    assert sorted(found.texts) == ["d", "e > @f.g"]
    assert ("f", "g") in found.named


@pytest.mark.parametrize(
    ("text", "evaluates"),
    [
        ("df.query(text)", True),
        ("pd.eval(text, df)", True),
        ("df.query('x > @n')", False),
        ("model.eval()", False),
        ("query(text)", False),
    ],
)
def test_a_text_from_elsewhere_that_is_evaluated(text: str, evaluates: bool) -> None:
    """A method that evaluates a text which does not stand in its call is noted as a word."""
    assert (EVALUATES in used(text).words) == evaluates


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("open(__file__)", True),
        ("Path(__file__).read_text()", True),
        ("Path(__file__).resolve().read_bytes()", True),
        ("Path(__file__).open()", True),
        ("open(__file__ + '.txt')", True),
        ("(Path(__file__).parent / 'a').read_text()", False),
        ("Path(__file__).with_name('a').read_text()", False),
        ("print(__file__)", True),
        ("Path(x).read_text()", False),
    ],
)
def test_code_that_reads_its_own_file(text: str, reads: bool) -> None:
    """Code that uses its own file's name may open it, unless it goes from there to files beside it."""
    assert (READS_ITSELF in used(text).words) == reads
