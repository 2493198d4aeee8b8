"""Name resolution: which bindings, modules and outside names a dotted name can mean."""

from pathlib import Path

import pytest
from modules import Files, written

from redoit.fingerprint.resolve import Resolution, follow, lookup
from redoit.source.names import aliases, bindings
from redoit.source.project import Project

LIB = {
    "lib/__init__.py": "from lib.one import tool\nfrom lib import two\nflag = 1\n",
    "lib/one.py": "import numpy as np\nfrom keras import layers\n\ndef tool(): return 1\n",
    "lib/two.py": "from lib.one import *\nfrom .one import tool as again\n",
    "lib/flag.py": "",
    "bare/part.py": "x = 1\n",
}


def resolved(root: Path, text: str, chain: str, files: Files = LIB) -> Resolution:
    """Return what a dotted name means in a step of this text, beside other files."""
    project = Project(written(root, {**files, "steps/train.py": text}))
    module = project.module("steps.train")
    assert module is not None
    return lookup(project, module, tuple(chain.split(".")))


def words(found: Resolution) -> dict[str, list[str]]:
    """Return a resolution as texts, without what is empty."""
    texts = {
        "bound": [f"{module}:{name}" for module, name in found.bound],
        "modules": [module.name for module in found.modules],
        "missing": [f"{module}:{name}" for module, name in found.missing],
        "outside": found.outside,
    }
    return {kind: names for kind, names in texts.items() if names}


@pytest.mark.parametrize(
    ("text", "chain", "expected"),
    [
        ("x = 1", "x", {"bound": ["steps.train:x"]}),
        ("x = 1", "x.y.z", {"bound": ["steps.train:x"]}),
        ("", "absent", {}),
        ("", "len", {"outside": ["builtins.len"]}),
        ("", "__file__", {"outside": ["builtins.__file__"]}),
        ("def len(x): pass", "len", {"bound": ["steps.train:len"]}),
        ("import numpy as np", "np.linalg.norm", {"bound": ["steps.train:np"], "outside": ["numpy.linalg.norm"]}),
        (
            "from keras import layers",
            "layers.Dense",
            {"bound": ["steps.train:layers"], "outside": ["keras.layers.Dense"]},
        ),
        ("from lib import one", "one", {"bound": ["steps.train:one"], "modules": ["lib.one"]}),
        ("from lib import one", "one.tool", {"bound": ["steps.train:one", "lib.one:tool"]}),
        ("import lib.one", "lib.one.tool", {"bound": ["steps.train:lib", "lib.one:tool"]}),
        ("from lib import one", "one.np.sum", {"bound": ["steps.train:one", "lib.one:np"], "outside": ["numpy.sum"]}),
        ("from lib import one", "one.gone", {"bound": ["steps.train:one"], "missing": ["lib.one:gone"]}),
        ("from lib.one import gone as x", "x", {"bound": ["steps.train:x"], "missing": ["lib.one:gone"]}),
        ("from lib import one", "one.__name__", {"bound": ["steps.train:one"]}),
        ("from lib import one", "one.__dict__", {"bound": ["steps.train:one"], "modules": ["lib.one"]}),
    ],
)
def test_a_dotted_name_is_followed_to_its_bindings(tmp_path: Path, text: str, chain: str, expected: object) -> None:
    """Each binding on the way is found, then the module that is a value, the missing attribute or the outside name."""
    assert words(resolved(tmp_path, text, chain)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from lib import tool", ["steps.train:tool", "lib:tool", "lib.one:tool"]),
        ("from lib.two import again as tool", ["steps.train:tool", "lib.two:again", "lib.one:tool"]),
        ("from lib.two import tool", ["steps.train:tool", "lib.one:tool"]),
        ("from lib.two import *", ["lib.one:tool"]),
        (
            "try:\n    from lib import tool\nexcept ImportError:\n    from lib.one import tool",
            ["lib.one:tool", "lib:tool", "steps.train:tool"],
        ),
    ],
)
def test_re_exports_are_followed(tmp_path: Path, text: str, expected: list[str]) -> None:
    """A name is followed through packages, new names, star imports and each branch that may bind it, once."""
    found = words(resolved(tmp_path, text, "tool"))
    assert sorted(found["bound"]) == sorted(expected)
    assert found.keys() == {"bound"}


def test_an_attribute_of_a_package_may_be_a_binding_and_a_submodule(tmp_path: Path) -> None:
    """Where a package binds the name of a submodule, both count; which one is there depends on the order of imports."""
    found = words(resolved(tmp_path, "import lib", "lib.flag"))
    assert found == {"bound": ["steps.train:lib", "lib:flag"], "modules": ["lib.flag"]}


def test_a_name_from_the_submodule_of_its_name_hides_it(tmp_path: Path) -> None:
    """After `from lib.one import one` in a package, its attribute `one` is never the submodule."""
    files = {"lib/__init__.py": "from lib.one import one", "lib/one.py": "def one(): pass"}
    found = words(resolved(tmp_path, "import lib", "lib.one", files))
    assert found == {"bound": ["steps.train:lib", "lib:one", "lib.one:one"]}


def test_a_bare_folder_may_be_an_installed_package(tmp_path: Path) -> None:
    """What a folder without `__init__.py` lacks may come from an installed package of its name, so it is outside."""
    assert words(resolved(tmp_path, "import bare", "bare.part.x"))["bound"] == ["steps.train:bare", "bare.part:x"]
    assert words(resolved(tmp_path, "import bare", "bare.gone.y"))["outside"] == ["bare.gone.y"]


@pytest.mark.parametrize(
    "files",
    [
        {"a.py": "from b import x", "b.py": "from a import x"},
        {"a.py": "from b import *", "b.py": "from a import *"},
        {"a.py": "from a import x"},
    ],
)
def test_circles_end(tmp_path: Path, files: Files) -> None:
    """Imports that lead back to themselves end, and what none of them binds is no outside name."""
    assert words(resolved(tmp_path, "from a import x", "x", files)).keys() <= {"bound", "missing"}


def test_a_star_import_does_not_hide_a_builtin_for_certain(tmp_path: Path) -> None:
    """A built-in name that a star import may bind counts as both."""
    found = resolved(tmp_path, "from lib.one import *", "len", {"lib/one.py": "def len(x): pass"})
    assert words(found) == {"bound": ["lib.one:len"], "outside": ["builtins.len"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import lib.one", {"modules": ["lib"]}),
        ("from lib import one", {"modules": ["lib.one"]}),
        ("from lib import tool", {"bound": ["lib:tool", "lib.one:tool"]}),
        ("from lib import *", {"modules": ["lib"]}),
        ("import numpy.linalg as la", {"outside": ["numpy.linalg"]}),
    ],
)
def test_an_import_alone_is_followed(tmp_path: Path, text: str, expected: object) -> None:
    """`follow` begins at an import, wherever it stands, and so finds no binding of the importing module."""
    project = Project(written(tmp_path, {**LIB, "steps/train.py": text}))
    module = project.module("steps.train")
    assert module is not None
    (alias,) = aliases(module, module.tree.body[0])  # type: ignore[arg-type]
    assert words(follow(project, alias)) == expected
    assert bindings(module).stars == ([alias] if alias.name == "*" else [])
