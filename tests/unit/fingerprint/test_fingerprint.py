# ruff: noqa: E501 - an edit is a line, however long
"""What `code_of` takes for the code that a step can reach: files in, an edit, and whether the fingerprint follows."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modules import Files, written

from redoit.errors import DeclarationError, SourceError
from redoit.fingerprint import code_of
from redoit.model import Code
from redoit.source.project import Project

RUN = "steps.train:run"


def code(root: Path, step: str = "steps.train") -> Code:
    """Return the code of a step as it is on disk now."""
    return code_of(Project(root), step)


def digests(found: Code) -> dict[str, str]:
    """Return what the action key sees of the code."""
    return {part.name: part.digest for part in found.parts}


def changed_parts(root: Path, files: Files, edit: Files) -> set[str]:
    """Return the names of the parts that an edit changes, adds or removes."""
    before = digests(code(written(root, files)))
    after = digests(code(written(root, edit)))
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


# Each row: what is edited, the project, the file, the text replaced, the text in its place, and `same` or the part that changes.
Row = tuple[str, Files, str, str, str, str]
T, M, H = "steps/train.py", "steps/model.py", "steps/deep.py"
CHAIN = {
    T: "from steps.model import build\n\ndef run(x):\n    return build(x)\n",
    M: "from steps import deep\nSIZE = 3\nOTHER = 4\n\ndef build(x):\n    return deep.layer(x, SIZE)\n\n\ndef unrelated():\n    return OTHER\n",
    H: "def layer(x, n):\n    return x + n\n",
}
PACKAGE = {
    T: "from lib import tool\n\ndef run():\n    return tool()\n",
    "lib/__init__.py": "from lib.one import tool\n",
    "lib/one.py": "def tool():\n    return 1\n",
    "lib/two.py": "def tool():\n    return 1\n",
}


def one(text: str, **others: str) -> Files:
    """Return a project of a step, and of other modules in `steps` by name."""
    return {T: text, **{f"steps/{name}.py": other for name, other in others.items()}}


CHANGED: list[Row] = [
    ("a function two modules away", CHAIN, H, "x + n", "x - n", "steps.deep:layer"),
    ("a constant", CHAIN, M, "SIZE = 3", "SIZE = 5", "steps.model:SIZE"),
    ("a constant's type", CHAIN, M, "SIZE = 3", "SIZE = 3.0", "steps.model:SIZE"),
    ("a class", one("from steps.m import C\ndef run(): return C().f()", m="class C:\n    def f(self): return 1"), "steps/m.py", "1", "2", "steps.m:C"),
    ("a base class's method", one("from steps.m import C\ndef run(): return C().f()", m="class B:\n    def f(self): return 1\nclass C(B): pass"), "steps/m.py", "1", "2", "steps.m:B"),
    ("a decorator", one("from steps.m import twice\n@twice\ndef f(): return 1\ndef run(): return f()", m="def twice(f): return lambda: f() * 2"), "steps/m.py", "* 2", "* 3", "steps.m:twice"),
    ("a decorator's argument", one("import functools\n@functools.lru_cache(maxsize=1)\ndef f(): return 1\ndef run(): return f()"), T, "=1", "=2", "steps.train:f"),
    ("a default", one("N = 1\ndef run(x=N): return x"), T, "N = 1", "N = 2", "steps.train:N"),
    ("an alias swap", one("from steps.m import f as g, g as f\ndef run(): return f()", m="def f(): return 1\ndef g(): return 2"), T, "f as g, g as f", "f, g", "steps.train:import f"),
    ("a module's alias", one("import steps.m as x, steps.n as y\ndef run(): return x.f()", m="def f(): return 1", n="def f(): return 1"), T, "steps.m as x, steps.n as y", "steps.n as x, steps.m as y", "steps.train:import x"),
    ("a function behind a re-export", PACKAGE, "lib/one.py", "1", "2", "lib.one:tool"),
    ("a re-pointed re-export", PACKAGE, "lib/__init__.py", "lib.one", "lib.two", "lib:import tool"),
    ("a relative import", {T: "from . import m\nfrom .m import g\ndef run(): return m.f() + g()", "steps/__init__.py": "", "steps/m.py": "def f(): return 1\ndef g(): return 2"}, "steps/m.py", "return 2", "return 3", "steps.m:g"),
    ("import a.b.c", {T: "import a.b.c\ndef run(): return a.b.c.f()", "a/__init__.py": "", "a/b/__init__.py": "", "a/b/c.py": "def f(): return 1"}, "a/b/c.py", "1", "2", "a.b.c:f"),
    ("an import inside a function", one("def run():\n    from steps.m import f\n    return f()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:f"),
    ("a module imported inside a function", one("def run():\n    import steps.m as m\n    return (lambda: m.f())()", m="def f(): return 1\ndef g(): return 5"), "steps/m.py", "1", "2", "steps.m:f"),
    ("a module imported inside a function, in a comprehension", one("def run(xs):\n    import steps.m as m\n    return [m.f(x) for x in xs]", m="def f(x): return x + 1"), "steps/m.py", "1", "2", "steps.m:f"),
    ("an effect of a module imported inside a function", one("def run():\n    import steps.m\n", m="print(1)"), "steps/m.py", "1", "2", "steps.m:<module>"),
    ("a dict of functions", one("def f(): return 1\nTABLE = {'f': f}\ndef run(k): return TABLE[k]()"), T, "1", "2", "steps.train:f"),
    ("a partial", one("from functools import partial\ndef f(x): return x + 1\ng = partial(f, 2)\ndef run(): return g()"), T, "x + 1", "x + 2", "steps.train:f"),
    ("a lambda", one("def f(): return 1\ng = lambda: f()\ndef run(): return g()"), T, "1", "2", "steps.train:f"),
    ("a conditional import", one("import os\nif os.environ.get('X'):\n    from steps.m import f\nelse:\n    from steps.n import f\ndef run(): return f()", m="def f(): return 1", n="def f(): return 2"), "steps/n.py", "2", "3", "steps.n:f"),
    ("the condition of an import", one("import os\nif os.environ.get('X'):\n    from steps.m import f\nelse:\n    from steps.n import f\ndef run(): return f()", m="def f(): return 1", n="def f(): return 2"), T, "'X'", "'Y'", "steps.train:<module>"),
    ("try/except ImportError", one("try:\n    from steps.m import f\nexcept ImportError:\n    f = None\ndef run(): return f()", m="def f(): return 1"), T, "None", "print", "steps.train:f"),
    ("a function under a star import", one("from steps.m import *\ndef run(): return f()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:f"),
    ("getattr on a module", one("from steps import m\ndef run(k): return getattr(m, k)()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("what getattr may find imported in a module", one("from steps import m\ndef run(k): return getattr(m, k)()", m="from steps.n import g", n="def g(): return 1"), "steps/n.py", "1", "2", "steps.n:g"),
    ("importlib with a literal", one("import importlib\ndef run(): return importlib.import_module('steps.m').f()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("importlib, relative", one("from importlib import import_module as load\ndef run(): return load('.m', 'steps').f()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("importlib below a prefix", one("import importlib\ndef run(k): return importlib.import_module(f'steps.m_{k}').f()", m_a="def f(): return 1"), "steps/m_a.py", "1", "2", "steps.m_a:*"),
    ("importlib by concatenation", one("import importlib\ndef run(k): return importlib.import_module('steps.' + k).f()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("importlib of anything", {**one("import importlib\ndef run(k): return importlib.import_module(k).f()"), "other.py": "def f(): return 1"}, "other.py", "1", "2", "other:*"),
    ("__import__", one("def run(): return __import__('steps.m').m.f()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("exec", one("def f(): return 1\ndef run(text): exec(text)"), T, "1", "2", "steps.train:*"),
    ("what exec may use", one("from steps.m import f\ndef run(): return eval('f()')", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:f"),
    ("what exec may import", {**one("def run(): exec('import other')"), "other.py": "print(1)"}, "other.py", "1", "2", "other:*"),
    ("a monkeypatch", one("from steps import m\ndef g(): return 2\nm.f = g\ndef run(): return m.h()", m="def f(): return 1\ndef h(): return f()"), T, "return 2", "return 3", "steps.train:g"),
    ("what is monkeypatched", one("from steps import m\ndef run():\n    m.f = None\n    return m.h()", m="def f(): return 1\ndef h(): return f()\nA = 1"), "steps/m.py", "A = 1", "A = 2", "same"),
    ("a plug-in imported for its effect", one("import steps.plug\nfrom steps.m import TABLE\ndef run(k): return TABLE[k]()", m="TABLE = {}", plug="from steps.m import TABLE\ndef f(): return 1\nTABLE['f'] = f"), "steps/plug.py", "1", "2", "steps.plug:f"),
    ("the order of plug-ins", one("import steps.a\nimport steps.b\ndef run(): pass", a="print(1)", b="print(2)"), T, "import steps.a\nimport steps.b", "import steps.b\nimport steps.a", "steps.train:<module>"),
    ("an effect of a parent package", {**one("def run(): pass"), "steps/__init__.py": "print(1)"}, "steps/__init__.py", "1", "2", "steps:<module>"),
    ("a registered function", one("from steps.m import register, TABLE\n@register\ndef f(): return 1\ndef run(k): return TABLE[k]()", m="TABLE = {}\ndef register(f):\n    TABLE[f.__name__] = f\n    return f"), T, "return 1", "return 2", "steps.train:<module>"),
    ("a statement of a module", one("import os\nos.environ['A'] = '1'\ndef run(): pass"), T, "'1'", "'2'", "steps.train:<module>"),
    ("the order of statements", one("print(1)\nprint(2)\ndef run(): pass"), T, "print(1)\nprint(2)", "print(2)\nprint(1)", "steps.train:<module>"),
    ("a nested function", one("def f(): return 1\ndef run():\n    def g(): return f()\n    return g()"), T, "return 1", "return 2", "steps.train:f"),
    ("a closure", one("def outer(n):\n    def inner(): return n + 1\n    return inner\nrun_it = outer\ndef run(): return run_it(2)()"), T, "n + 1", "n + 2", "steps.train:outer"),
    ("a dataclass default", one("from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 1\ndef run(): return C()"), T, "= 1", "= 2", "steps.train:C"),
    ("a dataclass annotation", one("from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass C:\n    n: int\ndef run(): return C(1)"), T, "n: int", "n: ClassVar[int]", "steps.train:C"),
    ("a match class pattern", one("class C:\n    __match_args__ = ('a',)\ndef run(x):\n    match x:\n        case C(a): return a"), T, "'a'", "'b'", "steps.train:C"),
    ("an async function", one("import asyncio\nasync def f(): return 1\ndef run(): return asyncio.run(f())"), T, "1", "2", "steps.train:f"),
    ("a comprehension", one("N = 1\ndef run(xs): return [x + N for x in xs]"), T, "N = 1", "N = 2", "steps.train:N"),
    ("a global beside the variable of a comprehension", one("n = 1\ndef run(xs): return [n for n in xs], [n for x in xs]"), T, "n = 1", "n = 2", "steps.train:n"),
    ("a global that a comprehension of a class sees past an attribute", one("n = 1\nclass C:\n    n = 2\n    all = [n for x in (1,)]\ndef run(): return C.all"), T, "n = 1", "n = 3", "steps.train:n"),
    ("a local import in a lambda in a comprehension", one("def run(xs):\n    import steps.m as m\n    return {x: [lambda: m.f(y) for y in x] for x in xs}", m="def f(x): return 1"), "steps/m.py", "1", "2", "steps.m:f"),
    ("a local import in a comprehension of a class that hides it", one("def run():\n    import steps.m as m\n    class C:\n        m = 1\n        all = [m.f(x) for x in (1,)]\n    return C.all", m="def f(x): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("an f-string", one("N = 1\ndef run(): return f'{N:>{N}}'"), T, "N = 1", "N = 2", "steps.train:N"),
    ("an f-string's text", one("def run(x): return f'a{x!r:>3}'"), T, "!r", "!s", RUN),
    ("a property", one("class C:\n    @property\n    def p(self): return 1\ndef run(): return C().p"), T, "1", "2", "steps.train:C"),
    ("a registry by __init_subclass__", one("from steps.m import B\nclass C(B):\n    def f(self): return 1\ndef run(): return B.all[0]().f()", m="class B:\n    all = []\n    def __init_subclass__(cls): B.all.append(cls)"), T, "1", "2", "steps.train:C"),
    ("a subclass of a class from outside", one("import keras\nclass Net(keras.Model):\n    def call(self, x): return x + 1\ndef run(): pass"), T, "+ 1", "+ 2", "steps.train:<module>"),
    ("a metaclass's subclass", one("class Meta(type): pass\nclass C(metaclass=Meta):\n    a = 1\ndef run(): pass"), T, "a = 1", "a = 2", "steps.train:<module>"),
    ("singledispatch", one("from functools import singledispatch\n@singledispatch\ndef f(x): return 0\n@f.register\ndef _(x: int): return 1\ndef run(x): return f(x)"), T, "return 1", "return 2", "steps.train:<module>"),
    ("global", one("N = 1\ndef run():\n    global N\n    N += 1"), T, "N = 1", "N = 2", "steps.train:N"),
    ("an augmented assignment", one("N = 1\nN += 1\ndef run(): return N"), T, "+= 1", "+= 2", "steps.train:N"),
    ("del", one("N = list\nlist = 3\ndel list\ndef run(): return list"), T, "del list\n", "", "steps.train:list"),
    ("a walrus", one("print(n := 3)\ndef run(): return n"), T, "3", "4", "steps.train:n"),
    ("an annotation that is evaluated", one("def run(x: int): pass"), T, "int", "print(1)", RUN),
    ("an annotation that a decorator may read", one("from __future__ import annotations\nfrom steps.m import deco\n@deco\ndef f(x: int): pass\ndef run(): f(1)", m="def deco(f): return f"), T, "x: int", "x: str", "steps.train:f"),
    ("a docstring that reached code reads", one("def f():\n    'a'\ndef run(): return f.__doc__"), T, "'a'", "'b'", "steps.train:f"),
    ("a comment that reached code reads", one("import inspect\ndef f(): return 1\ndef run(): return inspect.getsource(f)"), T, "return 1", "return 1  # one", "steps.train:*"),
    ("a subclass found by __subclasses__", one("class B: pass\nclass C(B):\n    a = 1\ndef run(): return B.__subclasses__()"), T, "a = 1", "a = 2", "steps.train:*"),
    ("a name found in sys.modules", one("import sys\ndef f(): return 1\ndef run(k): return getattr(sys.modules[__name__], k)()"), T, "return 1", "return 2", "steps.train:*"),
    ("a name found in globals()", one("def f(): return 1\ndef run(k): return globals()[k]()"), T, "return 1", "return 2", "steps.train:*"),
    ("a rebinding after a use", one("A = 1\nB = A\nA = 2\ndef run(): return B"), T, "B = A\nA = 2", "A = 2\nB = A", "steps.train:<module>"),
    ("a look into what is changed later", one("NAMES = []\nNAMES.append(1)\nCOPY = list(NAMES)\nNAMES.append(2)\ndef run(): return COPY"), T, "COPY = list(NAMES)\nNAMES.append(2)", "NAMES.append(2)\nCOPY = list(NAMES)", "steps.train:<module>"),
    ("the setting of the environment before an import", one("import os\nos.environ['TF'] = '1'\nimport tensorflow\ndef run(): pass"), T, "os.environ['TF'] = '1'\nimport tensorflow", "import tensorflow\nos.environ['TF'] = '1'", "steps.train:<module>"),
    ("the order of imports from outside", one("import unsloth\nimport transformers\ndef run(): pass"), T, "import unsloth\nimport transformers", "import transformers\nimport unsloth", "steps.train:<module>"),
    ("a private name in a class", one("_C__n = 1\nclass C:\n    def f(self): return __n\ndef run(): return C().f()"), T, "_C__n = 1", "_C__n = 2", "steps.train:_C__n"),
    ("two lambdas on one line", one("N = 1\ndef run(): return (lambda N: N)(lambda: N)"), T, "N = 1", "N = 2", "steps.train:N"),
    ("an else of TYPE_CHECKING", one("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    N = 1\ndef run(): return N"), T, "N = 1", "N = 2", "steps.train:N"),
    ("a module's __getattr__", one("from steps import m\ndef run(): return m.anything", m="def __getattr__(name): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("a module named in a text", one("import subprocess, sys\ndef run(): subprocess.run([sys.executable, 'steps/m.py'])", m="print(1)"), "steps/m.py", "1", "2", "steps.m:*"),
    ("a sort by a function", one("SEEN = []\ndef key(x): SEEN.append(x)\nA = sorted([1], key=key)\ndef run(): return SEEN"), T, "append(x)", "append(1)", "steps.train:key"),
    ("a bare annotation that makes a name local", one("x = 1\ndef run():\n    try: return x\n    except NameError: return 2"), T, "    try:", "    x: int\n    try:", RUN),
    ("a package's submodule behind its own name", {T: "import lib.b\nfrom lib import b\ndef run(): return b.f()", "lib/__init__.py": "b = 1", "lib/b.py": "def f(): return 1"}, "lib/b.py", "1", "2", "lib.b:f"),
    ("what a dynamic import by keyword names", one("from importlib import import_module\ndef run(): return import_module(name='steps.m').f()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("what an importer passed on may import", one("import importlib\nload = importlib.import_module\ndef run(k): return load(k)", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("a module's docstring that reached code reads", one("'a'\ndef run(): return __doc__"), T, "'a'", "'b'", "steps.train:*"),
    ("another module's docstring", one("from steps import m\ndef run(): return m.__doc__", m="'a'"), "steps/m.py", "'a'", "'b'", "steps.m:*"),
    ("a module that reads its own file", one("from pathlib import Path\ndef run(): return Path(__file__).resolve().read_text()"), T, "def run", "# comment\ndef run", "steps.train:*"),
    ("a submodule found by getattr on a bare package", one("import steps, steps.m\ndef run(k): return getattr(steps, k).f()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("a submodule that __all__ names", {T: "from lib import *\ndef run(): return sub.f()", "lib/__init__.py": "__all__ = ['sub']", "lib/sub.py": "def f(): return 1"}, "lib/sub.py", "1", "2", "lib.sub:*"),
    ("a module run by name", one("import subprocess, sys\ndef run(): subprocess.run('python -m steps.m', shell=True)", m="print(1)"), "steps/m.py", "1", "2", "steps.m:*"),
    ("an entry point in a top-level module", {**one("import subprocess\ndef run(): subprocess.run(['serve', 'other:f'])"), "other.py": "def f(): return 1"}, "other.py", "1", "2", "other:*"),
    ("a module run by one plain name", {**one("import subprocess, sys\ndef run(): subprocess.run([sys.executable, '-m', 'other'])"), "other.py": "print(1)"}, "other.py", "1", "2", "other:*"),
    ("a file beside the code, run", one("import runpy\nfrom pathlib import Path\ndef run(): runpy.run_path(str(Path(__file__).with_name('m.py')))", m="print(1)"), "steps/m.py", "1", "2", "steps.m:*"),
    ("a class named in a configuration", one("import hydra\ndef run(): return hydra.utils.instantiate({'_target_': 'steps.m.Net'})", m="class Net:\n    a = 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("an enum mixed with a class that does things", one("import enum\nclass Mix:\n    def __init__(self, *a): print(a)\nclass E(Mix, enum.Enum):\n    A = 1\ndef run(): pass"), T, "A = 1", "A = 2", "steps.train:<module>"),
    ("an enum with an __init__", one("import enum\nclass E(enum.Enum):\n    A = 1\n    def __init__(self, *a): print(a)\ndef run(): pass"), T, "A = 1", "A = 2", "steps.train:<module>"),
    ("a decorator that a class hides", one("def f(x): print(x)\nclass C:\n    property = f\n    @property\n    def g(self): return 1\ndef run(): pass"), T, "return 1", "return 2", "steps.train:<module>"),
    ("annotations that singledispatch reads in a call", one("from __future__ import annotations\nfrom functools import singledispatch\n@singledispatch\ndef f(x): return 0\ndef g(x: int): return 1\nf.register(g)\ndef run(x): return f(x)"), T, "x: int", "x: str", "steps.train:g"),
    ("a docstring under a base from outside", one("import dspy\nclass Ask(dspy.Signature):\n    'a'\n    x = 1\ndef run(): return Ask"), T, "'a'", "'b'", "steps.train:Ask"),
    ("a docstring under a decorator from outside", one("from agents import tool\n@tool\ndef f():\n    'a'\ndef run(): return f()"), T, "'a'", "'b'", "steps.train:f"),
    ("a docstring under a base from outside, by way of the project", one("from steps.m import Base\nclass Ask(Base):\n    'a'\ndef run(): return Ask", m="import dspy\nclass Base(dspy.Signature): pass"), T, "'a'", "'b'", "steps.train:Ask"),
    ("postponed annotations", one("def run(x: int): pass"), T, "def run(x: int)", "from __future__ import annotations\ndef run(x: int)", "steps.train:<module>"),
    ("a module imported as a global by a function", one("def load():\n    global m\n    import steps.m as m\ndef run():\n    load()\n    return m.f()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("a module in a class", one("class C:\n    import steps.m as m\n    def f(self): return self.m.f()\ndef run(): return C().f()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("a name bound by a loop", one("for n in (1, 2):\n    pass\ndef run(): return n"), T, "(1, 2)", "(1, 3)", "steps.train:n"),
    ("a name bound by with", one("import io\nwith io.StringIO('1') as f:\n    x = f.read()\ndef run(): return x"), T, "'1'", "'2'", "steps.train:x"),
    ("an alias of a function", one("from steps import m\ng = m.f\ndef run(): return g()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:f"),
    ("a new function that hides a built-in", one("def run(x): return len(x)"), T, "def run", "def len(x): return 0\ndef run", "steps.train:len"),
    ("an import's place after a change of what it imports", one("import steps.p\nfrom steps.config import LR\ndef run(): return LR", p="from steps import config\nconfig.LR = 2", config="LR = 1"), T, "import steps.p\nfrom steps.config import LR", "from steps.config import LR\nimport steps.p", "steps.train:<module>"),
    ("an import's place after a call that rebinds", one("import steps.p\nfrom steps.config import LR\ndef run(): return LR", p="from steps import config\nconfig.change()", config="LR = 1\ndef change():\n    global LR\n    LR = 2"), T, "import steps.p\nfrom steps.config import LR", "from steps.config import LR\nimport steps.p", "steps.train:<module>"),
    ("a class attribute read before it is changed", one("class C:\n    lr = 1\nA = C.lr\nC.lr = 2\ndef run(): return A"), T, "A = C.lr\nC.lr = 2", "C.lr = 2\nA = C.lr", "steps.train:<module>"),
    ("a default read before it is changed", one("XS = [1]\ndef f(n=len(XS)): return n\nXS.append(2)\ndef run(): return f()"), T, "def f(n=len(XS)): return n\nXS.append(2)", "XS.append(2)\ndef f(n=len(XS)): return n", "steps.train:<module>"),
    ("a base class by an attribute of a module", one("from steps import m\nclass C(m.B): pass\ndef run(): return C().f()", m="class B:\n    def f(self): return 1"), "steps/m.py", "1", "2", "steps.m:B"),
    ("a package's path", {T: "from lib import x\ndef run(): return x", "lib/__init__.py": "__path__ = ['elsewhere']\nx = 1"}, "lib/__init__.py", "elsewhere", "other", "lib:*"),
    ("a module outside of its path", {T: "import sys\nsys.path.insert(0, 'tools')\nimport thing\ndef run(): return thing.f()", "tools/thing.py": "def f(): return 1"}, "tools/thing.py", "1", "2", "thing:f"),
    ("a submodule of an import from outside", one("import plugin.one\ndef run(): pass"), T, "plugin.one", "plugin.two", "steps.train:<module>"),
    ("a function with global in another's name", one("def up():\n    global N\n    N = 1\ndef run():\n    up()\n    return N"), T, "N = 1", "N = 2", "steps.train:up"),
    ("a default of a lambda", one("K = 1\nf = lambda x=K: x\ndef run(): return f()"), T, "K = 1", "K = 2", "steps.train:K"),
    ("an exception", one("class E(Exception): code = 1\ndef run(f):\n    try: f()\n    except E as e: return e.code"), T, "code = 1", "code = 2", "steps.train:E"),
    ("a name in a string annotation", one("from __future__ import annotations\nfrom dataclasses import dataclass, fields\nfrom steps.m import C\n@dataclass\nclass D:\n    x: C\ndef run(): return eval(fields(D)[0].type)", m="class C:\n    a = 1"), "steps/m.py", "1", "2", "steps.m:C"),
    ("a finally", one("def run(f):\n    try: f()\n    finally: print(1)"), T, "1", "2", RUN),
    ("a class with an effect in its body", one("class C:\n    print(1)\ndef run(): pass"), T, "1", "2", "steps.train:<module>"),
    ("a project class made at the top level", one("class C:\n    def __init__(self): print(1)\nc = C()\ndef run(): pass"), T, "print(1)", "print(2)", "steps.train:C"),
    ("an operator with an effect", one("from steps.m import a, b\nflow = a >> b\ndef run(): pass", m="class N:\n    def __rshift__(self, o): print(1)\na = N()\nb = N()"), "steps/train.py", "a >> b", "b >> a", "steps.train:<module>"),
    ("a descriptor with an effect", one("class D:\n    def __set_name__(self, o, n): print(n)\nd = D()\nclass C:\n    x = d\ndef run(): pass"), T, "    x = d", "    y = d", "steps.train:<module>"),
    ("a submodule that hides its package's name", {T: "import lib.b\nimport lib\ndef run(): return lib.b.f()", "lib/__init__.py": "from lib.c import b", "lib/b.py": "def f(): return 1", "lib/c.py": "b = 1"}, "lib/b.py", "1", "2", "lib.b:f"),
    ("an attribute assigned twice", one("def f(): pass\nf.n = 1\ndef run(): return f.n"), T, "f.n = 1", "f.n = 2", "steps.train:<module>"),
    ("what an unpacking takes apart", one("A, (B, *C) = 1, (2, 3)\ndef run(): return C"), T, "3)", "4)", "steps.train:C"),
    ("a conditional function", one("import sys\nif sys.platform == 'x':\n    def f(): return 1\nelse:\n    def f(): return 2\ndef run(): return f()"), T, "return 2", "return 3", "steps.train:f"),
    ("an import in a dotted local name", one("def run():\n    import steps.m\n    return steps.m.f()", m="def f(): return 1\ndef g(): pass"), "steps/m.py", "1", "2", "steps.m:f"),
    ("a partial over getattr", one("from functools import partial\nfrom steps import m\nget = partial(getattr, m)\ndef run(k): return get(k)()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("modules in a tuple", one("from steps import m, n\nALL = m, n\ndef run(): return [x.f() for x in ALL]", m="def f(): return 1", n="def f(): return 1"), "steps/n.py", "1", "2", "steps.n:*"),
    ("a huge number", one(f"N = 0x{'f' * 5000}\ndef run(): return N"), T, "0xf", "0xe", "steps.train:N"),
    ("a name used before it is bound", one("class B: pass\nclass C(B): pass\ndef run(): return C"), T,
     "class B: pass\nclass C(B): pass", "class C(B): pass\nclass B: pass", "steps.train:<module>"),
    ("a function moved below its call", one("def f(): return g()\ndef g(): return 1\nX = f()\ndef run(): return X"), T,
     "def g(): return 1\nX = f()", "X = f()\ndef g(): return 1", "steps.train:<module>"),
    ("an unused import of what is gone", one("from steps.m import f, g\ndef run(): return f()",
     m="def f(): return 1\ndef g(): return 2"), "steps/m.py", "def g", "def h", "steps.m:*"),
    ("an import that hides a package's name", {T: "import lib.b\nfrom lib import b\ndef run(): return b",
     "lib/__init__.py": "b = 1", "lib/b.py": ""}, T, "import lib.b\n", "", "steps.train:<module>"),
    ("a module that shadows the standard library", {T: "import string\ndef run(): return string.f()", "string.py": "def f(): return 1"}, "string.py", "1", "2", "string:f"),
    ("a name of another encoding", one("É = 1\ndef run(): return É"), T, "É = 1", "É = 2", "steps.train:É"),
    ("a type's dynamic base", one("class B:\n    a = 1\nC = type('C', (B,), {})\ndef run(): return C.a"), T, "a = 1", "a = 2", "steps.train:B"),
]
SAME: list[Row] = [
    ("a comment", CHAIN, H, "return x + n", "return x + n  # more", "same"),
    ("a docstring", CHAIN, H, "n):\n", 'n):\n    """Add."""\n', "same"),
    ("a module's docstring", CHAIN, H, "def layer", '"""All."""\n\ndef layer', "same"),
    ("a class's docstring", one("class C:\n    'a'\n    x = 1\ndef run():\n    c = C()\n    return c.x"), T, "'a'", "'b'", "same"),
    ("layout", CHAIN, H, "x + n", "(x\n        + n)", "same"),
    ("blank lines", CHAIN, M, "\n\n\ndef", "\n\n\n\n\n\ndef", "same"),
    ("quotes", one("def run(): return 'a'"), T, "'a'", '"a"', "same"),
    ("a line break in a call", one("def run(f): return f(1, 2)"), T, "f(1, 2)", "f(\n    1,\n    2,\n)", "same"),
    ("the spelling of a number", one("def run(): return 1000, 0.001"), T, "1000, 0.001", "1_000, 1e-3", "same"),
    ("a function that nothing reaches", CHAIN, M, "return OTHER", "return OTHER + 1", "same"),
    ("a constant that nothing reaches", CHAIN, M, "OTHER = 4", "OTHER = 5", "same"),
    ("a class that nothing reaches", one("class C:\n    a = 1\n    def f(self): return 1\ndef run(): pass"), T, "a = 1", "a = 2", "same"),
    ("a dataclass that nothing reaches", one("from dataclasses import dataclass\n@dataclass(frozen=True)\nclass C:\n    a: list[int]\ndef run(): pass"), T, "a: list[int]", "b: list[int]", "same"),
    ("an enum that nothing reaches", one("import enum\nclass C(enum.Enum):\n    A = enum.auto()\nD = C.A\ndef run(): pass"), T, "A = enum.auto()", "A = 3", "steps.train:<module>"),
    ("a new function", CHAIN, M, "def unrelated", "def new(x):\n    return [x]\n\ndef unrelated", "same"),
    ("the order of definitions", one("def a(): return 1\ndef b(): return 2\ndef run(): return a() + b()"), T, "def a(): return 1\ndef b(): return 2", "def b(): return 2\ndef a(): return 1", "same"),
    ("a module that nothing imports", {**CHAIN, "steps/other.py": "print(1)"}, "steps/other.py", "1", "2", "same"),
    ("a broken module that nothing imports", {**CHAIN, "steps/other.py": "print(1)"}, "steps/other.py", "print(1)", "print(", "same"),
    ("an unused import of the standard library", CHAIN, M, "SIZE = 3", "import json\nSIZE = 3", "same"),
    ("an unused import of a module without effects", CHAIN, T, "from steps.model", "from steps import deep\nfrom steps.model", "steps.train:<module>"),
    ("an absolute import made relative", {**CHAIN, "steps/__init__.py": ""}, M, "from steps import deep", "from . import deep", "same"),
    ("an annotation that nothing evaluates", one("from __future__ import annotations\ndef f(x: int) -> int: return x\ndef run(): return f(1)"), T, "x: int", "x: float", "same"),
    ("an annotation of a local", one("def run():\n    x: int = 1\n    return x"), T, "x: int = 1", "x = 1", "same"),
    ("the program's own block", one("def run(): pass\nif __name__ == '__main__':\n    print(1)"), T, "print(1)", "run()", "same"),
    ("a TYPE_CHECKING block", one("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from steps.m import C\ndef run(): pass", m="print(1)"), "steps/m.py", "1", "2", "same"),
    ("a global that the variable of a comprehension hides", one("n = 1\ndef run(xs): return {n: [lambda: n for x, *n in n] for n in xs}"), T, "n = 1", "n = 2", "same"),
    ("a global that the variable of a module's comprehension hides", one("n = 1\nTABLE = [n for n in (1, 2)]\ndef run(): return TABLE"), T, "n = 1", "n = 2", "same"),
    ("a global that a comprehension's walrus hides", one("n = 1\ndef run(xs): return [n := x for x in xs], n"), T, "n = 1", "n = 2", "same"),
    ("a global that a deleted local hides", one("n = 1\ndef run():\n    n = 2\n    found = [n for x in (1,)]\n    del n\n    return found"), T, "n = 1", "n = 3", "same"),
    ("a function beside one that a comprehension uses", one("def run(xs):\n    import steps.m as m\n    return [m.f(x) for x in xs]", m="def f(x): return 1\ndef g(x): return 5"), "steps/m.py", "5", "6", "same"),
    ("a global that a local hides", one("n = 1\ndef run(n):\n    return [n for n in range(n)]"), T, "n = 1", "n = 2", "same"),
    ("a global that an inner function hides", one("n = 1\ndef run():\n    n = 2\n    def f(): return n\n    return f()"), T, "n = 1", "n = 3", "same"),
    ("an attribute of the name of a global", one("size = 1\ndef run(x): return x.size"), T, "size = 1", "size = 2", "same"),
    ("a constant computed from others", one("NAMES = ['a', 'b']\nINDEX = {n: i for i, n in enumerate(NAMES)}\ndef run(): pass"), T, "'b'", "'c'", "steps.train:NAMES"),
    ("a path", one("from pathlib import Path\nDATA = Path(__file__).resolve().parent / 'a'\ndef run(): pass"), T, "'a'", "'b'", "steps.train:<module>"),
    ("a logger", one("import logging\nlog = logging.getLogger(__name__)\ndef run(): pass"), T, "__name__", "'a'", "steps.train:<module>"),
    ("an overload", one("from typing import overload\n@overload\ndef f(x: int): ...\n@overload\ndef f(x: str): ...\ndef f(x): return x\ndef run(): pass"), T, "x: str", "x: bytes", "steps.train:<module>"),
    ("a type alias", one("import numpy as np\nfrom typing import Optional\nImages = Optional[np.ndarray]\ndef run(): pass"), T, "Optional[np.ndarray]", "np.ndarray", "steps.train:<module>"),
    ("a module's __all__", CHAIN, M, "SIZE = 3", "__all__ = ['build']\nSIZE = 3", "same"),
    ("a function beside a package's import", {**PACKAGE, "lib/one.py": "def tool():\n    return 1\ndef other():\n    return 2\n"}, "lib/one.py", "return 2", "return 3", "same"),
    ("a docstring of a method under a base from outside", one("import keras\nclass Net(keras.Model):\n    def call(self, x):\n        'a'\n        return x\ndef run(): return Net"), T, "'a'", "'b'", "steps.train:Net"),
    ("a comment in a module taken whole", one("from steps import m\ndef run(k): return getattr(m, k)()", m="def f(): return 1"), "steps/m.py", "return 1", "return 1  # one", "same"),
    ("a function unrelated to what a step's sibling imports in a function", one("def run():\n    from steps.m import f\n    return f()", m="def f(): return 1\ndef g(): return 2"), "steps/m.py", "return 2", "return 3", "same"),
    ("a new module in the project", CHAIN, "steps/new.py", "", "print(1)", "same"),
    ("a program that calls its own documentation", one("import argparse\ndef run(): pass\ndef main(): argparse.ArgumentParser(description=__doc__)"), T, "def main", "def other(): pass\ndef main", "same"),
]

# Docstrings and annotations that code from outside reads: how it comes to the definition in `steps/m.py`, and that module.
FUNC, METHOD, DOC = "def f():\n    'old'\n", "class C:\n    def f(self):\n        'old'\n", "class C:\n    'old'\n"
OUTSIDE: dict[str, tuple[str, str]] = {
    "by map": ("from steps.m import f\ndef run(): return list(map(lib.show, [f]))", FUNC),
    "inside a built-in": ("from steps.m import f\ndef run(): return sorted([lib.show(f)])", FUNC),
    "with its module": ("from steps import m\ndef run(): return lib.show(m)", FUNC),
    "by getattr of a module": ("from steps import m\ndef run(): return lib.show(getattr(m, 'f'))", FUNC),
    "under another name of a package": ("from steps.q import g\ndef run(): return lib.show(g)", FUNC),
    "the module's own": ("from steps import m\ndef run(): return lib.show(m)", "'old'\n"),
    "by getattr of an instance": ("from steps.m import C\ndef run():\n    c = C()\n    return lib.show(getattr(c, 'f'))", METHOD),
    "in a class inside": ("from steps.m import C\ndef run(): return lib.show(C)", "class C:\n    class In:\n        'old'\n"),
    "of a method that is inherited": ("from steps.m import D\ndef run(): return lib.show(D())", f"{METHOD}class D(C): pass"),
    "of a class beside a base from outside": ("import steps.m\ndef run(): pass", f"import lib\n{METHOD}class D(C, lib.Base): pass"),
    "by a base that hands on self": ("from steps.m import C\ndef run(): c = C()", "from steps.q import B\nclass C(B):\n    'old'\n"),
    "by a metaclass": ("from steps.m import C\ndef run(): return C.x", "from steps.q import M\nclass C(metaclass=M):\n    'old'\n    x = 1\n"),
    "by its own class": ("from steps.m import C\ndef run(): C().f()", f"import lib\n{DOC}    def f(self): lib.show(self.__class__)"),
    "in a subscript": ("from steps.m import C\ndef run():\n    x = {}\n    x['a'] = C()\n    lib.show(x)", DOC),
    "in what grows": ("from steps.m import C\ndef run():\n    x = []\n    x += [C()]\n    lib.show(x)", DOC),
    "made by a lambda": ("from steps.m import C\ndef run():\n    make = lambda: C()\n    lib.show(make())", DOC),
    "made by map": ("from steps.m import C\ndef run(): lib.show(map(C, [1]))", DOC),
    "made in its module": ("from steps.m import c\ndef run(): lib.show(c)", f"{DOC}c = C()"),
    "made by a class method": ("from steps.m import C\ndef run(): lib.show(C.make())", f"{DOC}    @classmethod\n    def make(cls): return cls()"),
    "matched": ("from steps.m import C\ndef run():\n    match C():\n        case x: lib.show(x)", DOC),
    "a global": ("from steps import m\ndef run():\n    m.up()\n    lib.show(m.c)", f"c = None\n{DOC}def up():\n    global c\n    c = C()\n"),
}
Q = "import lib\nfrom steps.m import f as g\nclass B:\n    def __init__(self): lib.show(self)\nclass M(type):\n    def __init__(own, *a): lib.show(own)\n"
DOCSTRINGS: list[Row] = [
    (f"a docstring read from outside {how}", one(f"import lib\n{text}", m=m, q=Q), "steps/m.py", "old", "new", "steps.m:")
    for how, (text, m) in OUTSIDE.items()
]
SHARED = "ALL = []\ndef add(x):\n    ALL.append(x)\n    return x\n"
ADDED: list[Row] = [
    ("a partial as a decorator that registers", one("import steps.p\ndef run(): pass", m=SHARED, p="from functools import partial\nfrom steps.m import add\n@partial(add)\ndef f(): return 1"), "steps/p.py", "1", "2", "steps.p:<module>"),
    ("an effect in the argument of a decorator", one("import steps.p\ndef run(): pass", m=SHARED, p="from functools import lru_cache\nfrom steps.m import add\n@lru_cache(maxsize=add(1))\ndef f(): pass"), "steps/p.py", "1", "2", "steps.p:<module>"),
    ("a built-in function as a decorator", one("@print\ndef f(): return 1\ndef run(): pass"), T, "print", "input", "steps.train:<module>"),
    ("an annotation with an operator of a metaclass", one("import steps.p\ndef run(): pass", m="class M(type):\n    def __or__(c, o): print(o)\nclass C(metaclass=M): pass", p="from steps.m import C\ndef f(x: C | int): pass"), "steps/p.py", "int", "str", "steps.p:f"),
    ("an annotation that takes an attribute of an object", one("import steps.p\ndef run(): pass", m="class C:\n    def __getattr__(s, n): print(n)\nc = C()", p="from steps.m import c\ndef f(x: c.a): pass"), "steps/p.py", "c.a", "c.b", "steps.p:<module>"),
    ("a base with an effect in its subscript", one("import steps.p\ndef run(): pass", m=SHARED, p="from typing import Generic\nfrom steps.m import add\nclass C(Generic[add(1)]): pass"), "steps/p.py", "1", "2", "steps.p:<module>"),
    ("a star import that hides an import of the standard library", one("from steps.m import *\nimport json\ndef run(): return json", m="json = 1"), T, "from steps.m import *\nimport json", "import json\nfrom steps.m import *", "steps.train:<module>"),
    ("an import of the standard library that a circle looks for", one("from steps import m\ndef run(): return m.X", m="from steps import q\nimport math\nX = q.Y", q="from steps import m\ntry:\n    Y = m.math.pi\nexcept AttributeError:\n    Y = 0"), "steps/m.py", "from steps import q\nimport math", "import math\nfrom steps import q", "steps.m:<module>"),
    ("a TYPE_CHECKING of the project's own", one("from steps.m import TYPE_CHECKING\nif TYPE_CHECKING:\n    N = 1\ndef run(): return N", m="TYPE_CHECKING = True"), T, "N = 1", "N = 2", "steps.train:N"),
    ("a TYPE_CHECKING with an annotation", one("TYPE_CHECKING: bool = True\nif TYPE_CHECKING:\n    N = 1\ndef run(): return N"), T, "N = 1", "N = 2", "steps.train:N"),
    ("what a text from elsewhere names in a query", one("from steps.m import Q\nN = 1\ndef run(df): return df.query(Q)", m="Q = 'x > @N'"), T, "N = 1", "N = 2", "steps.train:*"),
    ("what a query names", one("N = 1\ndef run(df): return df.query('x > @N')"), T, "N = 1", "N = 2", "steps.train:N"),
    ("what __import__ takes from a package", one("def run(k): return getattr(__import__('steps', fromlist=[k]), k)", m="x = 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("a loader of any file", one("from importlib.machinery import SourceFileLoader\ndef run(k): return SourceFileLoader('plug', 'steps/' + k).load_module()", m="x = 1"), "steps/m.py", "1", "2", "steps.m:*"),
    ("a registry two levels of bases away", one("import steps.p\ndef run(): pass", m=f"{SHARED}class A:\n    def __init_subclass__(cls): add(cls)\nclass B(A): pass", p="from steps.m import B\nclass C(B):\n    def f(self): return 1"), "steps/p.py", "1", "2", "steps.p:C"),
    ("a name in a chained comparison", one("import steps.p\ndef run(): pass", m="a = b = c = object()", p="from steps.m import a, b, c\na < b < c"), "steps/p.py", "a < b", "a < a", "steps.p:<module>"),
    ("an effect two modules away", one("import steps.p\ndef run(): pass", m=SHARED, p="import steps.q", q="from steps.m import add\nadd(1)"), "steps/q.py", "1", "2", "steps.q:<module>"),
]
DEEP: list[Row] = [
    ("the last of 900 branches", one("def run(x):\n    if x: return 0\n" + "".join(f"    elif x == {n}: return {n}\n" for n in range(900))), T, "return 899", "return 900", RUN),
    ("the last of 2,000 terms", one(f"N = {' + '.join(['1'] * 2000)} + 2\ndef run(): return N"), T, "+ 2", "+ 3", "steps.train:N"),
    ("a link of 1,000 methods", one(f"def run(x): return x{'.f(1)' * 1000}.g()"), T, "g()", "h()", RUN),
    ("the first of 500 classes", one("class C0: n = 1\n" + "".join(f"class C{n + 1}(C{n}): pass\n" for n in range(499)) + "def run(): return C499.n"), T, "n = 1", "n = 2", "steps.train:C0"),
    ("what 120 modules hand on", one("from steps.m119 import f\ndef run(): return f()", m0="def f(): return 1", **{f"m{n + 1}": f"from steps.m{n} import f" for n in range(119)}), "steps/m0.py", "1", "2", "steps.m0:f"),
    ("a number that is called", one("def run(): return 1(2)"), T, "1(2)", "1(3)", RUN),
]
IMPORT_UTIL = "def run():\n    import util\n    return util.f()"
PATHS: list[Row] = [
    (f"a module on a path made by {how}", {T: f"{how}\n{IMPORT_UTIL}", f"{folder}/util.py": "def f(): return 1", "steps/c.py": "LIB = 'lib'"}, f"{folder}/util.py", "1", "2", "util:f" if is_read else "*")
    for how, folder, is_read in [
        ("from sys import path\npath.append('lib')", "lib", True),
        ("import sys as s\ns.path.append('lib')", "lib", True),
        ("import sys\nsys.path[:0] = ['lib']", "lib", True),
        ("import sys\nfor n in ('lib', 'more'): sys.path.append(n)", "lib", True),
        ("import os, sys\nsys.path.append(os.getcwd() + '/lib')", "lib", True),
        ("import os, sys\nsys.path.append(f'{os.getcwd()}/lib')", "lib", True),
        ("import os, sys\nDATA = 'data'\nsys.path.append(os.path.dirname(__file__))", "steps", True),
        ("import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), '..', 'lib'))", "lib", True),
        ("import site\nsite.addsitedir('lib')", "lib", True),
        ("import sys\nfrom steps.c import LIB\nsys.path.append(LIB)", "lib", False),
    ]
]
PATHS += [
    (f"a module that {text} puts before another of its name", {T: f"import os, sys\n{text}\nimport util\ndef run(): return util.f()", f"{folder}/util.py": "def f(): return 1", "util.py": "def f(): return 1"}, f"{folder}/util.py", "1", "2", "util:f")
    for text, folder in [
        ("sys.path.insert(0, 'lib')", "lib"),
        ("sys.path[:0] = ['lib']", "lib"),
        ("LIB = 'lib'\nsys.path.insert(0, LIB)", "lib"),
        ("HERE = os.path.dirname(__file__)\nsys.path.insert(0, HERE)", "steps"),
    ]
]
KEPT: list[Row] = [
    ("a docstring of a class of which only attributes are taken", one("from steps.m import C\ndef run():\n    c = C()\n    return c.f()", m="class C:\n    'a'\n    def f(self): return self.x"), "steps/m.py", "'a'", "'b'", "same"),
    ("a docstring of a function that is only called", one("import lib\nfrom steps.m import f\ndef run(): return lib.show(f())", m="def f():\n    'a'\n    return 1"), "steps/m.py", "'a'", "'b'", "same"),
    ("a docstring of a class that isinstance looks at", one("from steps.m import C\ndef run(x): return isinstance(x, C)", m="class C:\n    'a'"), "steps/m.py", "'a'", "'b'", "same"),
    ("a default of a setting", one("def run(*, n: int = 1): return n"), T, "= 1", "= 2", "same"),
    ("a default of a setting in a module taken whole", one("def run(k, *, n: int = 1): return eval(k)"), T, "= 1", "= 2", "same"),
    ("a function that nothing reaches, with annotations", one("from steps.m import f\ndef run(): return f()", m="import numpy as np\nclass C: pass\nImages = np.ndarray\ndef f(): return 1\ndef g(x: list[Images], y: C | None = None) -> np.ndarray: return 5"), "steps/m.py", "5", "6", "same"),
    ("the order of unused imports of the standard library", one("import json\nimport os\ndef run(): pass"), T, "import json\nimport os", "import os\nimport json", "same"),
    ("the body of a method of a class that nothing reaches", one("from steps.m import f\ndef run(): return f()", m="class B:\n    def g(self): return 5\ndef f(): return 1"), "steps/m.py", "5", "6", "same"),
]


GENERIC: list[Row] = [
    ("a global in a generic function", one("n = 1\ndef run[T](x: T): return n"), T, "n = 1", "n = 2", "steps.train:n"),
    ("a global that a generic function hides", one("n = 1\ndef run[T](n: T): return n"), T, "n = 1", "n = 2", "same"),
    ("a local import in a generic function", one("def run[T](x: T):\n    import steps.m as m\n    return (lambda: m.f())()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:f"),
    ("a local import in a generic class", one("class C[T]:\n    def g(self):\n        import steps.m as m\n        return m.f()\ndef run(): return C().g()", m="def f(): return 1"), "steps/m.py", "1", "2", "steps.m:f"),
    ("what a type alias names", one("n = int\ntype X = n\ndef run(): return X.__value__"), T, "n = int", "n = str", "steps.train:n"),
]
if sys.version_info < (3, 12):  # it can't be parsed
    GENERIC = []


ROWS = [*CHANGED, *DOCSTRINGS, *ADDED, *DEEP, *PATHS, *SAME, *KEPT, *GENERIC]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_an_edit_counts_exactly_if_the_step_can_reach_it(row: Row, tmp_path: Path) -> None:
    """An edit of what a step can reach changes the part that it is in; any other edit changes nothing."""
    _, files, path, old, new, expected = row
    text = files.get(path, "")
    assert old in text
    found = changed_parts(tmp_path, files, {path: text.replace(old, new, 1)})
    if expected == "same":
        assert found == set()
    else:
        assert any(name == expected or (expected[-1] in ":*" and expected in name) for name in found)


SHARED = {
    T: "from lib import Net\nimport plug\n\ndef run(k):\n    return getattr(plug, k)(Net())\n",
    "lib.py": "SIZE = 3\n\nclass Net:\n    def fit(self, n=1):\n        return helper(n)\n    @property\n    def size(self):\n        return SIZE\n"
    "    class Part:\n        def show(self):\n            return 'part'\n\ndef helper(n):\n    return n\n",
    "plug.py": "LIMIT = 5\n\ndef hook(net, n=1):\n    return net.fit(LIMIT)\n\ndef other():\n    yield 1\n\n@register\ndef third():\n    return 7\n\ndef register(f):\n    return f\n",
}
# Each row: what is edited, the file, the text replaced, that in its place, the parts that change if bodies must be
# executed, and those that change if all were.
BODIES = [
    ("a body", "lib.py", "helper(n)\n", "helper(-n)\n", set(), {"lib:Net.fit"}),
    ("what a body names", "lib.py", "return n", "return -n", set(), {"lib:helper"}),
    ("a constant that a body names", "lib.py", "SIZE = 3", "SIZE = 4", set(), {"lib:SIZE"}),
    ("a body in a class of a class", "lib.py", "'part'", "'parts'", set(), {"lib:Net.Part.show"}),
    ("a body with super", "lib.py", "return SIZE", "return super(), SIZE", {"lib:Net"}, {"lib:Net", "lib:Net.size"}),
    ("a default", "lib.py", "n=1", "n=2", {"lib:Net"}, {"lib:Net", "lib:Net.fit"}),
    ("a decorator", "lib.py", "@property", "@staticmethod", {"lib:Net"}, {"lib:Net", "lib:Net.size"}),
    ("a name", "lib.py", "def fit", "def fits", {"lib:Net"}, {"lib:Net", "lib:Net.fit", "lib:Net.fits"}),
    ("a body of a module that counts whole", "plug.py", "net.fit(LIMIT)", "net.fit(-LIMIT)", set(), {"plug:hook"}),
    ("a generator", "plug.py", "yield 1", "return 1", {"plug:*"}, {"plug:*", "plug:other"}),
    ("a body with a decorator", "plug.py", "return 7", "return 8", set(), {"plug:third"}),
    ("the body of a decorator", "plug.py", "return f", "return f or f", {"plug:register"}, {"plug:register"}),
    ("a constant of a module that counts whole", "plug.py", "LIMIT = 5", "LIMIT = 6", {"plug:*"}, {"plug:*"}),
]


@pytest.mark.parametrize("row", BODIES, ids=[row[0] for row in BODIES])
def test_a_body_counts_once_it_is_executed(row: tuple[str, str, str, str, set[str], set[str]], tmp_path: Path) -> None:
    """Where bodies are parts of their own, an edit of one changes nothing, until it is a root: it was executed."""
    _, path, old, new, *expected = row
    names = {"lib": ("Net.fit", "Net.fits", "Net.size", "Net.Part.show"), "plug": ("hook", "other", "third")}
    executed = [(module, name) for module, found in names.items() for name in found]
    for roots, changed in zip(([], executed), expected, strict=True):
        before, after = (
            digests(code_of(Project(written(tmp_path, files)), "steps.train", extra_roots=roots, bodies=False))
            for files in (SHARED, {path: SHARED[path].replace(old, new, 1)})
        )
        assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == changed


def test_via_is_the_shortest_way_from_run(tmp_path: Path) -> None:
    """A part says over which other parts the step reaches it."""
    found = {part.name: part.via for part in code(written(tmp_path, CHAIN)).parts}
    assert found[RUN] == (RUN,)
    assert found["steps.deep:layer"] == (RUN, "steps.model:build", "steps.deep:layer")


def test_parts_are_sorted_and_named_once(tmp_path: Path) -> None:
    """Parts come in order of their names, each name once."""
    names = [part.name for part in code(written(tmp_path, CHAIN)).parts]
    assert names == sorted(set(names))


def test_imports_are_what_reached_code_imports_from_outside(tmp_path: Path) -> None:
    """Modules outside the project count by top-level name if reached code imports them, wherever it does so."""
    text = """
        import json, numpy.linalg as la
        from keras.layers import Dense
        import importlib
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import pandas
        try:
            import cupy
        except ImportError:
            cupy = None

        def run():
            import h5py
            importlib.import_module("scipy.sparse")

        def other():
            import torch
    """
    assert code(written(tmp_path, one(text))).imports == ("cupy", "h5py", "keras", "numpy", "scipy")


def test_a_bare_folder_does_not_hide_an_installed_package(tmp_path: Path) -> None:
    """A folder without `__init__.py` goes after an installed package of its name, so both count."""
    files = {**one("import keras\ndef run(): return keras.Model()"), "keras/script.py": ""}
    assert code(written(tmp_path, files)).imports == ("keras",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import steps.m as m\ndef run(k): return getattr(m, k)", "steps.m: taken whole, used as a value in steps.train:run"),
        ("import steps.m as m\ndef run(): return [m]", "steps.m: taken whole, used as a value in steps.train:run"),
        ("from steps.m import gone\ndef run(): gone()", "steps.m: taken whole, gone is not bound in it, and used in steps.train:run"),
        ("def run(): eval('1')", "steps.train: taken whole, eval in steps.train:run"),
        ("import importlib\ndef run(k): importlib.import_module(k)", "steps.m: taken whole, importlib.import_module in steps.train:run"),
        ("def run(x): return x.__doc__", "steps.train: docstrings and annotations count, __doc__ in steps.train:run"),
    ],
)
def test_unresolved_names_have_a_line(text: str, line: str, tmp_path: Path) -> None:
    """Each thing that reading can't resolve has a line that says what was taken whole, and why."""
    assert line in code(written(tmp_path, one(text, m="def f(): return 1"))).unresolved


def test_a_plain_project_has_nothing_unresolved(tmp_path: Path) -> None:
    """Ordinary code is resolved completely."""
    assert code(written(tmp_path, CHAIN)).unresolved == ()


def test_a_missing_step_is_an_error(tmp_path: Path) -> None:
    """A misspelt step is an error that says so."""
    written(tmp_path, CHAIN)
    with pytest.raises(DeclarationError) as error:
        code(tmp_path, "steps.trian")
    assert str(error.value) == "steps.trian: no such module in the project; define it: def run(...)"


def test_a_step_needs_a_run(tmp_path: Path) -> None:
    """A step without a `run` is an error."""
    written(tmp_path, one("def go(): pass"))
    with pytest.raises(DeclarationError):
        code(tmp_path)


def test_a_broken_module_on_the_way_is_named(tmp_path: Path) -> None:
    """A syntax error in reached code is one line with file and line."""
    written(tmp_path, {**CHAIN, H: "\n\ndef f(:\n"})
    with pytest.raises(SourceError, match=r"^steps/deep.py: line 3: invalid syntax; fix it$"):
        code(tmp_path)


def test_import_cycles_end(tmp_path: Path) -> None:
    """Modules that import each other, names that lead back to themselves, and recursive functions are no trouble."""
    files = one(
        "from steps.m import f, loop\ndef run(): return f(), loop",
        m="from steps import train\nfrom steps.n import loop\nA = B = A\ndef f(): return train.run, A",
        n="from steps.m import loop\nclass C(C): pass",
    )
    names = {part.name for part in code(written(tmp_path, files)).parts}
    assert {"steps.m:f", RUN, "steps.m:import loop"} <= names


def test_a_namespace_package_and_src_are_found(tmp_path: Path) -> None:
    """Modules below `src`, in packages with and without `__init__.py`, are the project's."""
    files = {"src/steps/train.py": "from lib.a.b import f\ndef run(): return f()", "src/lib/a/b.py": "def f(): return 1"}
    assert "lib.a.b:f" in digests(code(written(tmp_path, files)))


def test_a_module_that_appears_counts(tmp_path: Path) -> None:
    """A new file that an import now finds changes the code."""
    files = one("try:\n    from steps.fast import f\nexcept ImportError:\n    f = None\ndef run(): return f")
    assert "steps.fast:f" in changed_parts(tmp_path, files, {"steps/fast.py": "def f(): return 1"})


LINES = st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["", "# a comment", "    # indented", "\t", "#: x = 1"])))


@given(inserted=LINES)
def test_comments_and_blank_lines_never_count(inserted: list[tuple[int, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever comments and blank lines are inserted, the code stays the same."""
    root = written(tmp_path_factory.mktemp("project"), CHAIN)
    before = digests(code(root))
    lines = CHAIN[M].splitlines()
    for place, line in inserted:
        lines.insert(place, line)
    (root / M).write_text("\n".join(lines))
    assert digests(code(root)) == before


@given(value=st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.binary(), st.booleans(), st.none()))
def test_each_value_of_a_constant_is_its_own_code(value: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two constants have the same code exactly if they have the same value and type."""
    root = written(tmp_path_factory.mktemp("project"), one("N = 7\ndef run(): return N"))
    before = digests(code(root))
    (root / T).write_bytes(f"N = {value!r}\ndef run(): return N".encode("utf-8", "surrogatepass"))
    assert (digests(code(root)) == before) == (value == 7 and type(value) is int)
