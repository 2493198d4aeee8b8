"""Reflection: how much each of Python's names can read, and what a dynamic import or a string names."""

import ast
from pathlib import Path

import pytest
from modules import parsed, written

from redoit.fingerprint.reflection import (
    REFLECTION_BY_NAME,
    REFLECTION_BY_WORD,
    Reflection,
    add_roots,
    added_roots,
    import_target,
    modules_in_texts,
    modules_named,
    reflection_of,
)
from redoit.fingerprint.uses import uses
from redoit.source.project import Project

FILES = {
    "steps/__init__.py": "",
    "steps/model.py": "class Net: pass\n",
    "tools/model.py": "",
    "steps/broken.py": "def (",
    "main.py": "def start(): pass\n",
    "program/__init__.py": "",
    "program/__main__.py": "",
    "program/inner/__main__.py": "",
}


@pytest.mark.parametrize(
    ("dotted", "level"),
    [
        ("numpy.sum", Reflection.NONE),
        ("", Reflection.NONE),
        ("builtins.len", Reflection.NONE),
        ("builtins.eval", Reflection.OWN_MODULE),
        ("builtins.evaluate", Reflection.NONE),
        ("inspect", Reflection.DOCS),
        ("inspect.signature", Reflection.DOCS),
        ("inspect.stack", Reflection.SOURCE),
        ("inspect.stack.more", Reflection.SOURCE),
        ("inspector", Reflection.NONE),
        ("builtins.globals", Reflection.MODULES),
        ("sys.argv", Reflection.NONE),
        ("sys.modules.get", Reflection.MODULES),
        ("sys.path", Reflection.PATH),
        ("sys", Reflection.PROJECT),
        ("builtins", Reflection.PROJECT),
        ("importlib", Reflection.PROJECT),
        ("importlib.import_module", Reflection.PROJECT),
        ("importlib.metadata.version", Reflection.NONE),
        ("importlib.metadata.entry_points", Reflection.PROJECT),
        ("unittest.mock.patch.object", Reflection.PROJECT),
        ("unittest.mock.Mock", Reflection.NONE),
    ],
)
def test_what_a_dotted_name_can_read(dotted: str, level: Reflection) -> None:
    """The longest known name that a dotted name starts with decides, by whole components."""
    assert reflection_of(dotted) == level


def test_no_name_has_two_levels() -> None:
    """A name stands in one row of its table only; a second would silently take the place of the first."""
    source = Path(reflection_of.__code__.co_filename).read_text()
    tables = [
        item for item in ast.walk(ast.parse(source)) if isinstance(item, ast.Dict) and "READS" not in ast.unparse(item)
    ]
    words = [word for table in tables for text in table.values for word in str(ast.literal_eval(text)).split()]
    assert len(words) == len(set(words)) > 50
    assert set(words) <= REFLECTION_BY_WORD.keys() | REFLECTION_BY_NAME.keys()


@pytest.mark.parametrize(
    ("call", "target"),
    [
        ("load('a.b')", ("a.b", False)),
        ("load(name='a')", ("a", False)),
        ("run_module(mod_name='a')", ("a", False)),
        ("load()", None),
        ("load(k)", None),
        ("load('.m', 'lib')", ("lib.m", False)),
        ("load('.m', package='lib')", ("lib.m", False)),
        ("load('.m', __package__)", ("steps.m", False)),
        ("load('.m', k)", None),
        ("load('.m')", None),
        ("load('..m', 'lib.sub')", None),
        ("load(__name__)", ("steps.train", False)),
        ("load(f'steps.{k}')", ("steps", True)),
        ("load(f'steps.models.net_{k}')", ("steps.models", True)),
        ("load(f'{__package__}.m')", ("steps", True)),
        ("load(f'{__package__!r}.m')", None),
        ("load(f'net_{k}')", None),
        ("load('steps.' + k)", ("steps", True)),
        ("load('steps.' + 'm')", ("steps", True)),
        ("load(k + '.m')", None),
        ("load('steps.%s.m' % k)", ("steps", True)),
        ("load('steps.{}.m'.format(k))", ("steps", True)),
        ("load(f'.{k}', 'lib')", ("lib", True)),
    ],
)
def test_what_a_dynamic_import_names(call: str, target: tuple[str, bool] | None) -> None:
    """A module is named by a literal, a package by what a computed name starts with; else it may be any."""
    expression = ast.parse(call, mode="eval").body
    assert isinstance(expression, ast.Call)
    assert import_target(parsed("", "steps.train"), expression) == target


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("steps.model", ["steps.model"]),
        ("steps.model.Net", ["steps.model"]),
        ("steps.model:Net", ["steps.model"]),
        ("steps.model.Net.forward", ["steps.model"]),
        ("steps.model.Gone", []),
        ("steps.gone", []),
        ("main:start", ["main"]),
        ("main.start", ["main"]),
        ("ext://main.start", ["main"]),
        ("python/object/apply:steps.model.Net", ["steps.model"]),
        ("https://main.start/steps.model", []),
        ("main", []),
        ("steps/model.py", ["steps.model", "tools.model"]),
        ("model.py", ["steps.model", "tools.model"]),
        ("/usr/lib/gone.py", []),
        ("0.5", []),
        ("a..b", []),
        ("", []),
    ],
)
def test_modules_that_a_word_names(tmp_path: Path, word: str, names: list[str]) -> None:
    """A dotted name of a module or of something that it binds names it; a path names each module of its file name."""
    project = Project(written(tmp_path, FILES))
    assert sorted(modules_named(project, word)) == names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("run('python steps/model.py --fast')", {"steps.model", "tools.model"}),
        ("run(['python', '-m', 'main'])", {"main"}),
        ("run(['python', '-x', 'main'])", set()),
        ("run('python -m steps.model')", {"steps.model"}),
        ("run(['python', '-m', 'program'])", {"program", "program.__main__"}),
        ("run('python -m program.inner')", {"program.inner", "program.inner.__main__"}),
        ("open('a model of the steps')", set()),
    ],
)
def test_modules_that_strings_name(tmp_path: Path, text: str, found: set[str]) -> None:
    """Each word of a string may name modules; a plain word does only beside `-m`."""
    project = Project(written(tmp_path, FILES))
    assert {name for name, _ in modules_in_texts(project, uses(parsed(text).tree.body))} == found


def test_a_module_comes_with_the_string_that_names_it(tmp_path: Path) -> None:
    """The whole string is given, for the line that says why a module counts."""
    project = Project(written(tmp_path, FILES))
    used = uses(parsed("make('a steps.model:Net')").tree.body)
    assert list(modules_in_texts(project, used)) == [("steps.model", "a steps.model:Net")]


def test_folders_that_texts_may_add_to_the_path(tmp_path: Path) -> None:
    """A text names a folder from the checkout or from its module, alone, behind a slash, or joined with others."""
    files = {
        **FILES,
        "lib/a.py": "",
        "steps/own/b.py": "",
        "steps/model.py": "x = 'lib'\ny = f'{z}/own'\nprint('..', 'tools')",
    }
    project = Project(written(tmp_path, files))
    module = project.module("steps.model")
    assert module is not None
    assert {Path(path) for path in added_roots(project, module)} >= {
        tmp_path / "lib",
        tmp_path / "steps/own",
        tmp_path / "tools",
    }


def test_the_whole_disk_is_no_root(tmp_path: Path) -> None:
    """A text of slashes adds no folder that the project lies in, however many there are."""
    project = Project(written(tmp_path, {"t.py": "import sys\nsys.path.append('.')\nWORDS = '/', '//', '///', '..'\n"}))
    module = project.module("t")
    assert module is not None
    assert added_roots(project, module) == []


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sys.path.insert(0, 'lib')", True),
        ("sys.path.insert(\n    0,\n    'lib',\n)", True),
        ("sys.path.insert(AT, 'lib')", True),
        ("sys.path[:0] = ['lib']", True),
        ("sys.path[0:0] = ['lib']", True),
        ("sys.path = ['lib', *sys.path]", True),
        ("sys.path = ['lib'] + sys.path", True),
        ("LIB = 'lib'\nsys.path.insert(0, LIB)", True),
        ("LIB = 'lib'\nALL = [LIB]\ndef use():\n    for each in ALL: sys.path.insert(0, each)", True),
        ("if (LIB := 'lib'): sys.path.insert(0, LIB)", True),
        ("sys.path.append('lib')", False),
        ("sys.path += ['lib']", False),
        ("sys.path = sys.path + ['lib']", False),
        ("sys.path = [*sys.path, 'lib']", False),
        ("sys.path.insert(1, 'lib')", False),
    ],
)
def test_a_folder_that_is_put_first(tmp_path: Path, text: str, first: bool) -> None:
    """Where a module puts something first on the path, what it names is searched first."""
    files = {"lib/util.py": "", "more/other.py": "", "util.py": "", "steps/model.py": f"import sys\n{text}\n"}
    project = Project(written(tmp_path, files))
    module = project.module("steps.model")
    assert module is not None
    assert f"{tmp_path}/lib" in added_roots(project, module)
    assert add_roots(project, module)
    assert project.locate("util") == f"{tmp_path}/{'lib/' if first else ''}util.py"
