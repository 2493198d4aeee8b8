"""HDF5 files that an enemy made: the HDF5 library does not even see them."""

import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hostile import IMAGES, Workers, raw_h5

Edit = Callable[[h5py.File, Path], object]


def replaced(**options: object) -> Edit:
    """Return what makes the images anew, in another way."""

    def edit(file: h5py.File, canary: Path) -> None:
        del file["train/images"]
        given = {name: value(canary) if name == "external" else value for name, value in options.items()}
        file.create_dataset("train/images", **({"data": IMAGES} | given))

    return edit


def virtual(file: h5py.File, canary: Path) -> None:
    """Let the images be those of another file."""
    del file["train/images"]
    layout = h5py.VirtualLayout(IMAGES.shape, np.uint8)
    layout[:] = h5py.VirtualSource(str(canary), "train/images", IMAGES.shape, np.uint8)
    file.create_virtual_dataset("train/images", layout)


def compact(file: h5py.File, canary: Path) -> None:
    """Put values into an object's header."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    h5py.h5d.create(file.id, b"small", h5py.h5t.STD_U8LE, h5py.h5s.create_simple((4,)), properties)


def put(name: str, value: Callable[[h5py.File, Path], object]) -> Edit:
    """Return what puts something under a name."""
    return lambda file, canary: file.__setitem__(name, value(file, canary))


def attribute(name: str, value: object) -> Edit:
    """Return what sets an attribute."""
    return lambda file, _: file.attrs.__setitem__(name, value)


def nested(file: h5py.File, _: Path) -> None:
    """Nest groups deeply."""
    file.create_group("/".join("g" * 30))


def crowd(file: h5py.File, _: Path) -> None:
    """Make very many groups, and no images."""
    del file["train/images"]
    for number in range(2000):
        file.create_group(f"group-{number:04}-{'n' * 100}")


HUGE = {"data": None, "shape": (2**40, 28, 28), "dtype": np.uint8}
EXTERNAL = {
    "data": None,
    "shape": IMAGES.shape,
    "dtype": np.uint8,
    "external": lambda canary: [(str(canary), 0, 15680)],
}

FILES: dict[str, tuple[Edit, str | None]] = {
    "nothing strange": (lambda file, _: None, None),
    "external link": (
        put("train/more", lambda _, canary: h5py.ExternalLink(str(canary), "/x")),
        "found a link 'more'|strange",
    ),
    "external link to nowhere": (put("x", lambda *_: h5py.ExternalLink("../../canary", "/x")), "a link 'x'|strange"),
    "soft link": (put("train/more", lambda *_: h5py.SoftLink("/train/images")), "found a link 'more'"),
    "soft link to itself": (put("train/more", lambda *_: h5py.SoftLink("/train/more")), "found a link 'more'"),
    "second name": (put("train/more", lambda file, _: file["train/images"]), "one with two names"),
    "group in itself": (put("train/more", lambda file, _: file["train"]), "one with two names"),
    "root in itself": (put("train/more", lambda file, _: file["/"]), "one with two names"),
    "values in another file": (replaced(**EXTERNAL), "a strange property"),
    "virtual values": (virtual, "strange|values of"),
    "compact values": (compact, "a strange property of 'small'"),
    "gzip": (replaced(compression="gzip", chunks=(5, 28, 28)), "a filter on 'train/images'"),
    "lzf": (replaced(compression="lzf", chunks=(5, 28, 28)), "a filter on"),
    "shuffle": (replaced(shuffle=True, chunks=(5, 28, 28)), "a filter on"),
    "scale and offset": (replaced(scaleoffset=2, chunks=(5, 28, 28)), "a filter on"),
    "more values than there is memory": (replaced(**HUGE), "values of 'train/images' that are not all there"),
    "the same in chunks": (replaced(**HUGE, chunks=(256, 28, 28)), "values of 'train/images' that are not all there"),
    "huge chunks": (replaced(**HUGE, chunks=(2**21, 28, 28)), "values of 'train/images' that are not all there"),
    "a bomb of a filter": (replaced(data=np.zeros((99_999, 28, 28), np.uint8), compression="gzip"), "a filter on"),
    "values that may grow": (replaced(maxshape=(None, 28, 28)), "a shape that may grow"),
    "texts": (replaced(data=None, shape=(20, 28, 28), dtype=h5py.string_dtype()), "no plain numbers in"),
    "references": (replaced(data=None, shape=(20,), dtype=h5py.ref_dtype), "no plain numbers in"),
    "compounds": (replaced(data=np.zeros(20, "u1,f4")), "no plain numbers in"),
    "big-endian numbers": (replaced(data=IMAGES.astype(">f4")), "no plain numbers in"),
    "complex numbers": (replaced(data=IMAGES.astype("c8")), "no plain numbers in"),
    "named type": (put("type", lambda *_: np.dtype("f4")), "a strange property"),
    "floats": (replaced(data=IMAGES.astype("f4")), r"found float32 \(20, 28, 28\) in 'train/images', expected uint8"),
    "other sides": (replaced(data=IMAGES[:, :20]), r"found uint8 \(20, 20, 28\) in 'train/images', expected"),
    "no rows": (replaced(data=IMAGES[:0]), r"found uint8 \(0, 28, 28\) in 'train/images', expected"),
    "a number": (replaced(data=np.uint8(7)), r"found uint8 \(\) in 'train/images', expected"),
    "groups in groups": (nested, "too many or too deeply nested groups"),
    "many names": (crowd, r"no dataset 'train/images', found .* and \d+ more"),
    "name with a new line": (put("train/a\nb", lambda *_: 1), r"the name 'a\\nb'"),
    "long names in long names": (
        lambda file, _: file.create_dataset("/".join(["n" * 1000] * 9), data=IMAGES, compression="gzip"),
        "a filter on 'nnn",
    ),
    "name of 5,000 bytes": (put("n" * 5000, lambda *_: 1), "a name that is nowhere"),
    "source of a megabyte": (attribute("source", "s" * 2**20), "a strange attribute 'source'"),
    "source with a new line": (attribute("source", "MNIST\nWARNING"), r"found attribute 'source' 'MNIST\\nWARNING'"),
    "source that commands the terminal": (attribute("source", "\x1b[2J"), r"found attribute 'source' '\\x1b\[2J'"),
    "source that is a number": (attribute("source", 7), "found attribute 'source' "),
    "source that is an array": (attribute("source", np.zeros(1000)), "a strange attribute"),
    "source that is a reference": (
        lambda file, _: file.attrs.__setitem__("source", file["train"].ref),
        "a strange attribute",
    ),
    "no source": (lambda file, _: file.attrs.__delitem__("source"), r"no attribute 'source', found \['classes'"),
}


@pytest.mark.parametrize(("edit", "fault"), FILES.values(), ids=FILES)
def test_hostile_hdf5_file_is_a_clear_error(workers: Workers, tmp_path: Path, edit: Edit, fault: str | None) -> None:
    """The file is refused for what is in it, and what it refers to stays untouched."""
    path = tmp_path / "raw.h5"
    path.write_bytes(raw_h5(lambda file: edit(file, workers.canary.path)))
    workers.canary.touched()  # making the file may
    workers.expect("hdf5", path, fault)


def unknown_filter(data: bytes) -> bytes:
    """Return a file whose checksum is a filter that only a plug-in could have."""
    return data.replace(
        bytes.fromhex("03001000") + bytes(4) + b"fletcher32", struct.pack("<HHI", 32008, 16, 0) + b"bitshuffle"
    )


WHOLE = raw_h5()
WORDS = WHOLE.find(b"GCOL")  # where the texts of attributes are
BYTES = {
    "nothing": (b"", "a damaged or foreign file"),
    "only the signature": (WHOLE[:8], "a damaged or foreign file"),
    "half": (WHOLE[: len(WHOLE) // 2], "a damaged or foreign file"),
    "one byte less": (WHOLE[:-1], "a damaged or foreign file"),
    "something behind it": (WHOLE + b"more", "a damaged or foreign file"),
    "something before it": (bytes(512) + WHOLE, "a damaged or foreign file"),
    "a filter from a plug-in": (unknown_filter(WHOLE), "a filter on"),
    "the newest format": (raw_h5(libver="latest"), "a damaged or foreign file"),
    "a tree that is its own branch": (WHOLE.replace(b"SNOD", b"TREE"), "a strange group"),
    "names out of order": (
        WHOLE.replace(b"images\0\0labels\0", b"labels\0\0images\0"),
        "the name 'labels' out of order",
    ),
    "a text of free space": (
        WHOLE.replace(struct.pack("<IQI", 7, WORDS, 1), struct.pack("<IQI", 4096 - 40, WORDS, 0)),
        "a strange attribute 'source'",
    ),
    "free space that is too short": (
        WHOLE.replace(struct.pack("<QQ", 0, 4096 - 40), struct.pack("<QQ", 0, 4096 - 41)),
        "a strange block of texts",
    ),
    "an attribute without a name": (WHOLE.replace(b"classes\0", b"\0lasses\0"), "a strange attribute ''"),
    "an attribute with a short type": (
        WHOLE.replace(b"\x08\0\x0c\0\x08\0clas", b"\x08\0\x0b\0\x08\0clas"),
        "'classes'",
    ),
    "all addresses at the end": (WHOLE.replace(struct.pack("<Q", 0x320), struct.pack("<Q", len(WHOLE))), "a damaged"),
}


@pytest.mark.parametrize(("data", "fault"), BYTES.values(), ids=BYTES)
def test_hostile_bytes_are_a_clear_error(workers: Workers, tmp_path: Path, data: bytes, fault: str) -> None:
    """A file that is cut, padded, of another version or with other addresses is refused."""
    (tmp_path / "raw.h5").write_bytes(data)
    workers.expect("hdf5", tmp_path / "raw.h5", fault)


def test_sparse_file_of_a_terabyte_is_refused(workers: Workers, tmp_path: Path) -> None:
    """A file that claims a terabyte of zeros, and takes no room on the disk, is refused before it is allocated."""
    count = 2**40 // 784
    data = bytearray(raw_h5(lambda file: replaced(**HUGE | {"shape": (count, 28, 28)})(file, Path())))
    place = data.find(b"\x03\x01" + b"\xff" * 8)
    data[place + 2 : place + 18] = struct.pack("<QQ", len(data), count * 784)
    data[40:48] = struct.pack("<Q", len(data) + count * 784)
    path = tmp_path / "raw.h5"
    path.write_bytes(data)
    with path.open("r+b") as file:
        file.truncate(len(data) + count * 784)
    workers.expect("hdf5", path, r"found shape \(\d+, 28, 28\) in 'train/images', expected 4,294,967,296 bytes at most")
