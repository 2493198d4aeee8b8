"""Ways to damage what stands on a disk, and what an error names of it. Knows nothing of stages."""

import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

Way = Callable[[Path, random.Random], None]


def erase(path: Path) -> None:
    """Remove a file, a folder or a link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def flip(path: Path, rng: random.Random) -> None:
    """Flip one bit; size and time of change stay as they were."""
    found, data = path.stat(), bytearray(path.read_bytes())
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def truncate(path: Path, rng: random.Random) -> None:
    """Keep only a beginning."""
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(max(len(data), 1))])


def empty(path: Path, rng: random.Random) -> None:
    """Leave an empty file."""
    path.write_bytes(b"")


def overwrite(path: Path, rng: random.Random) -> None:
    """Replace it by a file of garbage, or of something that is almost right."""
    erase(path)
    path.write_bytes(
        rng.choice([b"{}", b"[]", b"null", b'{"format": 1}', b"\0" * 64, b"[" * 100_000, rng.randbytes(99)])
    )


def by_folder(path: Path, rng: random.Random) -> None:
    """Replace it by a folder, which may have something in it."""
    erase(path)
    path.mkdir()
    if rng.random() < 0.5:
        (path / "inside").write_text("inside")


def by_link(path: Path, rng: random.Random) -> None:
    """Move it to where the canary is, and link to it, or link to the canary itself."""
    outside = canary(path)
    if rng.random() < 0.5:
        moved = outside.with_name(f"moved-{path.name}")
        shutil.move(path, moved)
        outside = moved
    erase(path)
    path.symlink_to(outside)


def by_dangling_link(path: Path, rng: random.Random) -> None:
    """Replace it by a link to nothing."""
    outside = canary(path)
    erase(path)
    path.symlink_to(outside.with_name("nowhere"))


def by_link_to_itself(path: Path, rng: random.Random) -> None:
    """Replace it by a link that leads to itself."""
    erase(path)
    path.symlink_to(path.name)


def by_pipe(path: Path, rng: random.Random) -> None:
    """Replace it by a pipe without a writer."""
    erase(path)
    os.mkfifo(path)


def delete(path: Path, rng: random.Random) -> None:
    """Remove it."""
    erase(path)


OF_FILES: list[Way] = [flip, flip, truncate, empty, overwrite, by_folder, by_link, by_dangling_link, by_link_to_itself]
OF_FILES += [by_pipe, delete]
OF_FOLDERS: list[Way] = [overwrite, by_folder, by_link, by_dangling_link, by_link_to_itself, by_pipe, delete]


def canary(path: Path) -> Path:
    """Return a file outside the project that must not be touched, made if it is missing."""
    folder = next(parent for parent in path.parents if (parent / "dodo.py").exists())
    outside = folder.parent / "canary"
    if not outside.exists():
        outside.write_text("canary")
    return outside


def named(root: Path, text: str) -> list[Path]:
    """Return what an error names below a project: what is there, or else what is in the way of it."""
    words = re.split(r"[\s'\"():;,]+", text)
    paths = [root / word.rstrip(".") for word in words if "/" in word or word.startswith(".")]
    there = [path for path in paths if os.path.lexists(path)]
    in_the_way = (next(above for above in path.parents if os.path.lexists(above)) for path in paths)
    return [*there, *(path for path in in_the_way if path.is_relative_to(root) and path != root and not path.is_dir())]
