"""Broken pictures: sound ones of every format, changed where their formats have structure."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

HEIC = Path(__file__).parents[2] / "tests" / "retrieval" / "images" / "heic"
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
# Sizes for which a format has fields, as each stores its numbers.
PACKINGS = (">H", "<H", ">I", "<I")

Change = Callable[[bytearray, np.random.Generator], bytes]


def samples() -> dict[str, bytes]:
    """A small sound picture of each format and of some variants of it, by name."""
    rng = np.random.default_rng(5)
    image = Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8))
    made = {
        "jpeg": _saved(image, "JPEG"),
        "progressive jpeg": _saved(image, "JPEG", progressive=True, exif=_exif()),
        "png": _saved(image, "PNG"),
        "palette png": _saved(image.quantize(), "PNG"),
        "webp": _saved(image, "WEBP"),
        "lossless webp": _saved(image, "WEBP", lossless=True),
        "gif": _saved(image.quantize(), "GIF"),
        "animation": _saved(image.quantize(), "GIF", save_all=True, append_images=[image.rotate(90).quantize()]),
        "bmp": _saved(image, "BMP"),
        "tiff": _saved(image, "TIFF"),
        "packed tiff": _saved(image, "TIFF", compression="tiff_lzw"),
        "avif": _saved(image, "AVIF"),
        "ppm": _saved(image, "PPM"),
    }
    return made | {f"heic {path.stem}": path.read_bytes() for path in sorted(HEIC.glob("*.heic"))}


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """The file with one to four changes, some of which know the format."""
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            break
        change = CHANGES[int(rng.integers(len(CHANGES)))]
        data = change(bytearray(data), rng)
    return data[:2_000_000]


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a description"
    return exif


def _flip(data: bytearray, rng: np.random.Generator) -> bytes:
    for place in rng.integers(len(data), size=int(rng.integers(1, 9))).tolist():
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _number(data: bytearray, rng: np.random.Generator) -> bytes:
    """An extreme number near the beginning, where sizes, offsets and counts are."""
    packing = PACKINGS[int(rng.integers(len(PACKINGS)))]
    size = struct.calcsize(packing)
    reach = min(len(data), 512 if rng.random() < 0.8 else len(data))
    if reach <= size:
        return bytes(data)
    place = int(rng.integers(reach - size))
    value = EXTREMES[int(rng.integers(len(EXTREMES)))] & (256**size - 1)
    struct.pack_into(packing, data, place, value)
    return bytes(data)


def _cut(data: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(data[: int(rng.integers(len(data)))])


def _remove(data: bytearray, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(len(data) + 1, size=2).tolist())
    return bytes(data[:start] + data[min(end, start + 200) :])


def _repeat(data: bytearray, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(len(data) + 1, size=2).tolist())
    return bytes(data[:end] + data[start:end] * int(rng.integers(1, 20)) + data[end:])


def _insert(data: bytearray, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(data) + 1))
    return bytes(data[:place]) + rng.bytes(int(rng.integers(1, 65))) + bytes(data[place:])


def _zero(data: bytearray, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data)))
    end = min(len(data), start + int(rng.integers(1, 200)))
    data[start:end] = bytes([int(rng.choice([0, 0xFF]))]) * (end - start)
    return bytes(data)


def _other_head(data: bytearray, rng: np.random.Generator) -> bytes:
    """The first bytes of one format before the rest of another."""
    heads = (
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"BM",
        b"II*\0",
        b"MM\0*",
        b"RIFF\0\0\0\0WEBP",
        b"P6 9 9 255 ",
    )
    head = heads[int(rng.integers(len(heads)))]
    return head + bytes(data[len(head) :])


def _png_chunk(data: bytearray, rng: np.random.Generator) -> bytes:
    """A chunk of a PNG removed, repeated, moved or changed, with a checksum that is right."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return _number(data, rng)
    chunks, place = [], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        if place + 12 + length > len(data):
            break
        chunks.append((bytes(data[place + 4 : place + 8]), bytes(data[place + 8 : place + 8 + length])))
        place += 12 + length
    if not chunks:
        return bytes(data)
    row = int(rng.integers(len(chunks)))
    name, body = chunks[row]
    what = int(rng.integers(4))
    if what == 0:
        del chunks[row]
    elif what == 1:
        chunks.insert(int(rng.integers(len(chunks) + 1)), (name, body))
    elif what == 2 and body:
        chunks[row] = name, _number(bytearray(body), rng)
    else:
        chunks[row] = name, body[: len(body) // 2] + rng.bytes(8)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _jpeg_segment(data: bytearray, rng: np.random.Generator) -> bytes:
    """A segment of a JPEG removed, repeated, or of another length."""
    if data[:2] != b"\xff\xd8":
        return _flip(data, rng)
    places, place = [], 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, place + 2)
        places.append((place, place + 2 + length))
        place += 2 + length
    if not places:
        return bytes(data)
    start, end = places[int(rng.integers(len(places)))]
    what = int(rng.integers(3))
    if what == 0:
        return bytes(data[:start] + data[end:])
    if what == 1:
        return bytes(data[:end] + data[start:end] * int(rng.integers(1, 50)) + data[end:])
    struct.pack_into(">H", data, start + 2, EXTREMES[int(rng.integers(len(EXTREMES)))] & 0xFFFF)
    return bytes(data)


def _box(data: bytearray, rng: np.random.Generator) -> bytes:
    """The size of a box of HEIC or AVIF, or its name."""
    places = [
        at for at in range(4, min(len(data) - 4, 2000)) if data[at : at + 4].isalpha() and data[at : at + 4].islower()
    ]
    if data[4:8] != b"ftyp" or not places:
        return _number(data, rng)
    place = places[int(rng.integers(len(places)))]
    if rng.random() < 0.7:
        struct.pack_into(">I", data, place - 4, EXTREMES[int(rng.integers(len(EXTREMES)))])
    else:
        other = places[int(rng.integers(len(places)))]
        data[place : place + 4] = data[other : other + 4]
    return bytes(data)


CHANGES: tuple[Change, ...] = (
    _flip, _number, _number, _cut, _remove, _repeat, _insert, _zero, _other_head, _png_chunk, _jpeg_segment, _box,
)  # fmt: skip
