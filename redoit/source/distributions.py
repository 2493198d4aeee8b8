"""Which installed distribution a module belongs to, by the metadata in the folder that the module was found in.

Looks for the module's own file in the lists of files: names of distributions and of modules need not be alike.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

Owners = Callable[[str, str], Mapping[str, str]]  # a folder, and a path in it -> distribution -> version

SITE = ("site-packages", "dist-packages")
RECORDED = ("", "RECORD", "METADATA", "PKG-INFO")  # what an installation changes of the metadata
FIELD = r"^%s:[ \t]*(\S+)"
PTH = re.compile(r"^([^/\n,]+\.pth),", re.MULTILINE)
NO_CODE = re.compile(r"[^/,]+\.dist-info/|\.\./|/|.*\.pyc,|$")  # rows of RECORD: metadata, scripts, byte code


def metadata_names(folder: str) -> list[str]:
    """Return the sorted names of what records a distribution in a folder."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return []


def owners(folder: str, relative: str) -> dict[str, str]:
    """Return distribution -> version of those that installed a file, or into a folder if the path ends in a slash.

    An absolute path is one outside the folder: returned is what is installed from there to be edited.
    """
    return dict(each.name_and_version for each in installed_in(folder) if each.owns(relative))


def installed_in(folder: str) -> list["Distribution"]:
    """Return the distributions in a folder; each reads its metadata once."""
    return [Distribution(Path(folder, name)) for name in metadata_names(folder)]


def version_of_all(folders: Iterable[str]) -> str:
    """Return what changes with the names and versions of the distributions in folders."""
    from redoit import digest  # which no step's process needs

    found = sorted(each.name_and_version for folder in folders for each in installed_in(folder))
    return f"{len(found)} packages, {digest.of_value(found)[:16]}"


class Distribution:
    """One installed distribution. `path`: that of its metadata."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def owns(self, relative: str) -> bool:
        """Tell whether it has installed a file, as of `owners`."""
        if os.path.isabs(relative):
            return any(relative.startswith(os.path.join(folder, "")) for folder in self._edited_folders())
        if self._rows is not None:  # a local file without a digest counts by its content
            end = "" if relative.endswith("/") else ",sha" if self._is_local else ","
            return f"\n{relative}{end}" in self._rows
        if self._is_local or (self._path.suffix != ".dist-info" and self._path.parent.name not in SITE):
            return False  # metadata beside the source of a project
        module, named = re.split(r"[/.]", relative)[0], self._text("top_level.txt")
        return module in named.split() if named is not None else normal_name(module) == normal_name(self._path.name)

    @property
    def name_and_version(self) -> tuple[str, str]:
        """Its name and version.

        The version of what came from no index has a digest of its files: it can be built again under the same number.
        """
        from redoit import digest  # which no step's process needs

        text = self._text("METADATA") or self._text("PKG-INFO") or self._text("") or ""
        name, version = (re.search(FIELD % field, text, re.MULTILINE) for field in ("Name", "Version"))
        files = sorted(row for row in (self._rows or "").splitlines() if not NO_CODE.match(row))
        built = f", files {digest.of_value(files)[:16]}" if self._is_local else ""
        return name[1] if name else self._path.stem, (version[1] if version else "unknown") + built

    @cached_property
    def _rows(self) -> str | None:
        """The list of its files, each between a newline and a comma; None if it has none."""
        record, listed = self._text("RECORD"), self._text("installed-files.txt")
        rows = record if record is not None else listed and listed.replace("../", "").replace("\n", ",\n")
        return None if rows is None else f"\n{rows}"

    @cached_property
    def _source(self) -> dict[str, Any]:
        """Where it was installed from; empty for an index."""
        with suppress(ValueError, TypeError):
            return dict(json.loads(self._text("direct_url.json") or "{}"))
        return {}

    @property
    def _is_local(self) -> bool:
        return bool(self._source) and not self._is_editable

    @property
    def _is_editable(self) -> bool:
        kind = self._source.get("dir_info")
        return isinstance(kind, dict) and kind.get("editable") is True

    def _edited_folders(self) -> Iterator[str]:
        if self._is_editable:
            yield unquote(urlsplit(str(self._source.get("url"))).path)
        for name in PTH.findall(self._rows or ""):
            yield from (line for line in (self._text(f"../{name}") or "").splitlines() if os.path.isabs(line))

    def _text(self, name: str) -> str | None:
        with suppress(OSError):
            return (self._path / name).read_text("utf-8", "surrogateescape")
        return None


def normal_name(name: str) -> str:
    """Return the one spelling of a distribution's name, from any, or from the name of its metadata."""
    if name.endswith((".dist-info", ".egg-info")):
        name = name.rpartition(".")[0].partition("-")[0]
    return re.sub(r"[-_.]+", "_", name).lower()
