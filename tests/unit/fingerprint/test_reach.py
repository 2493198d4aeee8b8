"""The walk through the code that a step can reach: its parts and paths, what is taken whole, and why."""

from pathlib import Path

import pytest
from modules import Files, written

from redoit.fingerprint.reach import Assumed, Reach
from redoit.fingerprint.reflection import Reflection
from redoit.fingerprint.texts import STATEMENTS, WHOLE
from redoit.source.project import Project

CHAIN = {
    "steps/train.py": "from steps.model import build\n\ndef run(): return build()\n\ndef other(): pass\n",
    "steps/model.py": "from steps import deep\nSIZE = 3\n\ndef build(): return deep.layer(SIZE)\n",
    "steps/deep.py": "def layer(n): return n\n\ndef unused(): return absent\n",
}


def walked(root: Path, files: Files, assumed: Reflection = Reflection.NONE, **roots: str) -> Reach:
    """Return a finished walk from `run` of `steps/train.py`. `roots`: more definitions of `steps`, module -> name."""
    reach = Reach(Project(written(root, files)), "steps.train", "run", Assumed(assumed))
    reach.walk([(f"steps.{module}", name) for module, name in roots.items()])
    return reach


def step(text: str, **modules: str) -> Files:
    """Return a project of a step and of other modules in `steps`."""
    return {"steps/train.py": text, **{f"steps/{name}.py": other for name, other in modules.items()}}


def whole(reach: Reach) -> set[str]:
    """Return the modules that are taken whole."""
    return {module for module, name in reach.via if name == WHOLE}


def test_each_part_has_the_path_of_names_to_it(tmp_path: Path) -> None:
    """The walk reaches what is used, name by name, and each module on the way; a path begins at `run`."""
    via = walked(tmp_path, CHAIN).via
    run = "steps.train:run"
    build = (run, "steps.model:build")
    assert {key: path for key, path in via.items() if key[1] != STATEMENTS} == {
        ("steps.train", "run"): (run,),
        ("steps.train", "build"): (run, "steps.train:import build"),
        ("steps.model", "build"): build,
        ("steps.model", "deep"): (*build, "steps.model:import deep"),
        ("steps.model", "SIZE"): (*build, "steps.model:SIZE"),
        ("steps.deep", "layer"): (*build, "steps.deep:layer"),
    }
    assert {name for name, what in via if what == STATEMENTS} == {"steps", "steps.train", "steps.model", "steps.deep"}


def test_the_shortest_path_counts(tmp_path: Path) -> None:
    """Of two ways to a part the one with fewer names is its path, whichever is used first."""
    text = "def t(): pass\ndef h(): t()\ndef g(): h()\ndef f(): t()\ndef run(): {}(), {}()"
    for order in (("f", "g"), ("g", "f")):
        reach = walked(tmp_path, step(text.format(*order)))
        assert reach.via["steps.train", "t"] == ("steps.train:run", "steps.train:f", "steps.train:t")


def test_more_roots_have_a_path_of_their_own(tmp_path: Path) -> None:
    """Code that no name leads to counts as a root; what names lead to keeps its path from `run`."""
    before, reach = walked(tmp_path, CHAIN), walked(tmp_path, CHAIN, deep="unused")
    assert reach.via["steps.deep", "unused"] == ("steps.deep:unused",)
    assert reach.via.items() > before.via.items()


def test_a_part_that_imports_bind_is_named_so(tmp_path: Path) -> None:
    """The name of a part says whether its name is imported; one that other code may bind is not."""
    text = "import a\ntry:\n    import b\nexcept ImportError:\n    b = None\nimport c\nc = c.d\ndef run(): a, b, c"
    reach = walked(tmp_path, step(text))
    assert reach.part_name(("steps.train", "a")) == "steps.train:import a"
    assert reach.part_name(("steps.train", "b")) == "steps.train:b"
    assert reach.part_name(("steps.train", "c")) == "steps.train:c"
    assert reach.part_name(("steps.gone", "c")) == "steps.gone:c"
    assert reach.imports == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("def run(): return 1", Reflection.NONE),
        ("def run(f): return f.__doc__", Reflection.DOCS),
        ("def run(f): return f.__doc__, f.__globals__", Reflection.MODULES),
        ("def run(f): return f.__code__.co_names", Reflection.CODE),
        ("import inspect\ndef run(f): return inspect.getsource(f)", Reflection.SOURCE),
        ("def run(): exec('')", Reflection.NONE),
        ("def run(): pass\ndef other(f): return f.__code__", Reflection.NONE),
    ],
)
def test_the_highest_level_of_reflection_in_reached_code_counts(tmp_path: Path, text: str, level: Reflection) -> None:
    """A walk says how much the code that it reached can read; a second one that assumes that finds no more."""
    assert walked(tmp_path, step(text)).found.level == level
    again = walked(tmp_path, step(text), level)
    assert again.found.level == level
    assert again.texts.docs == (level >= Reflection.DOCS)
    assert again.texts.raw == (level >= Reflection.CODE)
    by_calls = Reach(again.project, "steps.train", "run", Assumed(level), bodies=False)
    assert by_calls.texts.raw == (level >= Reflection.SOURCE)


def test_with_access_to_modules_each_reached_one_is_whole(tmp_path: Path) -> None:
    """A walk that assumes access to modules takes whole each one that is imported, and no other."""
    reach = walked(tmp_path, {**CHAIN, "steps/other.py": ""}, Reflection.MODULES)
    assert whole(reach) == {"steps", "steps.train", "steps.model", "steps.deep"}


@pytest.mark.parametrize("source", [b"def f(:\n", b"x = '\xff'\n"])
def test_a_module_that_need_not_parse_counts_by_its_source(tmp_path: Path, source: bytes) -> None:
    """A module that only may be imported is no error if it is broken: its source counts as it is."""
    files = step("import importlib\ndef run(k): importlib.import_module(k)", m="x = 1")
    written(tmp_path, files)
    (tmp_path / "steps/broken.py").write_bytes(source)
    reach = walked(tmp_path, files)
    assert reach.unparsed == {"steps.broken": source.decode("utf-8", "backslashreplace")}
    assert "steps.m" in whole(reach)


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("import numpy.linalg, os.path, json\ndef run(): pass", {"numpy"}),
        ("def run():\n    from h5py import File", {"h5py"}),
        ("def run():\n    __import__('scipy.sparse')", {"scipy"}),
        ("import importlib\ndef run(k): importlib.import_module(f'zoo.{k}')", {"zoo"}),
        ("import bare\ndef run(): return bare.other()", {"bare"}),
        ("import bare.gone\ndef run(): pass", {"bare"}),
        ("import bare.own\ndef run(): return bare.own.x", set()),
        ("def run(): pass\ndef other():\n    import torch", set()),
    ],
)
def test_modules_from_outside_count_by_their_first_name(tmp_path: Path, text: str, imports: set[str]) -> None:
    """Whatever reached code may import from outside the project and the standard library counts, and nothing else."""
    assert walked(tmp_path, {**step(text), "bare/own.py": "x = 1"}).imports == imports


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def __getattr__(name): pass", "steps.train: taken whole, it has a __getattr__"),
        ("from steps import m\nsetattr(m, 'f', 1)", "steps.m: taken whole, used as a value in steps.train:<module>"),
        ("start('steps.m:f')", "steps.m: taken whole, 'steps.m:f' in steps.train:<module>"),
        ("eval('__import__(k)')", "steps.m: taken whole, eval in steps.train:<module>, with an import in a text"),
    ],
)
def test_what_can_not_be_resolved_has_a_line(tmp_path: Path, text: str, line: str) -> None:
    """Each thing that reading can't resolve has a line with what counts instead, and where it is used."""
    assert line in walked(tmp_path, step(f"def run(): pass\n{text}", m="def f(): return 1")).unresolved.values()


def test_a_resolved_project_has_no_line(tmp_path: Path) -> None:
    """Where each name is resolved, nothing is taken whole, and every module is parsed."""
    reach = walked(tmp_path, CHAIN)
    assert (reach.unresolved, reach.unparsed, whole(reach)) == ({}, {}, set())


def test_a_walk_finds_what_it_should_have_assumed(tmp_path: Path) -> None:
    """Hooks of classes, calls of the step's own function and names handed on are found and assumed next."""
    files = step(
        "import steps.m\ndef run(): return run\nlib.show(other)", m="class A:\n    def __init_subclass__(cls): pass"
    )
    found = walked(tmp_path, files).found
    assert found.hooks
    assert found.calls_itself
    assert "other" in found.handed.values
