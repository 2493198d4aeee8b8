"""Rows about the bytes of one large file: to digest it, to keep it and to bring it back."""

import contextlib
import os
import shutil
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.bench import Bench
from bench.processes import Ran, Series, WrongError, in_turn, ran
from bench.rows import Goal, Row, compared, missing, raw, seconds, shown

GROUP = "Bytes"
SPEED, ROUND_TRIP, CONSTANT = Goal(90, "%", least=True), Goal(1.5), Goal(2.0)
GIGA, TENTH = 10**9, 10**8
PIECE = 10**6  # random bytes, at a time
STAND_IN = (
    "import sys, time; from blake3 import blake3; began = time.perf_counter(); "
    "print(blake3(max_threads=blake3.AUTO).update_mmap(sys.argv[1]).hexdigest()); "
    "print(time.perf_counter() - began)"
)


def filled(path: Path, size: int) -> Path:
    """Write a file of random bytes, and let it be in the page cache and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for _ in range(size // PIECE):
            file.write(os.urandom(PIECE))
        file.flush()
        os.fsync(file.fileno())
    return path


class Bytes:
    """A large file, and what is done with it. `folder`: on the file system to be measured."""

    def __init__(self, bench: Bench, folder: Path, size: int) -> None:
        self.bench, self.folder, self.size = bench, folder, size
        self.file = filled(folder / "large", size)
        self.digest = bench.inside("bytes_inside", "digest", self.file).text.split()[1]

    def inside(self, verb: str, *given: Path) -> Ran:
        """Let redoit do something with the file, and return the seconds that it says this took."""
        done = self.bench.inside("bytes_inside", verb, self.file, *given)
        taken, _, name = done.text.strip().partition(" ")
        if name not in ("", self.digest):
            raise WrongError(f"{verb}: found digest {name}, expected {self.digest}")
        return replace(done, wall=float(taken))

    def b3sum(self) -> Ran:
        """Run b3sum."""
        done = ran(["b3sum", "--no-names", self.file], self.folder)
        if done.text.strip() != self.digest:
            raise WrongError(f"b3sum says {done.text}, expected {self.digest}")
        return done

    def mapped(self) -> Ran:
        """Let the library read the file through memory, as b3sum does it."""
        done = self.bench.python("-c", STAND_IN, self.file)
        name, taken = done.text.split()
        if name != self.digest:
            raise WrongError(f"blake3 says {name}, expected {self.digest}")
        return replace(done, wall=float(taken))

    def round_trip(self) -> Ran:
        """Put the file in a new store, and restore it from there."""
        store, target = self.folder / "store", self.folder / "restored"
        kept = self.inside("put", store)
        (store / "name").write_text(self.digest)
        back = self.inside("restore", store, target)
        self._check(target)
        shutil.rmtree(store)
        target.unlink()
        return Ran(kept.wall + back.wall, kept.cpu + back.cpu, max(kept.peak, back.peak), f"{kept.wall} {back.wall}")

    def copies(self) -> Ran:
        """Copy the file and force the copy to the disk, there and back, as one would by hand."""
        first, second = self.folder / "first", self.folder / "second"
        done = []
        for source, target in ((self.file, first), (first, second)):
            ran(["sync"], self.folder)
            done.append(ran(["sh", "-c", f"cp --reflink=never {source} {target} && sync {target}"], self.folder))
        self._check(second)
        first.unlink()
        second.unlink()
        return Ran(sum(each.wall for each in done), sum(each.cpu for each in done), max(each.peak for each in done))

    def clone(self) -> Ran:
        """Make a clone of the file."""
        target = self.folder / "clone"
        done = self.inside("clone", target)
        target.unlink()
        return done

    def _check(self, copy: Path) -> None:
        """Hold a copy against the file."""
        ran(["cmp", self.file, copy], self.folder)


def rows(bench: Bench) -> list[Row]:
    """Measure all of it."""
    size = TENTH if bench.quick else GIGA
    bench.say(f"  {shown(size / 1e6, 'MB')} on the disk")
    folder = bench.folder / "bytes"
    bytes_ = Bytes(bench, folder, size)
    found = [*digest_rows(bytes_), round_trip_row(bytes_, "on the disk")]
    shutil.rmtree(folder)
    with reflinking(bench, size) as (place, why):
        if place is None:
            found.append(missing(GROUP, "put and restore, with reflinks", "cp and sync, twice", why, ROUND_TRIP))
        else:
            found += reflink_rows(bench, place, size)
    return found


def digest_rows(bytes_: Bytes) -> list[Row]:
    """Return how fast a file is digested, as a share of b3sum's speed, and of the library's by its own way to read."""
    others = {"blake3's update_mmap, all threads": bytes_.mapped}
    if shutil.which("b3sum"):
        others["b3sum, all threads"] = bytes_.b3sum
    found = in_turn({"ours": partial(bytes_.inside, "digest"), **others}, bytes_.bench.runs)
    return [digest_row(bytes_.size, found["ours"], name, found[name]) for name in others]


def digest_row(size: int, ours: Series, against: str, theirs: Series) -> Row:
    """Return one of these."""
    each = [100 * right / left for left, right in zip(ours.walls, theirs.walls, strict=True)]
    speeds = [f"{size / series.wall / 1e9:.1f} GB/s" for series in (ours, theirs)]
    start = "; its start is in its time, ours is not" if "b3sum" in against else ""
    return Row(
        GROUP,
        f"digest of {shown(size / 1e6, 'MB')}, page cache warm",
        against,
        100 * theirs.wall / ours.wall,
        SPEED,
        "%",
        ours=seconds(ours.wall),
        theirs=seconds(theirs.wall),
        spread=(min(each), max(each)),
        note=f"{speeds[0]}, {against} {speeds[1]}{start}",
        raw={"ours": raw(ours), "theirs": raw(theirs)},
    )


def round_trip_row(bytes_: Bytes, where: str) -> Row:
    """Return how put and restore compare with two copies, each forced to the disk."""
    found = in_turn({"ours": bytes_.round_trip, "copies": bytes_.copies}, bytes_.bench.runs)
    note = parts(found["ours"])
    what = f"put and restore of {shown(bytes_.size / 1e6, 'MB')}, {where}"
    return compared(
        GROUP, what, found["ours"], found["copies"], against="cp and sync, twice", goal=ROUND_TRIP, note=note
    )


def parts(series: Series) -> str:
    """Tell what of a round trip was what."""
    puts, backs = zip(*(map(float, ran.text.split()) for ran in series.runs), strict=True)
    put, back = statistics.median(puts), statistics.median(backs)
    return f"put {seconds(put)}, restore {seconds(back)}: both digest all of it, and are on the disk when they are done"


def reflink_rows(bench: Bench, place: Path, size: int) -> list[Row]:
    """Return the same where the file system has reflinks, and whether a clone takes longer for more bytes."""
    bench.say("  with reflinks")
    large, small = Bytes(bench, place / "large", size), Bytes(bench, place / "small", size // 10)
    found = in_turn({"large": large.clone, "small": small.clone}, bench.runs)
    constant = compared(
        GROUP,
        f"clone of {shown(size / 1e6, 'MB')}, with reflinks",
        found["large"],
        found["small"],
        against=f"clone of {shown(size / 1e7, 'MB')}",
        goal=CONSTANT,
        note="copying alone; what is digested is read all the same",
    )
    return [round_trip_row(large, "with reflinks"), constant]


@contextlib.contextmanager
def reflinking(bench: Bench, size: int) -> Iterator[tuple[Path | None, str]]:
    """Yield a folder whose file system has reflinks, or why there is none."""
    bench.folder.mkdir(parents=True, exist_ok=True)
    if _has_reflinks(bench.folder):
        yield bench.folder / "reflinks", ""
        return
    if not bench.mount:
        yield None, "the file system here has none; as root, `--mount` makes one for the while"
        return
    image, place = bench.folder / "image", bench.folder / "mounted"
    place.mkdir()
    why = _mounted(image, place, 6 * size + 10**9)
    try:
        yield (None, why) if why else (place, "")
    finally:
        subprocess.run(["umount", place], capture_output=True, check=False)
        image.unlink(missing_ok=True)


def _mounted(image: Path, place: Path, size: int) -> str:
    """Mount a new file system that has reflinks; return why that was not possible, or nothing."""
    with image.open("wb") as file:
        file.truncate(size)
    for command in (["mkfs.xfs", "-q", "-m", "reflink=1", image], ["mount", "-o", "loop", image, place]):
        if not shutil.which(str(command[0])):
            return f"{command[0]} is not installed"
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"{command[0]}: {done.stderr.strip()}"
    return "" if _has_reflinks(place) else "what was mounted has no reflinks"


def _has_reflinks(folder: Path) -> bool:
    """Tell whether a file can be cloned in a folder."""
    source, target = folder / "reflink-source", folder / "reflink-target"
    source.write_bytes(b"x" * 4096)
    done = subprocess.run(["cp", "--reflink=always", source, target], capture_output=True, check=False)
    source.unlink()
    target.unlink(missing_ok=True)
    return done.returncode == 0
