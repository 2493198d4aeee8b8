"""Code that lies outside the project's folder: on `PYTHONPATH`, in archives, in packages."""

import json
import os
import py_compile
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import Pipeline

Put = Callable[[Path, str], dict[str, str]]


def by_path(place: Path, value: str) -> dict[str, str]:
    """Put a module in a folder on PYTHONPATH, beside byte code that looks current."""
    module = place / "helper.py"
    place.mkdir(exist_ok=True)
    old = module.read_text() if module.exists() else f"VALUE = {value}\n"
    module.write_text(old)
    os.utime(module, (1_700_000_000, 1_700_000_000))
    py_compile.compile(str(module), doraise=True)
    module.write_text(f"VALUE = {value}\n")
    os.utime(module, (1_700_000_000, 1_700_000_000))
    return {"PYTHONPATH": str(place)}


def by_archive(place: Path, value: str) -> dict[str, str]:
    """Put a module in an archive on PYTHONPATH."""
    place.mkdir(exist_ok=True)
    with zipfile.ZipFile(place / "lib.zip", "w") as archive:
        archive.writestr("helper.py", f"VALUE = {value}\n")
    return {"PYTHONPATH": f"{place}/lib.zip"}


def by_version(place: Path, value: str) -> dict[str, str]:
    """Install a package that has neither RECORD nor top_level.txt."""
    site = place / "site-packages"
    shutil.rmtree(site, ignore_errors=True)
    (site / f"helper-{value}.dist-info").mkdir(parents=True)
    (site / f"helper-{value}.dist-info/METADATA").write_text(f"Name: helper\nVersion: {value}\n")
    (site / "helper.py").write_text(f"VALUE = {value}\n")
    return {"PYTHONPATH": str(site)}


def by_files(place: Path, value: str) -> dict[str, str]:
    """Install a package from a folder, with the same version each time."""
    info = place / "site-packages/other_name-1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Name: other-name\nVersion: 1\n")
    (info / "RECORD").write_text(f"helper.py,sha256={value},9\n")
    (info / "direct_url.json").write_text(json.dumps({"url": "file:///code", "dir_info": {}}))
    (info.parent / "helper.py").write_text(f"VALUE = {value}\n")
    return {"PYTHONPATH": str(info.parent)}


@pytest.mark.parametrize("put", [by_path, by_archive, by_version, by_files])
def test_a_change_runs_what_imports_it(fresh: Pipeline, tmp_path: Path, put: Put) -> None:
    """A step runs again when a module changes that it imports from elsewhere, and not when that goes back."""
    fresh.edit("steps/make.py", "def run", "import helper\n\n\ndef run")
    fresh.edit("steps/make.py", "return {", 'print("value", helper.VALUE)\n    return {')
    seen = []
    for value in ("1", "1", "2", "1"):
        result = fresh.doit("make", **put(tmp_path / "elsewhere", value))
        assert result.code == 0, result.text
        seen.append(result.text.strip().splitlines()[-1].split()[3])
        if seen[-1] == "ran":
            assert f"value {value}" in fresh.path(".redoit/logs/make").read_text()
    assert seen[:3] == ["ran", "kept", "ran"]
    assert seen[3] in ("kept", "restored")  # its output is the same, so that the file in place is right
