"""WebP: a container that is right about what it holds, for the decoder believes it before the pixels."""

import struct
from collections.abc import Iterator

_ICC, _ALPHA, _EXIF, _XMP, _ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02
_KEPT_CHUNKS = {b"ICCP": _ICC, b"ALPH": _ALPHA, b"EXIF": _EXIF, b"ANIM": _ANIMATION}
_PIXELS = frozenset({b"VP8 ", b"VP8L", b"ANMF"})
_FLAGS = _ICC | _ALPHA | _EXIF | _XMP | _ANIMATION


def mended(data: bytes) -> bytes | None:
    """The same picture with the lengths and flags of what is there; None where no pixels are there in full."""
    head, chunks, flags, has_pixels = b"", [], 0, False
    for name, start, end in _chunks(data):
        content = data[start:end]
        if name == b"VP8X" and len(content) == 10:
            head = content
        elif name in _PIXELS or name in _KEPT_CHUNKS:
            has_pixels = has_pixels or name in _PIXELS
            flags |= _KEPT_CHUNKS.get(name, 0)
            chunks.append(struct.pack("<4sI", name, len(content)) + content + b"\0" * (len(content) % 2))
    if not has_pixels:
        return None
    if head:
        # Whether there is alpha in lossless pixels is only said here.
        kept_flags = (head[0] & ~_FLAGS) | flags | (head[0] & _ALPHA)
        chunks.insert(0, struct.pack("<4sIB", b"VP8X", 10, kept_flags) + head[1:])
    body = b"WEBP" + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each chunk that is there in full."""
    place = 12
    while place + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, place)
        start = place + 8
        if start + length > len(data):
            return
        yield name, start, start + length
        place = start + length + length % 2
