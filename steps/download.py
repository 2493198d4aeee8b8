"""Downloads MNIST from its mirrors.

Nothing that a mirror sends is trusted: its size is limited, both gzipped and unzipped, and its content is compared
with the digests in `dataset`. What is wrong with a mirror is recorded together with its address.
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

MAX_FILE_BYTES = 2**26  # gzipped or unzipped; MNIST's largest file has 47 million
SILENCE_FACTOR = 5  # times `timeout`: how long a mirror may pause in the middle of a download


class UnreachableError(Exception):
    """No answer comes from an address."""


@dataclass(frozen=True)
class MirrorFault:
    """What is wrong with a mirror; `answered` is false if it could not be reached at all."""

    mirror: str
    text: str
    answered: bool


def contents(mirrors: Sequence[str], timeout: float) -> tuple[dict[str, bytes], list[MirrorFault]]:
    """Return the contents of MNIST's files by role, as far as the mirrors have them, and the faults of the mirrors.

    A mirror is given up at its first fault; the files that it delivered before are checked, and are kept.

    Units: `timeout` in seconds.
    """
    found: dict[str, bytes] = {}
    faults: list[MirrorFault] = []
    for mirror in mirrors:
        try:
            check_answers(mirror, timeout)
            for role, name in dataset.FILES.items():
                if role not in found:
                    found[role] = download(f"{mirror.rstrip('/')}/{name}.gz", dataset.MNIST[role], timeout)
        except UnreachableError as error:
            faults.append(MirrorFault(mirror, str(error), answered=False))
        except ValueError as error:
            faults.append(MirrorFault(mirror, str(error), answered=True))
        else:
            break
    return found, faults


def check_answers(url: str, timeout: float) -> None:
    """Return as soon as a server answers at `url`.

    The request runs in a thread, so that `timeout` holds for name lookup and all addresses of a host together; the
    timeout of requests holds for each address separately, and not for the lookup.

    Raises: UnreachableError; ValueError if the answer is not HTTP, or the address is malformed.
    """
    outcome: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def request_head() -> None:
        try:
            requests.head(url, timeout=2 * timeout)  # longer than ours, which decides
        except (requests.RequestException, ValueError) as error:
            outcome.put(error)
        else:
            outcome.put(None)

    threading.Thread(target=request_head, daemon=True).start()
    try:
        error = outcome.get(timeout=timeout)
    except queue.Empty:
        raise UnreachableError(f"no answer within {timeout:g} s") from None
    if error is None:
        return
    no_connection = isinstance(error, requests.ConnectionError | requests.Timeout)
    if no_connection and not isinstance(error, requests.exceptions.SSLError):
        raise UnreachableError(root_cause(error)) from error
    raise ValueError(root_cause(error)) from error


def download(url: str, sha256: str, timeout: float) -> bytes:
    """Return the unzipped content of the IDX file at `url`, with a progress bar in a terminal.

    Raises: ValueError for anything but the file whose content has this SHA-256.
    """
    name = url.rsplit("/", 1)[-1]
    pooch.get_logger().setLevel("WARNING")  # otherwise pooch logs the digest of what it downloaded
    downloader = LimitedDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=2**16,  # bytes
        timeout=(timeout, SILENCE_FACTOR * timeout),  # to connect, between two chunks
        headers={"Accept-Encoding": "identity"},  # the files are gzipped already
    )
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = pooch.retrieve(url, known_hash=None, fname=name, path=folder, downloader=downloader)
        except requests.HTTPError as error:
            raise ValueError(f"{name}: found {str(error).split(' for url')[0]}, expected the file") from error
        except requests.RequestException as error:
            raise ValueError(f"{name}: found a download that broke off ({root_cause(error)})") from error
        with Path(path).open("rb") as file:
            content = idx.read_from(file, name, MAX_FILE_BYTES)
    if (found := dataset.sha256(content)) != sha256:
        raise ValueError(f"{name}: found content with digest {found[:12]}, expected {sha256[:12]}")
    return content


class LimitedDownloader(pooch.HTTPDownloader):
    """Pooch's downloader, which gives up on a file of more than MAX_FILE_BYTES."""

    def __call__(self, url: str, output_file: str, caller: pooch.Pooch | None) -> None:
        """Download `url` to `output_file`."""
        with LimitedFile(output_file, "wb") as file:
            super().__call__(url, file, caller)


class LimitedFile(io.FileIO):
    """A file of at most MAX_FILE_BYTES."""

    def write(self, data: bytes) -> int:
        """Append `data`.

        Raises: ValueError beyond the limit.
        """
        if self.tell() + len(data) > MAX_FILE_BYTES:
            raise ValueError(f"found more than {MAX_FILE_BYTES:,} bytes, expected a file of MNIST")
        return super().write(data)


def root_cause(error: BaseException) -> str:
    """Return the text of the innermost cause of an error, which requests wraps several times."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
