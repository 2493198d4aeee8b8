"""How the project's modules are found, read and parsed."""

import zipfile
from pathlib import Path

import pytest

from redoit.digest import of_bytes
from redoit.errors import SourceError
from redoit.source.project import Project


def put(root: Path, name: str, content: bytes = b"") -> Path:
    """Write a file below a folder."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_modules_and_packages_are_found(tmp_path: Path) -> None:
    """A file is a module, a folder with `__init__.py` a package, any other folder a namespace package."""
    put(tmp_path, "one.py", b"x = 1")
    put(tmp_path, "two/__init__.py")
    put(tmp_path, "three/deep/four.py")
    put(tmp_path, "data/numbers.csv")
    project = Project(tmp_path)
    found = {name: project.module(name) for name in ("one", "two", "three", "three.deep", "data", "numpy", "one.x", "")}
    packages = {name: module.is_package for name, module in found.items() if module}
    assert packages == {"one": False, "two": True, "three": True, "three.deep": True, "data": True}
    assert found["one"] is not None
    assert found["one"].path == Path("one.py")
    assert found["one"].source == b"x = 1"


def test_a_package_goes_before_a_module_of_its_name(tmp_path: Path) -> None:
    """Of `a/__init__.py` and `a.py` the import system takes the first, and so does the project."""
    put(tmp_path, "a/__init__.py")
    put(tmp_path, "a.py")
    module = Project(tmp_path).module("a")
    assert module is not None
    assert module.path == Path("a/__init__.py")


def test_src_is_searched_too(tmp_path: Path) -> None:
    """A module below `src` goes by its name without it, as by that with it, and its path has it."""
    put(tmp_path, "src/lib/a.py")
    module = Project(tmp_path).module("lib.a")
    assert module is not None
    assert module.path == Path("src/lib/a.py")
    assert {*Project(tmp_path).modules()} == {"lib", "lib.a", "src", "src.lib", "src.lib.a"}


def test_all_modules_are_listed_once_without_what_is_not_the_projects(tmp_path: Path) -> None:
    """Virtual environments, caches and hidden folders hold no modules of the project; any other folder may."""
    for name in ("a.py", "lib/__init__.py", "lib/b.py", "bare/c.py", "build/d.py", "lib/e.so", "lib/f.pyc", "g.x.py"):
        put(tmp_path, name)
    for folder in (".git", "__pycache__", "lib/__pycache__", "env/site-packages", "old/one.dist-info"):
        put(tmp_path, f"{folder}/x.py")
    put(tmp_path, "venv/pyvenv.cfg")
    put(tmp_path, "venv/lib/x.py")
    assert list(Project(tmp_path).modules()) == [
        "a",
        "bare",
        "bare.c",
        "build",
        "build.d",
        "lib",
        "lib.b",
        "lib.e",
        "lib.f",
    ]


def test_folders_linked_in_a_circle_end(tmp_path: Path) -> None:
    """A link to a folder above is followed once at most."""
    put(tmp_path, "lib/a.py")
    (tmp_path / "lib" / "again").symlink_to(tmp_path)
    assert "lib.a" in set(Project(tmp_path).modules())


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """A project is a snapshot of the disk; only a new one sees a later change."""
    path = put(tmp_path, "a.py", b"x = 1")
    project = Project(tmp_path)
    first = project.module("a")
    path.write_bytes(b"x = 2")
    assert project.module("a") is first
    again = Project(tmp_path).module("a")
    assert again is not None
    assert again.source == b"x = 2"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n\ndef f(:\n", "lib/a.py: line 3: invalid syntax; fix it"),
        (
            b"x = '\xff'",
            (
                "lib/a.py: line 1: (unicode error) 'utf-8' codec can't decode byte 0xff in position 0: "
                "invalid start byte; fix it"
            ),
        ),
        (b"# coding: martian\n", "lib/a.py: unknown encoding: martian; fix it"),
        (b"x\0y", "lib/a.py: source code string cannot contain null bytes; fix it"),
        (b"(" * 500, "lib/a.py: line 1: too many nested parentheses; fix it"),
    ],
)
def test_a_syntax_error_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    """A file that Python would refuse is an error that says where and why."""
    put(tmp_path, "lib/a.py", content)
    with pytest.raises(SourceError) as error:
        Project(tmp_path).module("lib.a")
    assert str(error.value) == message


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    """An unreadable file is an error with the system's reason."""
    path = put(tmp_path, "a.py", b"x = 1")
    project = Project(tmp_path)
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        with pytest.raises(SourceError, match="can't be read"):
            project.module("a")
    else:
        pytest.skip("this user may read every file")


def test_declared_encodings_are_read(tmp_path: Path) -> None:
    """A file in another encoding is parsed as it declares."""
    put(tmp_path, "a.py", "# coding: latin-1\nx = 'é'".encode("latin-1"))
    module = Project(tmp_path).module("a")
    assert module is not None
    assert module.tree.body[0].value.value == "é"  # type: ignore[attr-defined]


def test_modules_without_source_are_opaque(tmp_path: Path) -> None:
    """An extension module and byte code alone have no tree, and as their source the digest of their bytes."""
    for name in ("fast.so", "old.pyc", "pack/__init__.pyc"):
        path = put(tmp_path, name, b"\0\1")
        project = Project(tmp_path)
        module = project.module(path.relative_to(tmp_path).parts[0].partition(".")[0])
        assert module is not None
        assert (module.is_opaque, module.is_namespace, module.is_package) == (True, False, name.startswith("pack"))
        assert (module.source, module.tree.body) == (f"{of_bytes(bytes([0, 1]))}\n".encode(), [])
        assert project.file_digests == {str(path): of_bytes(b"\0\1")}


def test_modules_of_an_archive_are_parsed(tmp_path: Path) -> None:
    """A module in a zip file has its own source, and counts as read from that file."""
    with zipfile.ZipFile(tmp_path / "lib.zip", "w") as archive:
        archive.writestr("inner/__init__.py", "")
        archive.writestr("inner/one.py", "x = 1")
    project = Project(tmp_path)
    assert project.module("inner.one") is None
    assert project.add_root("lib.zip")
    module = project.module("inner.one")
    assert module is not None
    assert (module.source, module.path) == (b"x = 1", Path("lib.zip/inner/one.py"))
    assert project.file_digests == {f"{tmp_path}/lib.zip": of_bytes((tmp_path / "lib.zip").read_bytes())}


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    """A module whose bytes in a zip file are damaged is an error that names it."""
    with zipfile.ZipFile(tmp_path / "lib.zip", "w") as archive:
        archive.writestr("one.py", "x = 1")
    data = bytearray((tmp_path / "lib.zip").read_bytes())
    data[data.index(b"x = 1")] ^= 1
    (tmp_path / "lib.zip").write_bytes(data)
    project = Project(tmp_path)
    project.add_root("lib.zip")
    with pytest.raises(SourceError, match=r"lib.zip/one.py: can't be read"):
        project.module("one")


def test_an_added_root_is_searched_from_then_on(tmp_path: Path) -> None:
    """A folder is added once; what was not found before is looked for again; other projects do not have it."""
    put(tmp_path, "lib/a.py")
    project = Project(tmp_path)
    assert project.module("a") is None
    assert [project.add_root("lib"), project.add_root("lib")] == [True, False]
    assert project.module("a") is not None
    assert project.added == (("lib", False),)
    assert Project(tmp_path).module("a") is None
    assert Project(tmp_path).with_roots(project.added).locate("a") == f"{tmp_path}/lib/a.py"


def test_what_lies_below_an_installed_package_is_not_asked_for(tmp_path: Path) -> None:
    """A folder that has the name of an installed package does not make its modules the project's."""
    put(tmp_path, "blake3/a.py")
    assert Project(tmp_path).locate("blake3.a") is None
