"""HEIC and AVIF: what their boxes say before a decoder is trusted with them (ISO 14496-12 and 23008-12).

The header of the file tells one size, that of the coded picture another: both are held against the limit, for the
decoder makes room for the second.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.images.containers.codecs import codec_pixels, hevc_pixels

HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
AVIF_BRANDS = frozenset({b"avif", b"avis"})

_CONTAINERS = {b"meta": 4, b"iinf": 6, b"iprp": 0, b"ipco": 0}  # and the bytes before what they contain
_MAX_BOXES = 20_000
_HEAD = 400  # bytes of a coded picture that are looked at


@dataclass(frozen=True, slots=True)
class Boxes:
    """What the boxes say of a file.

    `pixels`: the largest number of any picture in it. `colours`: the codes of primaries and transfer (H.273), None
    where it has none. `is_turned`: whether the boxes turn or mirror the picture, which decoders then do by themselves.
    """

    pixels: int
    colours: tuple[int, int] | None
    is_turned: bool


def brands(data: bytes) -> frozenset[bytes]:
    """The brands of the file's type box; empty for what has none."""
    if data[4:8] != b"ftyp":
        return frozenset()
    end = min(struct.unpack_from(">I", data)[0], len(data), 400)
    listed = data[16:end]
    return frozenset([data[8:12], *(listed[place : place + 4] for place in range(0, len(listed) - 3, 4))])


def read_boxes(data: bytes) -> Boxes:
    """Read the boxes. Raises struct.error, IndexError or UnicodeDecodeError for damaged ones."""
    pixels, colours, is_turned = 0, None, False
    for name, start, end in _boxes(data, 0, len(data)):
        if name == b"infe":
            _check_text(data[start:end])
        if name == b"ispe":
            width, height = struct.unpack_from(">4x2I", data, start)
            pixels = max(pixels, width * height)
        elif name == b"hvcC":
            pixels = max(pixels, hevc_pixels(data[start:end]))
        elif name == b"iloc":
            heads = (data[place : place + _HEAD] for place in _item_places(data[start:end]))
            pixels = max(pixels, *map(codec_pixels, heads), 0)
        elif name == b"colr" and data[start : start + 4] == b"nclx" and colours is None:
            colours = struct.unpack_from(">2H", data, start + 4)
        is_turned = is_turned or name in {b"irot", b"imir"}
    return Boxes(pixels, colours, is_turned)


def _boxes(data: bytes, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each box, those that contain others entered."""
    for _ in range(_MAX_BOXES):
        if place + 8 > end:
            return
        size, name = struct.unpack_from(">I4s", data, place)
        start = place + 8
        if size == 1:
            size = struct.unpack_from(">Q", data, start)[0]
            start += 8
        stop = end if size == 0 else place + size
        if stop < start or stop > end:
            return
        if name in _CONTAINERS:
            long_count = 2 if name == b"iinf" and data[start] else 0
            yield from _boxes(data, start + _CONTAINERS[name] + long_count, stop)
        else:
            yield name, start, stop
        place = stop


def _check_text(entry: bytes) -> None:
    """Raises UnicodeDecodeError for an item (infe) whose kind or name is no text: the reader crashes over one."""
    entry[10 if entry[0] == 3 else 8 :].decode()


def _item_places(content: bytes) -> Iterator[int]:
    """Where in the file the items begin, of an item location box (ISO 14496-12, 8.11.3)."""
    version = content[0]
    offset_size, length_size, base_size, index_size = content[4] >> 4, content[4] & 15, content[5] >> 4, content[5] & 15
    wide = 4 if version == 2 else 2
    place = 6 + wide
    for _ in range(min(_number(content, 6, wide), _MAX_BOXES)):
        method = _number(content, place + wide, 2) & 15 if version else 0
        place += wide + (2 if version else 0) + 2  # also behind the reference to another file
        base, extents = _number(content, place, base_size), _number(content, place + base_size, 2)
        place += base_size + 2
        if extents and method == 0:
            yield base + _number(content, place + (index_size if version else 0), offset_size)
        place += extents * ((index_size if version else 0) + offset_size + length_size)


def _number(content: bytes, place: int, size: int) -> int:
    return int.from_bytes(content[place : place + size])
