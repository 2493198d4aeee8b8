"""MNIST from its mirrors: who answers, what arrives, and whether it is what it should be.

Nothing that a mirror sends is trusted: its size is capped, zipped and unzipped, and its content is compared with
the digests in `dataset`. Each fault is kept with the mirror it belongs to.
"""

import io
import queue
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests

from steps import dataset, idx

LIMIT = 2**26  # bytes of a file, zipped and unzipped; MNIST's largest has 47 million
PATIENCE = 5  # times `timeout`: the longest silence in the middle of a download


class Unreachable(Exception):  # noqa: N818 - a fact about a mirror, and no error while another one answers
    """Nobody answers at this address."""


@dataclass(frozen=True)
class Fault:
    """What was wrong with a mirror; `answered` says whether anybody was there at all."""

    mirror: str
    text: str
    answered: bool


def contents(mirrors: Sequence[str], timeout: float) -> tuple[dict[str, bytes], list[Fault]]:
    """Return the contents of MNIST's files that could be had, by role, and the fault of each mirror that had one.

    The first fault rules a mirror out; what it delivered before has been checked, and stays.

    Units: `timeout` in seconds.
    """
    found: dict[str, bytes] = {}
    faults: list[Fault] = []
    for mirror in mirrors:
        try:
            knock(mirror, timeout)
            for role, name in dataset.FILES.items():
                if role not in found:
                    found[role] = download(f"{mirror.rstrip('/')}/{name}.gz", dataset.MNIST[role], timeout)
        except Unreachable as error:
            faults.append(Fault(mirror, str(error), answered=False))
        except ValueError as error:
            faults.append(Fault(mirror, str(error), answered=True))
        else:
            break
    return found, faults


def knock(url: str, timeout: float) -> None:
    """Return once anything answers at `url`.

    In a thread, so that `timeout` holds for name lookup and all addresses of a host together; requests' own holds
    for each address anew, and not at all for the lookup.

    Raises: Unreachable; ValueError if what answers can't be talked to.
    """
    outcome: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            requests.head(url, timeout=2 * timeout)  # ours is the one that tells
        except (requests.RequestException, ValueError) as error:
            outcome.put(error)
        else:
            outcome.put(None)

    threading.Thread(target=ask, daemon=True).start()
    try:
        error = outcome.get(timeout=timeout)
    except queue.Empty:
        raise Unreachable(f"no answer within {timeout:g} s") from None
    if error is None:
        return
    if isinstance(error, requests.ConnectionError | requests.Timeout) and not isinstance(
        error, requests.exceptions.SSLError
    ):
        raise Unreachable(reason(error)) from error
    raise ValueError(reason(error)) from error


def download(url: str, digest: str, timeout: float) -> bytes:
    """Return the unzipped content of the IDX file at `url`, with a progress bar in a terminal.

    Raises: ValueError for anything but the file with this SHA-256 of its content.
    """
    name = url.rsplit("/", 1)[-1]
    pooch.get_logger().setLevel("WARNING")  # else it advises to pin the digest of what happened to arrive
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = pooch.retrieve(url, known_hash=None, fname=name, path=folder, downloader=Capped(timeout))
        except requests.HTTPError as error:
            raise ValueError(f"{name}: found {str(error).split(' for url')[0]}, expected the file") from error
        except requests.RequestException as error:
            raise ValueError(f"{name}: found a download that broke off ({reason(error)})") from error
        with Path(path).open("rb") as file:
            content = idx.read_from(file, name, LIMIT)
    if (found := dataset.digest(content)) != digest:
        raise ValueError(f"{name}: found content with digest {found[:12]}, expected {digest[:12]}")
    return content


class Capped:
    """Pooch's downloader, which gives up on a file above the limit."""

    def __init__(self, timeout: float) -> None:
        """Take the longest wait for a connection, in seconds."""
        self.downloader = pooch.HTTPDownloader(
            progressbar=sys.stderr.isatty(),
            chunk_size=2**16,
            timeout=(timeout, PATIENCE * timeout),
            headers={"Accept-Encoding": "identity"},  # the files are gzipped already
        )

    def __call__(self, url: str, output_file: str, caller: pooch.Pooch | None) -> None:
        """Download `url` to `output_file`."""
        with CappedFile(output_file, "wb") as file:
            self.downloader(url, file, caller)


class CappedFile(io.FileIO):
    """A file that takes no more than LIMIT bytes."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Append `data`.

        Raises: ValueError beyond the limit.
        """
        if self.tell() + len(data) > LIMIT:
            raise ValueError(f"found more than {LIMIT:,} bytes, expected a file of MNIST")
        return super().write(data)


def reason(error: BaseException) -> str:
    """Return the innermost cause of an error of requests, whose own text buries it."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
