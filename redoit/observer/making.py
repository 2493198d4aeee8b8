"""Observes which files and folders of the project a process makes, moves and removes.

    made <path>            what it made, replaced or removed
    moved <path> <path>    what it did not make, with its new path, which is empty if that is out of the project
    changed <path>         a file that it shortened
    wanted <path>          a folder that it would have made, but was there
    stamped <path>         a file of which it set times or permissions

An audit event comes before its call: what is there tells whether that will fail, and so makes nothing.
"""

from __future__ import annotations  # what they name is not imported

import os
import posix as system  # not os, as in `record`

from redoit.observer.files import FILE, TYPE, Files, at, is_folder, status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from redoit.observer.record import AnyPath, Recorder


class Making:
    """Observes what one process makes, with what observes its files."""

    def __init__(self, recorder: Recorder, files: Files) -> None:
        self._add, self._place, self._files = recorder.add, recorder.place, files

    def handlers(self) -> dict[str, Callable[..., None]]:
        """Return audit event -> what to do at it."""
        return {
            "os.mkdir": self._on_folder,
            "os.rename": self._on_moved,
            "os.link": self._on_linked,
            "os.symlink": self._on_symlink,
            "os.utime": lambda path, _times, _ns, folder: self._on_altered("stamped", path, folder),
            "os.chmod": lambda path, _mode, folder: self._on_altered("stamped", path, folder),
            "os.truncate": lambda path, _length: self._on_altered("changed", path),
            "os.remove": lambda path, folder: self._on_removed(path, folder, of_folder=False),
            "os.rmdir": lambda path, folder: self._on_removed(path, folder, of_folder=True),
        }

    def _on_folder(self, path: AnyPath, _mode: int, folder: int) -> None:
        if not self._is_made(path, folder) and (name := self._files.entry(path, folder)):
            self._add("wanted", name)

    def _on_symlink(self, _target: AnyPath, path: AnyPath, folder: int) -> None:
        if not self._is_made(path, folder) and not self._files.on_link(path, folder):
            self._files.on_lookup(path, with_size=False)

    def _is_made(self, path: AnyPath, folder: int) -> bool:
        """Record what is about to be made, and return whether it will be: if nothing is there."""
        name = self._files.entry(path, folder)
        is_made = bool(name) and status_of(name, follow=False) is None
        if is_made:
            self._files.made(name)
        return is_made

    def _on_moved(self, source: AnyPath, path: AnyPath, from_folder: int, to_folder: int) -> None:
        """Record what has another name from now on, unless that fails. The engine knows what other processes made."""
        name, target = self._files.entry(source, from_folder), self._files.entry(path, to_folder)
        found = status_of(name or os.path.abspath(os.fsdecode(at(source, from_folder))), follow=False)
        there = status_of(target, follow=False) if target else None
        if found is None:
            self._files.on_lookup(name or source, with_size=False)
        elif there and (is_folder(there) != is_folder(found) or (is_folder(there) and system.listdir(target))):
            self._files.on_lookup(target, with_size=False)
        elif not name or self._files.is_made_here(name):
            for each in filter(None, (name, target)):
                self._files.made(each)
        else:
            self._files.on_lookup(name, with_size=False)
            self._files.moved(name, target)

    def _on_linked(self, source: AnyPath, path: AnyPath, from_folder: int, to_folder: int) -> None:
        name, target = self._files.entry(source, from_folder), self._files.entry(path, to_folder)
        if name and status_of(name, follow=False) is None:
            self._files.on_lookup(name, with_size=False)
        elif target and status_of(target, follow=False):
            self._files.on_lookup(target, with_size=False)
        else:
            self._on_copied(source, from_folder)
            for each in filter(None, (name, target)):  # the status of both is of the step's making
                self._files.made(each)

    def _on_copied(self, source: AnyPath, folder: int) -> None:
        """Record that a file is read that will have another name, also one that a link leads to."""
        place = self._place(at(source, folder))
        found = status_of(place) if place else None
        if found and found.st_mode & TYPE == FILE:
            self._files.on_read(place, found)

    def _on_altered(self, kind: str, path: AnyPath | int, folder: int | None = None) -> None:
        if isinstance(path, int) or not (name := self._place(at(path, folder))):
            return
        if status_of(name) is None:
            self._files.on_lookup(name, with_size=False)
        else:
            self._add(kind, name)

    def _on_removed(self, path: AnyPath, folder: int, *, of_folder: bool) -> None:
        name = self._files.entry(path, folder)
        found = status_of(name, follow=False) if name else None
        if name and (found is None or is_folder(found) != of_folder):
            self._files.on_lookup(name, with_size=False)
        elif name and of_folder and system.listdir(name):
            self._files.on_list(name)
        elif name:
            self._files.made(name)
