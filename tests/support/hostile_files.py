"""Files that an enemy could have made: valid ones of each kind, made by code, and ways to change them."""

import ctypes
import gzip
import io
import json
import os
import random
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from limited_reader import Limited, Outcome

from steps import idx

IMAGES = (np.arange(20 * 28 * 28) % 251).astype(np.uint8).reshape(20, 28, 28)
LABELS = (np.arange(20) % 10).astype(np.uint8)
NUMBERS = [0, 1, 2, 7, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63, 2**64 - 1]
WORDS = [
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-1",
    b"1.0",
    b"true",
    b"null",
    b'""',
    b"[]",
    b"{}",
    b"[[[[",
    b"9" * 5000,
    b'"\\ud800"',
    b'"\xed\xa0\x80"',
    b'"\\u0000"',
    b"\0",
    b"\n",
    b'"../../canary"',
    b'"/etc/passwd"',
    b'{"a":1,"a":2}',
    b'"' + b"n" * 300 + b'"',
    "\u0430\u0435".encode(),
    b"[" * 3000 + b"]" * 3000,
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b"\xff\xfe",
    b"A" * 64,
    b"=",
    b"[tool]",
]


class Canary:
    """A file that must not be touched, watched by inotify."""

    MASK = 0x2 | 0x1 | 0x20 | 0x400 | 0x800 | 0x4  # modified, accessed, opened, deleted, moved, its attributes changed

    def __init__(self, path: Path) -> None:
        path.write_bytes(b"CANARY " * 1000)
        self.path = path
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._watch = self._libc.inotify_init1(os.O_NONBLOCK)
        assert self._libc.inotify_add_watch(self._watch, os.fsencode(path), self.MASK) >= 0

    def forget(self) -> None:
        """Watch no longer."""
        os.close(self._watch)

    def touched(self) -> bool:
        """Tell whether anybody has opened, read, written or removed it since it was asked last."""
        try:
            return bool(os.read(self._watch, 4096))
        except BlockingIOError:
            return False


class Workers:
    """The workers that read, started when needed, and where hostile files lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.canary = Canary(folder / "canary")
        self.held: Counter[str] = Counter()
        self._workers: dict[str, Limited] = {}

    def check(self, kind: str, path: Path) -> Outcome:
        """Read a hostile file, and check that it did no harm."""
        if kind not in self._workers:
            self._workers[kind] = Limited(kind)
        outcome = self._workers[kind].check(path)
        self.held[kind] += 1
        assert "CANARY" not in outcome.text
        assert not self.canary.touched(), outcome
        return outcome

    def expect(self, kind: str, path: Path, fault: str | None) -> None:
        """Have a hostile file refused with a message that matches, or read, where there is none."""
        outcome = self.check(kind, path)
        assert outcome.kind == ("error" if fault else "result"), outcome
        assert re.search(fault or "", outcome.text), outcome

    def end(self) -> None:
        """End all workers."""
        for worker in self._workers.values():
            worker.end()
        self.canary.forget()


def model_config() -> dict[str, Any]:
    """Return the configuration of a small network in the form in which Keras saves it."""
    dtype = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "shared_object_id": 140_000}
    layers = [
        {"module": "keras.layers", "class_name": name, "config": {"name": name, "dtype": dtype}}
        for name in ("InputLayer", "Conv2D", "Flatten", "Dense")
    ]
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": layers}, "registered_name": None}


def model(config: Any = None) -> bytes:
    """Return a `.keras` file with a configuration, which may be given as its text."""
    config = model_config() if config is None else config
    parts = {
        "metadata.json": b'{"keras_version": "3.15.1", "date_saved": "2024-01-02"}',
        "config.json": config if isinstance(config, bytes) else json.dumps(config).encode(),
        "model.weights.h5": bytes(range(256)) * 100,
    }
    return zipped(parts.items())


def zipped(parts: Any, compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip archive of names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in parts:
            member = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)  # of no time
            archive.writestr(member, content, compression if member is not name else None)
    return buffer.getvalue()


def idx_files() -> list[bytes]:
    """Return valid IDX files."""
    contents = [idx.encoded(IMAGES[:3]), idx.encoded(LABELS)]
    return [*contents, *map(gzip.compress, contents)]


def changed(data: bytes, rng: random.Random) -> bytes:
    """Return a file with one to four changes: flipped bits, other bytes, cuts, copies, insertions, lengths."""
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        rng.choice([flip, put, number, number, cut, copy, insert, remove])(found, rng)
    return bytes(found)


def reworded(data: bytes, rng: random.Random) -> bytes:
    """Return a text file with a word replaced or inserted, or changed as any file."""
    if rng.random() < 0.4:
        return changed(data, rng)
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 2])):
        invalidations = [place for place, byte in enumerate(found) if byte in b'"[]{},:= \n'] or [0]
        start, end = sorted(rng.choices(invalidations, k=2))
        end = min(end, start + 100) if rng.random() < 0.7 else start
        found[start:end] = rng.choice(WORDS)
    return bytes(found)


def flip(data: bytearray, rng: random.Random) -> None:
    """Flip a bit."""
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def put(data: bytearray, rng: random.Random) -> None:
    """Set a byte."""
    if data:
        data[rng.randrange(len(data))] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])


def number(data: bytearray, rng: random.Random) -> None:
    """Set what may be a length or an address."""
    size = rng.choice([2, 4, 8])
    place = rng.randrange(max(len(data) - size, 0) + 1) // size * size
    value = rng.choice([*NUMBERS, len(data), rng.randrange(len(data) + 1)]) % 256**size
    data[place : place + size] = value.to_bytes(size, rng.choice(["little", "big"]))


def cut(data: bytearray, rng: random.Random) -> None:
    """Keep only a beginning."""
    del data[rng.randrange(len(data) + 1) :]


def copy(data: bytearray, rng: random.Random) -> None:
    """Copy a part to another place."""
    source, target = rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)
    part = data[source : source + rng.randrange(1, 200)]
    data[target : target + len(part)] = part


def insert(data: bytearray, rng: random.Random) -> None:
    """Insert something."""
    place = rng.randrange(len(data) + 1)
    data[place:place] = rng.choice([rng.randbytes(rng.randrange(1, 40)), bytes(8), rng.choice(WORDS)])


def remove(data: bytearray, rng: random.Random) -> None:
    """Remove a part."""
    place = rng.randrange(len(data) + 1)
    del data[place : place + rng.randrange(1, 40)]
