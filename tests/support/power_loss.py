"""The possible contents of a disk after a power failure, at any call that the shim recorded.

The model of a file system, deliberately weaker than ext4, xfs or btrfs, so that what holds here holds there:

- `fsync` of a file forces its content to the disk, and nothing else: not its name, not even that of a new file.
- `fsync` of a folder forces to the disk all changes of names in it that were made until then.
- Content that was not forced is lost, or there in part, or all there, or there in length but full of zeros.
- Changes of names (create, rename, remove, new folder) that were not forced have each happened or not, independently
  of each other and of the content: a later one may be there without an earlier one, a name without its content.
- One change is atomic: a rename puts the new name where the old one, or what it replaced, was. Between two folders the
  old name may survive beside the new one, but the new one is there if the old one is gone.
- A folder whose own name is lost takes with it what is in it.
- The kernel lives until then: who asks sees all that was done, forced or not.
"""

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from syscall_shim import Operation

EXTREMES = 6  # ways in which the power can fail that leave nothing to chance
Tree = dict[str, bytes | None]  # path from the root -> content; None is a folder


@dataclass(eq=False)
class Node:
    """A file or a folder. `data` is what the kernel has of a file, `safe` what is on the disk."""

    is_folder: bool
    data: bytes = b""
    safe: bytes = b""
    names: dict[str, "Node"] = field(default_factory=dict)
    safe_names: dict[str, "Node"] = field(default_factory=dict)

    @property
    def is_safe(self) -> bool:
        """Whether all of a file's content is on the disk."""
        return self.data == self.safe


@dataclass(eq=False)
class Change:
    """One change of names that is not on the disk yet, in the order in which it takes effect."""

    entries: list[tuple[Node, str, Node | None]]


class Disk:
    """A disk below one folder, on which operations are played again."""

    def __init__(self, root: Path, tree: Tree) -> None:
        self._root = root
        self._top = Node(is_folder=True)
        self._pending: list[Change] = []
        for path, data in sorted(tree.items()):
            above, name = self._above(path)
            node = Node(data is None, data or b"", data or b"")
            above.names[name] = above.safe_names[name] = node

    def play(self, operation: Operation) -> None:
        """Do what was done."""
        path = self._inside(operation.path)
        if path is not None:
            getattr(self, f"_{operation.verb}")(path, *operation.details)

    def names(self) -> set[str]:
        """Return the path of each file, as who asks the kernel sees it."""
        return {path for path, node in _walk(self._top, lambda node: node.names) if not node.is_folder}

    def read(self, path: str) -> bytes:
        """Return the content of a file, as who asks the kernel reads it."""
        node = self._node(path)
        assert node is not None
        return node.data

    def crashes(self, rng: random.Random) -> Iterator[Tree]:
        """Yield what may be found after the power has failed now: first the extremes, then random ones, without end."""
        pending = self._pending
        for contents in ("lost", "zeros", "part", "all"):
            yield self._found(pending, [contents], rng)
        yield self._found([], ["lost"], rng)
        yield self._found([], ["all"], rng)
        while True:
            share = rng.random()
            happened = [change for change in pending if rng.random() < share]
            yield self._found(happened, ["lost", "zeros", "part", "all"], rng)

    def _found(self, happened: Sequence[Change], contents: list[str], rng: random.Random) -> Tree:
        """Return the tree of names that are safe or `happened`; each content has one of these fates."""
        names: dict[Node, dict[str, Node]] = {}
        for change in happened:
            _apply(change.entries, lambda folder: names.setdefault(folder, dict(folder.safe_names)))
        found: Tree = {}
        for path, node in _walk(self._top, lambda folder: names.get(folder, folder.safe_names)):
            found[path] = None if node.is_folder else _content(node, rng.choice(contents), rng)
        return found

    def _create(self, path: str) -> None:
        self._change([(*self._above(path), Node(is_folder=False))])

    def _mkdir(self, path: str, *_: object) -> None:
        self._change([(*self._above(path), Node(is_folder=True))])

    def _unlink(self, path: str) -> None:
        self._change([(*self._above(path), None)])

    _rmdir = _unlink

    def _rename(self, path: str, target: str) -> None:
        above, name = self._above(path)
        inside = self._inside(target)
        assert inside is not None
        self._change([(*self._above(inside), above.names[name]), (above, name, None)])

    def _write(self, path: str, offset: int, data: str) -> None:
        node, new = self._node(path), bytes.fromhex(data)
        if node is not None:  # else it was removed while it was open
            node.data = node.data[:offset].ljust(offset, b"\0") + new + node.data[offset + len(new) :]

    def _truncate(self, path: str, size: int) -> None:
        node = self._node(path)
        if node is not None:
            node.data = node.data[:size].ljust(size, b"\0")

    def _fsync(self, path: str) -> None:
        node = self._node(path)
        if node is None:  # removed while it was open
            return
        if not node.is_folder:
            node.safe = node.data
            return
        for change in list(self._pending):
            forced = [entry for entry in change.entries if entry[0] is node]
            if forced and change.entries[-1] in forced:  # an old name is not gone without the new one
                forced = change.entries
            _apply(forced, lambda folder: folder.safe_names)
            change.entries = [entry for entry in change.entries if entry not in forced]
            if not change.entries:
                self._pending.remove(change)

    def _change(self, entries: list[tuple[Node, str, Node | None]]) -> None:
        _apply(entries, lambda folder: folder.names)
        self._pending.append(Change(entries))

    def _inside(self, path: str) -> str | None:
        found = os.path.relpath(path.removesuffix(" (deleted)"), self._root)
        return None if found.startswith("..") or path.endswith(" (deleted)") else found

    def _node(self, path: str) -> Node | None:
        node: Node | None = self._top
        for name in path.split(os.sep) if path != "." else []:
            node = node.names.get(name) if node is not None else None
        return node

    def _above(self, path: str) -> tuple[Node, str]:
        above, name = os.path.split(path)
        node = self._node(above or ".")
        assert node is not None, f"{path} is in a folder that nobody made"
        return node, name


def _apply(entries, names_of) -> None:
    for folder, name, node in entries:
        if node is None:
            names_of(folder).pop(name, None)
        else:
            names_of(folder)[name] = node


def _walk(top: Node, names_of, above: str = "") -> Iterator[tuple[str, Node]]:
    for name, node in names_of(top).items():
        path = os.path.join(above, name)
        yield path, node
        if node.is_folder:
            yield from _walk(node, names_of, path)


def _content(node: Node, fate: str, rng: random.Random) -> bytes:
    if node.is_safe or fate == "all":
        return node.data
    if fate == "zeros":
        return bytes(len(node.data))
    return node.safe if fate == "lost" else node.data[: rng.randrange(len(node.data) + 1)]


def tree_of(root: Path) -> Tree:
    """Return what is below a folder."""
    return {
        os.path.relpath(path, root): None if path.is_dir() else path.read_bytes() for path in sorted(root.rglob("*"))
    }


def materialise(tree: Tree, root: Path) -> None:
    """Make the content of a folder equal to a tree."""
    root.mkdir(parents=True)
    for path, data in sorted(tree.items()):
        if data is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(data)
