"""The part of HDF5 that our files consist of, checked byte by byte before the HDF5 library sees a file.

That library is written in C and trusts what it reads: a file made on purpose lets it crash, open others, or fill the
memory. So a file must be built as h5py builds it by default, for `artifacts` and for Keras: groups and datasets of
plain numbers, no links but the names of its own members, no values in other files, no filter but a checksum. Each byte
belongs to one thing at most, so nothing can claim more than the file has. What the values mean is not looked at.

Source: HDF5 File Format Specification 3.0, with superblock, object headers and trees of the first version.
"""

import itertools
import math
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

EXPECTED = "HDF5 with nothing in it but groups and plain numbers"
AGAIN = "make it again with the step it comes from"
SIGNATURE = b"\x89HDF\r\n\x1a\n"
START = SIGNATURE + bytes([0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0]) + bytes(12)  # versions, sizes, widths of trees
NOWHERE = 2**64 - 1
NAMES, GROUP, CHUNKS = 8, 32, 64  # at most: names in a leaf, children in a node of a group's tree, of a chunks' tree
OBJECTS, PARTS, DEPTH, RANK = 10_000, 100_000, 16, 8  # at most; PARTS: of a dataset
NAME, TEXT, BLOCK = 2**10, 2**16, 2**22  # bytes at most: of a name, of an attribute, of what describes others
HEAD = 16  # bytes before each text of an attribute, and before a block of such texts

PADDING, SPACE, TYPE, OLD_FILL, FILL, LAYOUT, FILTERS, ATTRIBUTE, MORE, MEMBERS = 0, 1, 3, 4, 5, 8, 11, 12, 16, 17
OF_GROUPS = {ATTRIBUTE, MEMBERS}
NEEDED = {SPACE, TYPE, FILL, LAYOUT}
OF_DATASETS = {*NEEDED, OLD_FILL, FILTERS, ATTRIBUTE}

CHECKSUM = bytes.fromhex("0101000000000000 0300100000000000") + b"fletcher32" + bytes(6)
WORDS = bytes.fromhex("1901010010000000 1000000001000000 0000080000000000")  # UTF-8 of any length
SCALAR = bytes([1, 0, 0, 0, 0, 0, 0, 0])
KINDS = {  # how a type is written -> its name
    struct.pack("<BBHIHH", 0x10, 8 * signed, 0, size, 0, 8 * size) + bytes(4): ("int" if signed else "uint", size)
    for size in (1, 2, 4, 8)
    for signed in (False, True)
} | {
    bytes.fromhex("11201f0004000000 0000200017080017 7f00000000000000"): ("float", 4),
    bytes.fromhex("11203f0008000000 00004000340b0034 ff03000000000000"): ("float", 8),
}

Header = list[tuple[int, bytes]]  # the properties of an object: type and content


class Values(NamedTuple):
    """What a dataset holds. `kind`: the name of its type, as numpy has it."""

    shape: tuple[int, ...]
    kind: str


class _Fault(Exception):  # noqa: N818 - what was found, and half of an error's text
    """Something that none of our files has."""


def contents(file: BinaryIO, subject: str) -> dict[str, Values]:
    """Return the datasets of an open file by name, once all of the file is known to be sound.

    Raises: ValueError, naming `subject`.
    """
    try:
        return _File(file).datasets()
    except _Fault as fault:
        raise ValueError(f"{subject}: found {fault!s:.200}, expected {EXPECTED}; {AGAIN}") from None
    except (EOFError, ValueError, struct.error):  # it ends too early, or is something else
        raise ValueError(f"{subject}: found a damaged or foreign file, expected HDF5; {AGAIN}") from None


class _File:
    """A walk through one file, from its root."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, 2)
        self.claims: list[tuple[int, int]] = []
        self.unclaimed = self.size
        self.texts: dict[int, dict[int, int]] = {}
        self.objects = 0

    def datasets(self) -> dict[str, Values]:
        """Return all datasets."""
        start = self.take(0, 96)
        free, end, driver, _, root, cached, reserved, tree, heap = struct.unpack("<5QIIQQ", start[32:])
        if not start.startswith(START) or (free, end, driver) != (NOWHERE, self.size, NOWHERE):
            raise EOFError
        _expect((cached, reserved) == (1, 0), "a strange root")
        found = dict(self.member("", root, (tree, heap), 0))
        for (_, end), (start, _) in itertools.pairwise(sorted(self.claims)):
            _expect(end <= start, "two things in one place")
        return found

    def take(self, address: int, size: int) -> bytes:
        """Read bytes that belong to nothing else."""
        _expect(size <= BLOCK, f"a description of {size:,} bytes")
        self.claim(address, size)
        self.file.seek(address)
        return self.file.read(size)

    def claim(self, address: int, size: int) -> None:
        """Give bytes to a thing: what overlaps is found at the end, what could lead in circles at once."""
        self.unclaimed -= size
        if address + size > self.size or self.unclaimed < 0:
            raise EOFError
        if size:
            self.claims.append((address, address + size))

    def member(
        self, name: str, address: int, known: tuple[int, int] | None, depth: int
    ) -> Iterator[tuple[str, Values]]:
        """Yield the datasets of an object, which may be one itself. `known`: what its name says of its members."""
        self.objects += 1
        _expect(self.objects <= OBJECTS and depth <= DEPTH, "too many or too deeply nested groups")
        header = list(self.header(address))
        types = {kind for kind, _ in header}
        for kind, body in header:
            if kind == ATTRIBUTE:
                self.attribute(body)
        if MEMBERS in types:
            _expect(types <= OF_GROUPS, f"a strange property of group '{name}'")
            places = struct.unpack("<QQ", _only(header, MEMBERS))
            _expect(known in (None, places), f"contradictions about group '{name}'")
            for inner, at, more in self.names(*places):
                yield from self.member(f"{name}/{inner}".lstrip("/"), at, more, depth + 1)
        else:
            _expect(NEEDED <= types <= OF_DATASETS and known is None, f"a strange property of '{name}'")
            yield name, self.dataset(name, header)

    def header(self, address: int) -> Iterator[tuple[int, bytes]]:
        """Yield the properties of an object."""
        version, reserved, count, references, size, padding = struct.unpack("<BBHIII", self.take(address, 16))
        _expect((version, reserved, references, padding) == (1, 0, 1, 0), "a strange object, or one with two names")
        blocks = [(address + 16, size)]
        for start, length in blocks:
            block, at = self.take(start, length), 0
            while at < length:
                kind, size, flags = struct.unpack_from("<HHI", block, at)
                body = block[at + 8 : at + 8 + size]
                at += 8 + size
                _expect(flags in (0, 1) and size % 8 == 0 and len(body) == size, "a strange property")
                count -= 1
                if kind == MORE:
                    blocks.append(struct.unpack("<QQ", body))
                elif kind != PADDING:
                    yield kind, body
        _expect(count == 0, "an object with too few or too many properties")

    def names(self, tree: int, heap: int) -> Iterator[tuple[str, int, tuple[int, int] | None]]:
        """Yield the name and address of each member of a group, and what is known of its own members."""
        texts = self.heap(heap)
        for first, leaf, last in self.leaves(tree, 0, GROUP, 8):
            before, final = (_text(texts, *struct.unpack("<Q", key)) for key in (first, last))
            signature, version, reserved, count = struct.unpack("<4sBBH", self.take(leaf, 8))
            _expect((signature, version, reserved) == (b"SNOD", 1, 0) and 1 <= count <= NAMES, "a strange group")
            entries = self.take(leaf + 8, 40 * NAMES)
            for place, address, cached, padding, *places in struct.iter_unpack("<QQIIQQ", entries[: 40 * count]):
                name = _text(texts, place)
                _expect(cached in (0, 1) and padding == 0, f"a link {name!r:.80}")
                _expect(name.isprintable() and "/" not in name and name != ".", f"the name {name!r:.80}")
                _expect(before < name <= final, f"the name {name!r:.80} out of order")
                before = name
                yield name, address, (places[0], places[1]) if cached else None

    def heap(self, address: int) -> bytes:
        """Return the texts that the names of a group's members are in."""
        start, size, free, data = struct.unpack("<8sQQQ", self.take(address, 32))
        _expect(start == b"HEAP\0\0\0\0", "a strange group")
        texts = self.take(data, size)
        last = 0
        while free != 1:  # which says: no more
            _expect(last <= free <= size - 16 and free % 8 == 0, "a strange list of free space")
            free, length = struct.unpack_from("<QQ", texts, place := free)
            last = place + max(length, 16)
        _expect(last <= size, "a strange list of free space")
        return texts

    def leaves(self, tree: int, kind: int, width: int, length: int) -> list[tuple[bytes, int, bytes]]:
        """Return the children of a tree's leaves in order, each between its keys, of a length; `width`: of nodes."""
        found, level = [(b"", tree, b"")], None
        while level != 0:
            nodes, found, level = found, [], None if level is None else level - 1
            for index, (first, address, last) in enumerate(nodes):
                node = self.take(address, 24 + width * (length + 8) + length)
                signature, type_, depth, count, *beside = struct.unpack_from("<4sBBHQQ", node)
                level = depth if level is None else level
                _expect((signature, type_, depth) == (b"TREE", kind, level) and depth <= DEPTH, "a strange tree")
                neighbours = [nodes[near][1] if 0 <= near < len(nodes) else NOWHERE for near in (index - 1, index + 1)]
                _expect(beside == neighbours and count <= width, "a tree with strange branches")
                inner = list(_between(node[24:], count, length))
                _expect(
                    not first or (inner and (inner[0][0], inner[-1][2]) == (first, last)), "a tree with strange keys"
                )
                found += inner
            _expect(len(found) <= PARTS, "a tree with too many leaves")
        return found

    def dataset(self, name: str, header: Header) -> Values:
        """Return what a dataset holds."""
        shape = _shape(_only(header, SPACE))
        kind, size = KINDS.get(_only(header, TYPE), ("", 0))
        _expect(size, f"no plain numbers in '{name}'")
        _expect(_fills(header, size), f"a strange fill value in '{name}'")
        checked = any(kind == FILTERS for kind, _ in header)
        _expect(not checked or _only(header, FILTERS) == CHECKSUM, f"a filter on '{name}'")
        layout = _only(header, LAYOUT)
        if layout[:2] == bytes([3, 1]):
            address, length = struct.unpack_from("<QQ", layout, 2)
            there = length == math.prod(shape) * size and (address != NOWHERE or not length)
            _expect(there and not checked, f"values of '{name}' that are not all there")
            self.claim(address if length else 0, length)
        else:
            _expect(layout[:3] == bytes([3, 2, len(shape) + 1]), f"values of '{name}' that are in strange places")
            self.chunks(name, shape, size, layout[3:], checked=checked)
        return Values(shape, f"{kind}{8 * size}")

    def chunks(self, name: str, shape: tuple[int, ...], size: int, layout: bytes, *, checked: bool) -> None:
        """Claim the chunks of a dataset: each place of its shape must be in just one of them."""
        tree, *extents = struct.unpack_from(f"<Q{len(shape) + 1}I", layout)
        fits = all(1 <= extent <= max(whole, 1) for extent, whole in zip(extents, shape, strict=False))
        _expect(extents[-1] == size and fits, f"chunks of '{name}' that are not part of it")
        found = [] if tree == NOWHERE else self.leaves(tree, 1, CHUNKS, 8 + 8 * len(extents))
        starts = [range(0, whole, extent) for whole, extent in zip(shape, extents, strict=False)]
        _expect(len(found) == math.prod(map(len, starts)), f"values of '{name}' that are not all there")
        length = math.prod(extents) + 4 * checked
        for start, (key, address, _) in zip(itertools.product(*starts), found, strict=True):
            _expect(key == struct.pack(f"<II{len(extents)}Q", length, 0, *start, 0), f"strange chunks of '{name}'")
            self.claim(address, length)

    def attribute(self, body: bytes) -> None:
        """Check an attribute: one number or one text."""
        version, *sizes = struct.unpack_from("<HHHH", body)
        parts, start = [], 8
        for size in sizes:
            parts.append(body[start : start + -(-size // 8) * 8])
            start += len(parts[-1])
        text, kind, space = _text(parts[0], 0), *parts[1:]
        sound = (
            (version, sizes) == (1, [len(text.encode()) + 1, len(kind) - 4, len(space)]) and space == SCALAR and text
        )
        if sound and kind == WORDS:
            length, address, index = struct.unpack_from("<IQI", body, start)
            sound = length <= TEXT and self.words(address).get(index) == length
        elif sound:
            sound = kind in KINDS and len(body) >= start + KINDS[kind][1]
        _expect(sound, f"a strange attribute {text!r:.80}")

    def words(self, address: int) -> dict[int, int]:
        """Return number -> length of the texts in one of the blocks that hold those of attributes."""
        if address not in self.texts:
            start, size = struct.unpack("<8sQ", self.take(address, 16))
            _expect(start == b"GCOL\1\0\0\0" and size >= HEAD, "a strange block of texts")
            block, at, found = self.take(address + HEAD, size - HEAD), 0, {}
            while at + HEAD <= len(block):
                index, *zeros, length = struct.unpack_from("<HHIQ", block, at)
                left, taken = len(block) - at, HEAD + -(-length // 8) * 8 if index else length
                whole = taken <= left if index else taken == left  # which is free space, up to the end
                _expect(whole and zeros == [0, 0] and index not in found, "a strange block of texts")
                if index:
                    found[index] = length
                at += taken
            self.texts[address] = found
        return self.texts[address]


def _expect(true: object, found: str) -> None:
    if not true:
        raise _Fault(found)


def _between(entries: bytes, count: int, length: int) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield the children of a node, each between its keys."""
    for at in range(0, count * (length + 8), length + 8):
        key, child, following = struct.unpack_from(f"<{length}sQ{length}s", entries, at)
        yield key, child, following


def _only(header: Header, kind: int) -> bytes:
    """Return the one property of its type."""
    bodies = [body for found, body in header if found == kind]
    _expect(len(bodies) == 1, "a property too many")
    return bodies[0]


def _text(texts: bytes, place: int) -> str:
    end = texts.find(b"\0", place, place + NAME)
    _expect(0 <= place < len(texts) and end >= 0, "a name that is nowhere")
    try:
        return texts[place:end].decode()
    except UnicodeDecodeError:
        raise _Fault(f"the name {texts[place:end]!r:.80}") from None


def _shape(space: bytes) -> tuple[int, ...]:
    version, rank, limited = space[:3]
    _expect((version, space[3:8]) == (1, bytes(5)) and rank <= RANK and limited in (0, 1), "a strange shape")
    extents = struct.unpack(f"<{rank * (1 + limited)}Q", space[8:])
    _expect(extents[:rank] * (1 + limited) == extents, "a shape that may grow")
    return extents[:rank]


def _fills(header: Header, size: int) -> bool:
    """Tell whether the value that stands where none was written is one of this size."""
    version, early, when, given, *_ = body = _only(header, FILL)
    lengths = {struct.unpack_from("<I", body, 4)[0]} if given else {0}
    lengths |= {struct.unpack_from("<I", body)[0] for kind, body in header if kind == OLD_FILL}
    fits = all(length in (0, size) for length in lengths) and len(body) >= 8 + max(lengths)
    return version == 2 and 1 <= early <= 3 and when <= 2 and given <= 1 and fits  # noqa: PLR2004 - as specified
