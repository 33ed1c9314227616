"""GIF: a file of its first picture alone, for Pillow refuses one for damage that no browser minds, in what comes later.

Between the pictures stand extensions of any kind, some of them with lengths that are wrong.
"""

import struct

from retrieval.errors import BrokenImage

_CONTROL, _APPLICATION, _ICC = 0xF9, 0xFF, b"ICCRGBG1012"


def first_picture(data: bytes) -> tuple[bytes, bytes | None]:
    """The file up to its first picture, and the ICC profile that comes before it. Raises BrokenImage without one."""
    place = 13 + _table_bytes(data[10])
    head, control, profile = data[:place], b"", None
    while place < len(data):
        introducer = data[place]
        if introducer == 0x2C:
            descriptor = data[place : place + 10]
            start = place + 10 + _table_bytes(descriptor[9])
            end = _blocks_end(data, start + 1)
            return b"".join([head, control, data[place:end], b"\0;"]), profile
        if introducer == 0x21:
            end = _blocks_end(data, place + 2)
            if data[place + 1] == _CONTROL and data[place + 2] == 4:
                control = data[place : place + 7] + b"\0"
            elif data[place + 1] == _APPLICATION and data[place + 3 : place + 14] == _ICC:
                profile = _joined(data[place + 14 : end])
            place = end
        elif introducer == 0x3B:
            break
        else:
            place += 1
    raise BrokenImage("this GIF holds no picture; save it again")


def frame_pixels(data: bytes) -> int:
    """Width times height of the picture in a file of one, which may be larger than the file's own size."""
    place = 13 + _table_bytes(data[10])
    if data[place] == 0x21:
        place += 8
    width, height = struct.unpack_from("<2H", data, place + 5)
    return int(width * height)


def _table_bytes(flags: int) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & 128 else 0


def _blocks_end(data: bytes, place: int) -> int:
    """Where a chain of blocks ends: behind the empty one, or with the file."""
    while place < len(data) and data[place]:
        place += 1 + data[place]
    return min(place + 1, len(data))


def _joined(blocks: bytes) -> bytes:
    """What is in a chain of blocks."""
    parts, place = [], 0
    while place < len(blocks) and blocks[place]:
        parts.append(blocks[place + 1 : place + 1 + blocks[place]])
        place += 1 + blocks[place]
    return b"".join(parts)
