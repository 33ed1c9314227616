"""Small files that unpack to much: each is refused by its header, or unpacked within bounds."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from benchmarks.hardening.pictures import HEIC

HUGE = 30_000  # pixels, a side
ZEROS = 60_000_000  # bytes that unpack from some kilobytes


def bombs() -> Iterator[tuple[str, bytes]]:
    """Each with its name."""
    small = Image.new("RGB", (64, 48), (10, 200, 30))
    packed = zlib.compress(bytes(ZEROS), 9)
    for side in (HUGE, 65_535, 2**31 - 1):
        yield f"PNG of {side} x {side}", _png(side, side, zlib.compress(bytes(1000)))
    yield "PNG with more data than pixels", _png(64, 48, packed)
    yield "PNG of 1 x 2**31-1", _png(1, 2**31 - 1, zlib.compress(bytes(1000)))
    for name in (b"zTXt", b"iTXt", b"iCCP"):
        keyword = b"profile\0" if name != b"iTXt" else b"text\0\x01\0\0\0"
        yield (
            f"PNG with a {name.decode()} bomb",
            _png(64, 48, None, [(name, keyword + b"\0" * (name != b"iTXt") + packed)]),
        )
    yield (
        "PNG with 20,000 text chunks",
        _png(64, 48, None, [(b"zTXt", b"k\0\0" + zlib.compress(bytes(50_000)))] * 20_000),
    )
    for side in (HUGE, 65_535):
        yield f"GIF of {side} x {side}", _gif(side, side, small)
        yield f"JPEG of {side} x {side}", _jpeg(side, side, small)
        yield f"BMP of {side} x {side}", _bmp(side, side)
        yield f"TIFF of {side} x {side}", _tiff(side, side, small)
        yield f"PPM of {side} x {side}", f"P6 {side} {side} 255\n".encode() + bytes(1000)
    yield "GIF of 5,000 frames", _animation(5_000)
    yield "GIF with a frame larger than itself", _gif_frame(65_535, small)
    yield "PNG of 16 bits and 4 channels", _png(20_000, 20_000, packed, depth=16, kind=6)
    yield "PNG of 11,000 x 11,000, all of it there", _png(11_000, 11_000, zlib.compress(bytes(11_000 * 33_001), 9))
    yield "JPEG, progressive, of 60,000 x 60,000", _jpeg(60_000, 60_000, small, progressive=True)
    yield "BMP, run-length encoded with 4 bits", _bmp(HUGE, HUGE, compression=2)
    for method in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield f"TIFF of strips packed by {method}", _tiff(HUGE, HUGE, small, compression=method)
    yield "TIFF of 4 billion pixels in one row", _tiff(2**32 - 1, 1, small)
    yield "animated WebP of 2**24 x 2**24", _animated_webp()
    for path in sorted(HEIC.glob("*.heic"))[:3]:
        yield f"HEIC of 65,535 x 65,535, as {path.stem}", _resized(path.read_bytes(), 65_535)
    yield "BMP, run-length encoded", _bmp(HUGE, HUGE, compression=1)
    yield "BMP with a negative height", _bmp(HUGE, -HUGE)
    yield "PBM of 1 bit", f"P4 {HUGE} {HUGE}\n".encode() + bytes(1000)
    yield "PPM in plain text", b"P3 20000 20000 255\n" + b"0 " * 100_000
    yield "WebP of 16,383 x 16,383", _webp(16_383, 16_383, lossless=False)
    yield "lossless WebP of 16,383 x 16,383", _webp(16_383, 16_383, lossless=True)
    yield "AVIF of 65,535 x 65,535", _resized(_saved(small, "AVIF"), 65_535)
    yield "TIFF, deflated zeros", _saved(Image.new("L", (5_000, 5_000)), "TIFF", compression="tiff_adobe_deflate")
    yield "JPEG with 60,000 empty scans", _scans(small, 60_000)
    yield "JPEG with an ICC profile of 100 parts", _saved(small, "JPEG", icc_profile=bytes(60_000 * 100))


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _png(
    width: int,
    height: int,
    data: bytes | None,
    extra: list[tuple[bytes, bytes]] | None = None,
    *,
    depth: int = 8,
    kind: int = 2,
) -> bytes:
    """Of RGB unless another kind is named.

    `data`: packed rows, those of a green picture if None; `extra`: chunks before them.
    """
    if data is None:
        data = zlib.compress(b"".join(b"\0" + bytes((10, 200, 30)) * width for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", head), *(extra or []), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _gif(width: int, height: int, small: Image.Image) -> bytes:
    data = bytearray(_saved(small.quantize(), "GIF"))
    struct.pack_into("<HH", data, 6, width, height)
    return bytes(data)


def _gif_frame(side: int, small: Image.Image) -> bytes:
    data = bytearray(_saved(small.quantize(), "GIF"))
    struct.pack_into("<HH", data, data.index(b"\x2c", 13) + 5, side, side)
    return bytes(data)


def _animation(frames: int) -> bytes:
    data = _saved(Image.new("P", (64, 48)), "GIF", save_all=True, append_images=[Image.new("P", (64, 48), 1)])
    start = data.index(b"\x2c", 13)
    frame = data[start:-1]
    return data[:-1] + frame * frames + b";"


def _jpeg(width: int, height: int, small: Image.Image, *, progressive: bool = False) -> bytes:
    data = bytearray(_saved(small, "JPEG", progressive=progressive))
    struct.pack_into(">HH", data, data.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5, height, width)
    return bytes(data)


def _scans(small: Image.Image, count: int) -> bytes:
    data = _saved(small, "JPEG", progressive=True)
    start = data.index(b"\xff\xda")
    scan = data[start : data.index(b"\xff", start + 20)]
    return data[:-2] + scan * count + data[-2:]


def _bmp(width: int, height: int, compression: int = 0) -> bytes:
    bits = {0: 24, 1: 8, 2: 4}[compression]
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 1000, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 2054, 0, 0, 54 + 1024 * (compression > 0)) + head + bytes(2000)


def _tiff(width: int, height: int, small: Image.Image, **options: object) -> bytes:
    data = bytearray(_saved(small, "TIFF", **options))
    (place,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, place)
    for entry in range(count):
        at = place + 2 + 12 * entry
        (tag,) = struct.unpack_from("<H", data, at)
        if tag in {256, 257}:
            struct.pack_into("<HII", data, at + 2, 4, 1, width if tag == 256 else height)
    return bytes(data)


def _webp(width: int, height: int, *, lossless: bool) -> bytes:
    if lossless:
        bits = (width - 1) | (height - 1) << 14
        chunk = b"VP8L" + struct.pack("<I", 1005) + b"\x2f" + struct.pack("<I", bits) + bytes(1000) + b"\0"
    else:
        body = bytes((0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A)) + struct.pack("<HH", width, height) + bytes(1000)
        chunk = b"VP8 " + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _animated_webp() -> bytes:
    body = b"\x02\0\0\0" + 2 * (2**24 - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _resized(data: bytes, side: int) -> bytes:
    """HEIC or AVIF whose pictures, tiles and previews all say that they have this size."""
    changed = bytearray(data)
    place = changed.find(b"ispe")
    while place >= 0:
        struct.pack_into(">II", changed, place + 8, side, side)
        place = changed.find(b"ispe", place + 4)
    return bytes(changed)
