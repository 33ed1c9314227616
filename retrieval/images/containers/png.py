"""PNG: a file of nothing but what its pixels need, and what the rest of it says of colours and orientation.

Pillow reads every chunk and refuses a picture for a fault in one that no pixel depends on: text that unpacks to
megabytes, a wrong checksum of a resolution, a broken animation. So it is given the chunks of the pixels alone.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.errors import BrokenImage, UnsupportedFormat
from retrieval.images.profiles import PRIMARIES, matrix_profile, profile_of_codes

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PROFILE_BYTES = 4_000_000  # unpacked; the largest profiles of printers take about 3 MB
STEP = 1 << 20  # bytes unpacked at once

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each colour type
_HEADER = slice(16, 29)  # where the content of IHDR is
# Adam7: the first column and row of each pass, and the step to the next ones.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_WHOLE = ((0, 0, 1, 1),)
_SRGB_GAMMA = (0.4500, 0.4600)  # 1/2.2 is written for sRGB, whose curve it comes close to
_SRGB_WHITE = (0.3127, 0.3290)
_ZEROS = bytes(64)  # no packed pixels and their checksum end so
_CHUNK_NAME = re.compile(rb"[A-Za-z]{4}")


@dataclass(frozen=True, slots=True)
class Chunks:
    """The chunks of a PNG: those before the pixels, the packed pixels, and the first of each other type by its name."""

    head: bytes
    packed: bytes
    others: dict[bytes, bytes]

    def file(self) -> bytes:
        """A PNG of the pixels alone."""
        return self.head + _chunk(b"IDAT", self.packed) + _chunk(b"IEND", b"")


def split(data: bytes) -> Chunks:
    """Read the chunks, as far as there are any. Raises UnsupportedFormat for Apple's variant without zlib header."""
    head, packed = [SIGNATURE], []
    others: dict[bytes, bytes] = {}
    for name, start, end in _chunks(data):
        if name == b"CgBI":
            raise UnsupportedFormat("this is a PNG in the variant of iPhone apps (CgBI); convert it to a plain PNG")
        if name == b"IDAT":
            packed.append(data[start:end])
        elif name in {b"IHDR", b"PLTE"}:
            head.append(data[start - 8 : end + 4])  # with its checksum: what depends on these is lost without them
        elif name == b"tRNS":
            head.append(_chunk(name, data[start:end]))
        else:
            others.setdefault(name, data[start:end])
    return Chunks(b"".join(head), b"".join(packed), others)


def check_end(chunks: Chunks) -> None:
    """Raises BrokenImage for pixels that end in zeros, as an interrupted copy leaves; the decoder cannot tell."""
    if chunks.packed.endswith(_ZEROS):
        raise BrokenImage("this PNG is damaged or cut short (its pixels end in zeros); copy or download it again")


def profile(others: dict[bytes, bytes]) -> bytes | None:
    """The ICC profile of the colours; None for sRGB. In the order of precedence of PNG's third edition, 4.3."""
    code_points = others.get(b"cICP", b"")
    if len(code_points) == 4 and (profile := profile_of_codes(code_points[0], code_points[1])) is not None:
        return profile or None
    if (embedded := _embedded(others.get(b"iCCP", b""))) is not None:
        return embedded
    if b"sRGB" in others:
        return None
    gamma = _numbers(others.get(b"gAMA", b""), 1)
    corners = _numbers(others.get(b"cHRM", b""), 8)
    exponent = 1 / gamma[0] if gamma and not _SRGB_GAMMA[0] < gamma[0] < _SRGB_GAMMA[1] else None
    if corners is None and exponent is None:
        return None
    if corners is None:
        return matrix_profile(PRIMARIES[1], _SRGB_WHITE, exponent)
    return matrix_profile((corners[2:4], corners[4:6], corners[6:8]), corners[:2], exponent)


def mended(data: bytes) -> bytes | None:
    """The same picture where only the end of its packed pixels is damaged; None where pixels are missing.

    The checksum of zlib comes behind the last pixel, and browsers never look at it.
    """
    chunks = split(data)
    header = chunks.head[_HEADER]
    if len(header) != _HEADER.stop - _HEADER.start:
        return None
    packed = _repacked(chunks.packed[2:], _unpacked_size(header))
    return None if packed is None else Chunks(chunks.head, packed, {}).file()


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each chunk up to IEND or what is no chunk; the last may be cut short."""
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        if not _CHUNK_NAME.fullmatch(name) or name == b"IEND":
            return
        start = place + 8
        yield name, start, min(start + length, len(data))
        place = start + length + 4


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def _embedded(content: bytes) -> bytes | None:
    """The profile in an iCCP chunk; None where it cannot be unpacked."""
    _, zero, rest = content.partition(b"\0")
    if not zero or rest[:1] != b"\0":
        return None
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(rest[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return unpacked if unpacker.eof else None


def _numbers(content: bytes, count: int) -> tuple[float, ...] | None:
    """The numbers, in units of 1/100,000, of a chunk that must hold so many; None for others, or for a zero first."""
    if len(content) != 4 * count:
        return None
    numbers = tuple(number / 100_000 for number in struct.unpack(f">{count}I", content))
    return numbers if numbers[0] > 0 else None


def _unpacked_size(header: bytes) -> int:
    """Bytes of all filtered rows of a picture with this IHDR."""
    width, height, depth, colour, _, _, interlace = struct.unpack(">2I5B", header)
    bits = depth * _CHANNELS.get(colour, 0)
    size = 0
    for left, top, across, down in _PASSES if interlace else _WHOLE:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            size += rows * (1 + -(-columns * bits // 8))
    return size


def _repacked(packed: bytes, size: int) -> bytes | None:
    """The `size` bytes that are packed, as a sound zlib stream; None where they do not end there.

    What is filled up with zeros unpacks to something as well, but never to an end.
    """
    unpacker, packer, parts, left = zlib.decompressobj(-zlib.MAX_WBITS), zlib.compressobj(1), [], size
    rest = packed
    try:
        while left > 0:
            unpacked = unpacker.decompress(rest, min(STEP, left))
            rest = unpacker.unconsumed_tail
            if not unpacked:
                return None
            left -= len(unpacked)
            parts.append(packer.compress(unpacked))
        ends = unpacker.eof or (not unpacker.decompress(rest, 1) and unpacker.eof)
    except zlib.error:
        return None
    return b"".join([*parts, packer.flush()]) if ends else None
