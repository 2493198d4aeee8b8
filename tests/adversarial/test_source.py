"""No code of ours executes what a file says: proven over the source, as text and as syntax."""

import ast
from pathlib import Path

import pytest
from limited_reader import ROOT

FILES = [path.relative_to(ROOT) for folder in ("redoit", "steps") for path in sorted((ROOT / folder).rglob("*.py"))]
MODULES = {"cPickle", "cloudpickle", "copyreg", "dill", "joblib", "jsonpickle", "marshal", "pickle", "shelve", "yaml"}
CALLS = {"__import__", "eval", "exec"}


def names(tree: ast.AST) -> set[str]:
    """Return the top-level names of all modules that are imported."""
    found = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    found += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in found}


def calls(tree: ast.AST) -> list[tuple[str, dict[str, ast.expr]]]:
    """Return the last name and the keywords of each call."""
    return [
        (
            getattr(node.func, "attr", getattr(node.func, "id", "")),
            {word.arg or "": word.value for word in node.keywords},
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_nothing_is_unpickled_or_evaluated(path: Path) -> None:
    """No module that unpickles is imported, nothing is evaluated, and no reader allows it."""
    tree = ast.parse((ROOT / path).read_bytes())
    assert not names(tree) & MODULES
    for name, keywords in calls(tree):
        assert name not in CALLS
        assert not keywords.keys() & {"allow_pickle", "custom_objects", "shell"}


def test_the_search_finds_what_it_looks_for() -> None:
    """Each way to unpickle or to evaluate would be found."""
    tree = ast.parse("import pickle\nfrom joblib.externals import x\nnp.load(f, allow_pickle=True)\nbuiltins.eval('1')")
    assert names(tree) & MODULES == {"pickle", "joblib"}
    assert [name for name, _ in calls(tree)] == ["load", "eval"]
    assert [set(keywords) for _, keywords in calls(tree)] == [{"allow_pickle"}, set()]


def test_models_are_loaded_in_one_place_and_safely() -> None:
    """Keras reads a model in one line, which neither compiles it nor lets it carry code."""
    loads = [
        (str(path), {word: ast.unparse(value) for word, value in keywords.items()})
        for path in FILES
        for name, keywords in calls(ast.parse((ROOT / path).read_bytes()))
        if name in ("load_model", "load_weights", "model_from_json", "from_config", "deserialize")
    ]
    assert loads == [("steps/backend.py", {"compile": "False", "safe_mode": "True"})]
