"""What steps share: work that consists of calls, and files to read."""

import json
import multiprocessing
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

LARGEST = 64
WORKERS = 4
FOLDER = 100  # files in each folder


class Account:
    """Adds up numbers."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, number: int) -> None:
        """Add a number."""
        self.total = (31 * self.total + number) % 1_000_003

    @property
    def is_odd(self) -> bool:
        """Tell whether the total is odd."""
        return self.total % 2 == 1


def halves(number: int) -> Iterator[int]:
    """Yield a number, its half, and so on."""
    while number:
        yield number
        number //= 2


def depth(number: int) -> int:
    """Return how often a number can be halved."""
    return 0 if number == 0 else 1 + depth(number // 2)


def total(rounds: int) -> int:
    """Return what rounds of calls add up to: some 20 calls each, which do little."""
    account = Account()
    for number in range(rounds):
        for each in halves(number % LARGEST):
            account.add(each)
        account.add(depth(number % LARGEST) + account.is_odd)
    return account.total


def read(folder: str, files: int) -> int:
    """Read files; return how many characters they have."""
    return sum(len(Path(f"{folder}/{number // FOLDER}/{number}.txt").read_text()) for number in range(files))


def share(rounds: int, worker: int) -> int:
    """Return a worker's share of the work, for which it reads a file that nobody declared."""
    return total(rounds) + len(Path(f"files/0/{worker}.txt").read_text())


def total_of_workers(method: str, rounds: int) -> int:
    """Return what worker processes add up to, started by a method of multiprocessing."""
    with multiprocessing.get_context(method).Pool(WORKERS) as pool:
        return sum(pool.map(partial(share, rounds // WORKERS), range(WORKERS)))


def sizes_of(path: Path) -> dict[str, Any]:
    """Return how much there is to do."""
    sizes: dict[str, Any] = json.loads(path.read_text())
    return sizes
