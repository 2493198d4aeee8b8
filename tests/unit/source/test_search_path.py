"""Where modules are found, and which of them are the project's."""

import sys
import zipfile
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest
from modules import Files, written

from redoit.source.search_path import SearchPath, file_of

SO = EXTENSION_SUFFIXES[0]
Found = Callable[[str], str | None]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout, with two other folders on the search path: `lib` inside it, `other` beside it."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PYTHONPATH", f"lib:{tmp_path}/other")
    return tmp_path / "project"


def zipped(path: Path, files: Files) -> None:
    """Write a zip archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


CASES = {
    "the checkout goes before all": (("a.py", "lib/a.py", "../other/a.py"), "a", "a.py"),
    "its src is next": (("src/a.py", "lib/a.py"), "a", "src/a.py"),
    "a folder of PYTHONPATH inside": (("lib/a.py", "../other/a.py"), "a", "lib/a.py"),
    "a folder of PYTHONPATH outside": (("../other/a/b.py",), "a.b", "../other/a/b.py"),
    "before the standard library": (("../other/colorsys.py",), "colorsys", "../other/colorsys.py"),
    "not before what is built in": (("sys.py", "zipimport.py"), "sys", None),
    "not before what is frozen": (("sys.py", "zipimport.py"), "zipimport", None),
    "the standard library": ((), "colorsys", None),
    "an installed distribution": ((), "blake3", None),
    "a folder is no match for what is installed": (("blake3/a.py",), "blake3", None),
    "a regular package hides a namespace package": (
        ("a/b.py", "../other/a/__init__.py"),
        "a",
        "../other/a/__init__.py",
    ),
    "a namespace package in two roots": (("a/b.py", "../other/a/c.py"), "a.c", "../other/a/c.py"),
    "a package of two roots that extends its path": (("a/__init__.py", "lib/a/b.py"), "a.b", "lib/a/b.py"),
    "an extension goes before source": ((f"a{SO}", "a.py", "a.pyc"), "a", f"a{SO}"),
    "byte code without source": (("a/__init__.pyc",), "a", "a/__init__.pyc"),
    "byte code of a cache": (("__pycache__/a.cpython-311.pyc",), "a", None),
    "a package goes before a module": (("a/__init__.py", "a.py"), "a", "a/__init__.py"),
    "an odd folder": (("build/dist/node_modules/a.py",), "build.dist.node_modules.a", "build/dist/node_modules/a.py"),
    "a name that is no identifier": (("a/my-part.py",), "a.my-part", "a/my-part.py"),
    "a folder called as a module": (("a.py/b.txt",), "a", None),
    "an empty part": (("a.py",), ".a", None),
    "a path": (("b/a.py",), "b/a", None),
}


@pytest.mark.parametrize(("files", "name", "expected"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("relative", [True, False])
def test_where_a_module_is_found(
    root: Path, files: tuple[str, ...], name: str, expected: str | None, relative: bool
) -> None:
    """A module is found where Python would find it, if it is the project's, whatever the checkout is called by."""
    written(root, dict.fromkeys(files, ""))
    path = SearchPath(Path() if relative else root).find_own(name)
    assert path == expected if path is None else Path(path).resolve() == (root / str(expected)).resolve()


def test_what_is_in_the_checkout_is_named_from_its_root(root: Path) -> None:
    """A path of PYTHONPATH that leads into the checkout is as one that began there; others are absolute."""
    written(root, {"lib/a.py": "", "../other/b.py": ""})
    path = SearchPath(Path())
    assert [path.find_own("a"), path.find_own("b")] == ["./lib/a.py", f"{root.parent}/other/b.py"]


def test_python_finds_the_same(root: Path) -> None:
    """For each case of files without an installed package of that name Python's own finder says the same."""
    for number, (files, name, _) in enumerate(CASES.values()):
        folder = root / f"case{number}"
        written(folder, {**dict.fromkeys(files, ""), "../other/a/c.py": ""})
        place = SearchPath(folder)
        if "." in name or "/" in name or name in ("sys", "zipimport", "blake3"):
            continue
        spec = PathFinder.find_spec(name, place.entries)
        found = place.find(name)
        assert (found and found.path) == (spec and (spec.origin or next(iter(spec.submodule_search_locations or ()))))


def test_a_file_that_nobody_installed_is_the_projects(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder for packages the list of files decides, module by module."""
    site = root.parent / "site-packages"
    record = {"one-1.dist-info/RECORD": "one.py,,\nns/a.py,,\n", "one-1.dist-info/METADATA": "Name: one\nVersion: 1\n"}
    written(site, {**record, "one.py": "", "two.py": "", "ns/a.py": ""})
    monkeypatch.setenv("PYTHONPATH", str(site))
    path = SearchPath(root)
    assert [path.find_own(name) for name in ("one", "two", "ns", "ns.a")] == [None, f"{site}/two.py", None, None]
    assert [path.versions(name) for name in ("one", "two", "ns", "none")] == [{"one": "1"}, {}, {"one": "1"}, {}]


def test_a_package_that_is_edited_elsewhere_has_a_version(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module outside the checkout is the project's, and has the version of what is installed to be edited there."""
    site = root.parent / "site-packages"
    record = {"one-1.dist-info/RECORD": "one.pth,,\n", "one-1.dist-info/METADATA": "Name: one\nVersion: 1\n"}
    written(site, {**record, "one.pth": f"{root.parent}/other\n", "../other/one.py": "", "../project/two.py": ""})
    monkeypatch.setenv("PYTHONPATH", f"{site}:{root.parent}/other")
    path = SearchPath(root)
    assert path.find_own("one") == f"{root.parent}/other/one.py"
    assert [path.versions("one"), path.versions("two")] == [{"one": "1"}, {}]


def test_an_entry_may_be_added(root: Path) -> None:
    """A folder is added last or first, once, and the search path from before stays as it was."""
    written(root, {"a.py": "", "more/a.py": "", "more/b.py": ""})
    path = SearchPath(root)
    last = path.extended("more", first=False)
    first = last.extended(f"{root}/more", first=True)
    assert [each.find_own("a") for each in (path, last, first)] == [f"{root}/{name}a.py" for name in ("", "", "more/")]
    assert [each.find_own("b") for each in (path, last)] == [None, f"{root}/more/b.py"]
    assert len(first.entries) == len(last.entries) == len(path.entries) + 1


def test_modules_in_an_archive(root: Path) -> None:
    """Packages and modules in a zip file are found and listed, also one that is replaced."""
    zipped(root / "lib", {"a.py": "", "b/__init__.py": "", "b/c.py": ""})
    path = SearchPath(root)
    found = [path.find_own(name) for name in ("a", "b", "b.c", "e")]
    assert found == [f"{root}/lib/{name}" for name in ("a.py", "b/__init__.py", "b/c.py")] + [None]
    assert {*path.modules()} >= {"a", "b", "b.c"}
    assert file_of(f"{root}/lib/b/c.py") == f"{root}/lib"
    zipped(root / "lib", {"e.py": ""})
    assert SearchPath(root).find_own("a") is None
    assert SearchPath(root).find_own("e") == f"{root}/lib/e.py"
    (root / "lib").write_bytes(b"no archive")
    assert SearchPath(root).find_own("e") is None


def test_an_editable_finder_is_asked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the finder of an editable install maps is the project's, is listed, and comes after the search path."""
    code = written(root.parent / "code", {"odd/__init__.py": "", "odd/part.py": "", "one.py": ""})

    class Finder:
        """A finder as build backends write it."""

        _redirections: Files = {"odd": str(code / "odd/__init__.py"), "one": str(code / "one.py")}  # noqa: RUF012

        @classmethod
        def find_spec(cls, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
            """Return a spec for what is mapped."""
            if name == "broken":
                raise RuntimeError
            return spec_from_file_location(name, cls._redirections[name]) if name in cls._redirections else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert SearchPath(root).find_own("odd") is None
    Finder.__module__ = "_odd_editable_finder"
    path = SearchPath(root)
    found = [path.find_own(name) for name in ("odd", "odd.part", "one", "broken")]
    assert found == [*(f"{code}/{name}" for name in ("odd/__init__.py", "odd/part.py", "one.py")), None]
    assert {*path.modules()} == {"odd", "odd.part", "one"}
    written(root, {"one.py": ""})
    assert SearchPath(root).find_own("one") == f"{root}/one.py"
