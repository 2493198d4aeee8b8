"""The fetcher, against real servers on this machine: good, broken, slow and absent ones."""

import gzip
import re
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from steps import dataset, download, fetch, idx

FIRST = "train-images-idx3-ubyte.gz"
PATIENT = 60.0  # seconds: on a busy machine a good mirror may take a while to answer
BRIEF = 0.3  # seconds: for one that never does


def answer(body: bytes, status: int = 200, length: int | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return a handler of GET with this body, which promises `length` bytes."""

    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        request.end_headers()
        request.wfile.write(body)

    return handle


WELCOME = answer(b"")


class Server(ThreadingHTTPServer):
    """A server on this machine, to whom it is no fault that a client hangs up."""

    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """Say what went wrong, if it did."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture
def over():
    """Return an event: the test is over, so that who was silent for all of it may go."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def serve():
    """Return a function that starts a server and returns its address; `get` handles each GET, `head` each HEAD."""
    servers = []

    def start(get: Callable[[BaseHTTPRequestHandler], object], head=WELCOME) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                get(self)

            def do_HEAD(self) -> None:
                head(self)

            def log_message(self, *arguments) -> None:
                pass

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def closed():
    """Return an address without a server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


@pytest.fixture
def good(serve, mnist):
    """Return the address of a mirror that has the real MNIST."""
    return serve(lambda request: answer((mnist / request.path.lstrip("/")).read_bytes())(request))


def test_good_mirror_delivers_mnist(good, outputs, mnist):
    """The download is gzipped again, so that its bytes depend on content alone."""
    assert fetch.run(*outputs, mirrors=[good], timeout=PATIENT) == {"train_images": 60000, "test_images": 10000}
    for role, path in zip(dataset.FILES, outputs, strict=True):
        assert dataset.sha256(idx.read(path)) == dataset.MNIST[role]
    again = outputs[3].read_bytes()
    idx.write(outputs[3], idx.read(mnist / outputs[3].name))
    assert outputs[3].read_bytes() == again


def test_next_mirror_delivers_what_the_first_one_cannot(good, serve, closed, outputs):
    """A mirror that is absent or has the wrong files does not matter as long as another one is good."""
    wrong = serve(answer(b"gone", 404))
    fetch.run(*outputs, source="mnist", mirrors=[closed, wrong, good.rstrip("/")], timeout=PATIENT)
    assert dataset.name(dataset.read(dict(zip(dataset.FILES, outputs, strict=True)))) == "MNIST"


def short(request: BaseHTTPRequestHandler) -> None:
    """Break off in the middle of a body."""
    answer(gzip.compress(bytes(1000)), length=100_000)(request)


FAULTS = {
    "missing file": (answer(b"gone", 404), "found 404 Client Error: Not Found, expected the file"),
    "broken server": (answer(b"oops", 503), "found 503 Server Error: Service Unavailable, expected the file"),
    "breaks off": (short, "found a download that broke off"),
    "error page": (answer(b"<!doctype html><h1>Please log in</h1>"), "found magic number 0x3c21646f"),
    "error page, gzipped": (answer(gzip.compress(b"<html>")), "found magic number 0x3c68746d"),
    "empty": (answer(b""), "found an empty file"),
    "truncated": (
        answer(gzip.compress(idx.encoded(np.arange(100, dtype=np.uint8)))[:-9]),
        "found a gzip file that ends too early",
    ),
    "other images": (answer(gzip.compress(bytes.fromhex("00000801 00000001 07"))), "found content with digest"),
    "a bomb": (answer(gzip.compress(bytes.fromhex("00000801 06000000") + bytes(10))), "found 100663296 values"),
    "endless": (answer(bytes(download.MAX_FILE_BYTES + 1)), "found more than 67,108,864 bytes"),
}


@pytest.mark.parametrize(("get", "fault"), FAULTS.values(), ids=FAULTS)
def test_mirror_that_answers_wrongly_is_an_error_and_earlier_files_stay(serve, closed, outputs, get, fault):
    """The error names each mirror and its fault; there is no falling back to other data, and nothing is written."""
    for path in outputs:
        path.write_bytes(b"earlier")
    mirror = serve(get)
    with pytest.raises(ValueError, match=f"{closed}: Connection refused; {mirror}: .*{re.escape(fault)}") as caught:
        fetch.run(*outputs, mirrors=[closed, mirror], timeout=PATIENT)
    assert "\n" not in str(caught.value)
    assert {path.read_bytes() for path in outputs} == {b"earlier"}


def test_auto_falls_back_to_the_digits_when_no_mirror_can_be_reached(closed, outputs, capsys):
    """Offline, the embedded digits are written, with one loud line that says that they are not MNIST, and why."""
    assert fetch.run(*outputs, mirrors=[closed, closed], timeout=PATIENT) == {"train_images": 1437, "test_images": 360}
    shown = capsys.readouterr()
    assert re.fullmatch(rf"NOT MNIST: .* no mirror can be reached \({closed}: Connection refused; .*\)\n", shown.err)
    assert shown.out == "Fetched scikit-learn digits: 1,437 training and 360 test images.\n"
    assert dataset.name(dataset.read(dict(zip(dataset.FILES, outputs, strict=True)))) == "scikit-learn digits"


def test_mnist_is_an_error_when_no_mirror_can_be_reached(closed, outputs):
    """Who asks for MNIST gets MNIST or an error that names the way out."""
    with pytest.raises(ValueError, match=f"{closed}: Connection refused.*--source digits"):
        fetch.run(*outputs, source="mnist", mirrors=[closed], timeout=PATIENT)
    assert not any(path.exists() for path in outputs)


def test_unresolvable_name_counts_as_unreachable(outputs, capsys):
    """A host name that does not exist is the same as no network."""
    fetch.run(*outputs, mirrors=["http://mirror.invalid/"], timeout=2)
    assert "NOT MNIST" in capsys.readouterr().err


def test_mirror_that_says_nothing_in_time_counts_as_unreachable(serve, outputs, over, capsys):
    """The timeout rules a silent mirror out once, and not once for each file."""
    knocks = []

    def keep_silent(request: BaseHTTPRequestHandler) -> None:
        knocks.append(request.path)
        over.wait()

    mirror = serve(keep_silent, head=keep_silent)
    fetch.run(*outputs, mirrors=[mirror], timeout=BRIEF)
    assert len(knocks) <= 1  # a busy machine may not have come to it
    assert f"{mirror}: no answer within {BRIEF} s" in capsys.readouterr().err


def test_silence_in_the_middle_of_a_file_is_an_error(serve, outputs, over, monkeypatch):
    """A mirror that stops sending is given up, and named."""

    def stall(request: BaseHTTPRequestHandler) -> None:
        answer(b"\x1f\x8b", length=1000)(request)
        over.wait()

    monkeypatch.setattr(download, "SILENCE_FACTOR", BRIEF / PATIENT)
    mirror = serve(stall)
    with pytest.raises(ValueError, match=rf"{mirror}: {FIRST}: found a download that broke off \(.*timed out"):
        fetch.run(*outputs, mirrors=[mirror], timeout=PATIENT)


@pytest.mark.parametrize(("mirrors", "timeout"), [([], 3.0), (["http://127.0.0.1/"], 0.0)])
def test_mirrors_and_timeout_must_make_sense(outputs, mirrors, timeout):
    """No mirror at all, or no time to answer, is the user's mistake and not a missing network."""
    with pytest.raises(ValueError, match="expected an address and more than 0 s"):
        fetch.run(*outputs, mirrors=mirrors, timeout=timeout)


def test_address_that_is_none_is_an_error(outputs):
    """A mirror without a scheme is a mistake, and named as one."""
    with pytest.raises(ValueError, match=r"example\.org/mnist: Invalid URL"):
        fetch.run(*outputs, mirrors=["example.org/mnist"])


def test_digits_on_request_say_that_they_are_not_mnist(outputs, capsys):
    """The embedded digits need no network, and never pass for MNIST."""
    fetch.run(*outputs, source="digits", mirrors=[])
    assert capsys.readouterr().err.startswith("NOT MNIST: ")


def test_folder_may_hold_gzipped_and_plain_files(outputs, digits_folder, tmp_path, paths_in):
    """Files of a folder are taken gzipped or not, and give the same bytes."""
    own = shutil.copytree(digits_folder, tmp_path / "own")
    zipped = paths_in(own)[0]
    zipped.with_suffix("").write_bytes(gzip.decompress(zipped.read_bytes()))
    zipped.unlink()
    fetch.run(*outputs, source=str(own))
    assert [path.read_bytes() for path in outputs] == [path.read_bytes() for path in paths_in(digits_folder)]


def test_folder_with_mnist_is_named_so(outputs, mnist, capsys):
    """MNIST is recognised by content."""
    fetch.run(*outputs, source=str(mnist))
    assert "Fetched MNIST: 60,000 training" in capsys.readouterr().out


def test_folder_with_anything_else_is_unknown(outputs, digits_folder, tmp_path, capsys, paths_in):
    """Well-formed files of unknown content are taken, and are not called MNIST."""
    own = shutil.copytree(digits_folder, tmp_path / "mnist-as-they-say")
    idx.write(paths_in(own)[3], idx.encoded(idx.decoded(idx.read(paths_in(own)[3]))[::-1]))
    fetch.run(*outputs, source=str(own))
    assert "Fetched unknown: " in capsys.readouterr().out


def test_folder_with_a_damaged_or_missing_file_is_an_error(outputs, digits_folder, tmp_path, paths_in):
    """The file is named, and nothing is written."""
    own = shutil.copytree(digits_folder, tmp_path / "own")
    labels = paths_in(own)[3]
    labels.write_bytes(labels.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"own/t10k-labels-idx1-ubyte\.gz: found a gzip file that ends too early"):
        fetch.run(*outputs, source=str(own))
    labels.unlink()
    with pytest.raises(FileNotFoundError, match="own: found no 't10k-labels-idx1-ubyte', expected it"):
        fetch.run(*outputs, source=str(own))
    assert not any(path.exists() for path in outputs)


def test_misspelt_source_is_an_error(outputs):
    """What is neither a word nor a folder is an error that lists the words."""
    with pytest.raises(FileNotFoundError, match="no folder 'minst', expected auto, mnist, digits or a folder"):
        fetch.run(*outputs, source="minst")
