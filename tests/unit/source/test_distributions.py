"""Which distribution a module belongs to, and its version."""

import json
from pathlib import Path

import pytest
from modules import Files, written

from redoit.source.distributions import owners

METADATA = "Metadata-Version: 2.1\nName: My.Lib\nVersion: 1.5\n\nVersion: 9 is in the text\n"
RECORD = "odd/__init__.py,sha256=aa,3\nodd/part.so,sha256=bb,3\nmy_lib-1.5.dist-info/METADATA,,\n"
INFO = "my_lib-1.5.dist-info"


def installed(folder: Path, files: Files, source: object = None) -> Path:
    """Return a folder with a distribution's metadata, of these files. `source`: what direct_url.json says."""
    direct_url = {} if source is None else {"direct_url.json": json.dumps(source)}
    return written(folder, {f"{INFO}/{name}": text for name, text in {**files, **direct_url}.items()})


@pytest.mark.parametrize(
    ("path", "owned"),
    [
        ("odd/__init__.py", True),
        ("odd/part.so", True),
        ("odd/", True),
        ("odd/other.py", False),
        ("odd", False),
        ("my_lib.py", False),
        ("my_lib/__init__.py", False),
    ],
)
def test_a_file_belongs_to_what_lists_it(tmp_path: Path, path: str, owned: bool) -> None:
    """Where there is a list of files it decides, whatever the distribution is called."""
    installed(tmp_path, {"METADATA": METADATA, "RECORD": RECORD})
    assert owners(str(tmp_path), path) == ({"My.Lib": "1.5"} if owned else {})


@pytest.mark.parametrize(
    ("files", "path", "owned"),
    [
        ({"METADATA": METADATA}, "my_lib.py", True),
        ({"METADATA": METADATA}, "my_lib.cpython-311-x86_64-linux-gnu.so", True),
        ({"METADATA": METADATA}, "other.py", False),
        ({"METADATA": METADATA, "top_level.txt": "other\nmore\n"}, "other/__init__.py", True),
        ({"METADATA": METADATA, "top_level.txt": "other\nmore\n"}, "my_lib.py", False),
        ({"METADATA": METADATA, "installed-files.txt": "../odd/__init__.py\nPKG-INFO\n"}, "odd/__init__.py", True),
    ],
)
def test_without_record_other_lists_and_the_name_decide(tmp_path: Path, files: Files, path: str, owned: bool) -> None:
    """A distribution that an operating system has repackaged owns what its top_level.txt says, or its name."""
    installed(tmp_path, files)
    assert owners(str(tmp_path), path) == ({"My.Lib": "1.5"} if owned else {})


@pytest.mark.parametrize(("folder", "owned"), [("dist-packages", True), ("src", False)])
def test_metadata_beside_source_owns_nothing(tmp_path: Path, folder: str, owned: bool) -> None:
    """What a build leaves beside the source is no installation; in a folder for packages it is one."""
    written(tmp_path, {f"{folder}/lib.egg-info/PKG-INFO": METADATA, f"{folder}/lib.egg-info/top_level.txt": "lib\n"})
    assert owners(str(tmp_path / folder), "lib/__init__.py") == ({"My.Lib": "1.5"} if owned else {})


def test_two_may_provide_one_package(tmp_path: Path) -> None:
    """A namespace package belongs to all that have files in it; metadata may be one file."""
    written(tmp_path, {"one-1.dist-info/RECORD": "ns/one.py,,\n", "two-2.dist-info/RECORD": "ns/two.py,,\n"})
    written(tmp_path / "dist-packages", {"three-3.egg-info": "Name: three\nVersion: 3\n"})
    assert owners(str(tmp_path), "ns/") == {"one-1": "unknown", "two-2": "unknown"}
    assert owners(str(tmp_path / "dist-packages"), "three.py") == {"three": "3"}


@pytest.mark.parametrize(
    "source",
    [
        {"url": "file:///elsewhere/my_lib", "dir_info": {}},
        {"url": "file:///elsewhere/my_lib-1.5-py3-none-any.whl", "archive_info": {}},
        {"url": "https://example.org/my_lib.git", "vcs_info": {"vcs": "git", "commit_id": "1"}},
    ],
)
def test_what_came_from_no_index_counts_by_its_files(tmp_path: Path, source: object) -> None:
    """Another build under the same version has another digest; metadata, scripts and byte code do not count."""
    rows = {
        "first": RECORD,
        "its order, metadata, scripts and byte code": "../../bin/run,sha256=1,1\nodd/a.pyc,,\n"
        + RECORD.replace("METADATA,,", "METADATA,sha256=2,1"),
        "another file": RECORD.replace("aa", "cc"),
    }
    found = {}
    for name, record in rows.items():
        installed(tmp_path, {"METADATA": METADATA, "RECORD": record}, source)
        found[name] = owners(str(tmp_path), "odd/__init__.py")["My.Lib"]
    assert found["first"].startswith("1.5, files ")
    assert found["first"] == found["its order, metadata, scripts and byte code"]
    assert found["first"] != found["another file"]


def test_a_local_file_without_a_digest_is_not_owned(tmp_path: Path) -> None:
    """Neither a list without digests nor a missing one tells another build, so such a file counts by its content."""
    source = {"url": "file:///elsewhere/my_lib", "dir_info": {}}
    installed(tmp_path, {"METADATA": METADATA}, source)
    assert owners(str(tmp_path), "my_lib.py") == {}
    installed(tmp_path, {"METADATA": METADATA, "RECORD": "my_lib.py,,\n"}, source)
    assert owners(str(tmp_path), "my_lib.py") == {}


@pytest.mark.parametrize("kind", ["direct_url.json", ".pth"])
def test_what_is_installed_to_be_edited(tmp_path: Path, kind: str) -> None:
    """An editable distribution has its plain version for all in the folders that it is edited in, and owns no file."""
    record = "_my_lib.pth,sha256=aa,3\n" if kind == ".pth" else ""
    source = {"url": f"file://{tmp_path}/my%20code", "dir_info": {"editable": True}}
    installed(tmp_path, {"METADATA": METADATA, "RECORD": record}, None if kind == ".pth" else source)
    (tmp_path / "_my_lib.pth").write_text(f"import os\n{tmp_path}/my code\n")
    assert owners(str(tmp_path), f"{tmp_path}/my code/my_lib/__init__.py") == {"My.Lib": "1.5"}
    assert owners(str(tmp_path), f"{tmp_path}/my code 2/my_lib/__init__.py") == {}
    assert owners(str(tmp_path), "my_lib/__init__.py") == {}


@pytest.mark.parametrize("text", ["", "[]", "{", "[1]", "1", '{"dir_info": 1}'])
def test_damaged_metadata_is_no_error(tmp_path: Path, text: str) -> None:
    """What is no description of a source counts as none, or as a local one."""
    installed(tmp_path, {"METADATA": METADATA, "RECORD": RECORD, "direct_url.json": text})
    assert owners(str(tmp_path), "odd/__init__.py")["My.Lib"].startswith("1.5")
