"""The download of MNIST: what is wrong with a mirror, and limits on what it sends."""

import socket
import zlib
from itertools import pairwise

import pytest
import requests

from steps import dataset, download

PATIENT = 60.0  # seconds: on a busy machine an answer may take a while


@pytest.fixture
def closed():
    """Return an address at which nothing answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_a_mirror_that_is_not_there_did_not_answer(closed):
    """Without a connection there is no content, and each mirror has a fault that says that nothing answered."""
    found, faults = download.contents([closed, f"{closed}/other/"], PATIENT)
    assert found == {}
    assert [(fault.mirror, fault.answered) for fault in faults] == [(closed, False), (f"{closed}/other/", False)]
    assert all("refused" in fault.text for fault in faults)


@pytest.mark.parametrize("address", ["no-scheme", "http://", "http://[::1", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_no_missing_network(address):
    """A malformed address is a fault of its own, as if a mirror had answered wrongly."""
    found, (fault,) = download.contents([address], PATIENT)
    assert found == {}
    assert fault.answered
    assert fault.text


def test_no_mirrors_have_nothing():
    """Without a mirror there is neither content nor fault."""
    assert download.contents([], PATIENT) == ({}, [])


def test_a_file_ends_at_its_limit(tmp_path, monkeypatch):
    """A file takes bytes up to the limit, and not one more; what it has stays."""
    monkeypatch.setattr(download, "MAX_FILE_BYTES", 8)
    with download.LimitedFile(tmp_path / "file", "wb") as file:
        file.write(b"12345")
        file.write(b"678")
        with pytest.raises(ValueError, match="found more than 8 bytes, expected a file of MNIST"):
            file.write(b"9")
    assert (tmp_path / "file").read_bytes() == b"12345678"


def test_mnist_fits_the_limit():
    """The largest file of MNIST, 60,000 images of 28x28 and 16 bytes, is within the limit."""
    assert download.MAX_FILE_BYTES > 60_000 * 28 * 28 + 16
    assert dataset.MNIST.keys() == dataset.FILES.keys()


def chained(*errors: BaseException) -> BaseException:
    """Return the first error, which each later one is the cause of in turn."""
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no scheme"), "no scheme"),
        (ValueError(), "ValueError"),
        (chained(requests.ConnectionError("long"), OSError(111, "Connection refused")), "Connection refused"),
        (chained(requests.ConnectionError("long"), OSError("wrapped"), zlib.error("bad data")), "bad data"),
    ],
)
def test_the_root_cause_is_what_the_system_said(error, text):
    """The innermost cause is given, in the system's words where it has some, and never an empty text."""
    assert download.root_cause(error) == text


def test_a_context_is_a_cause():
    """An error that was raised while another one was handled comes from that one."""
    error = requests.ConnectionError("long")
    error.__context__ = OSError(113, "No route to host")
    assert download.root_cause(error) == "No route to host"
