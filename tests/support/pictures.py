"""One scene in every file that a user may bring: each format, colour space and kind of damage around the pixels."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

WIDTH, HEIGHT = 160, 120
SRGB = ImageCms.createProfile("sRGB")


def scene(height: int = HEIGHT, width: int = WIDTH) -> Image.Image:
    """Six squares of strong colours on a slope of light."""
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([40 + 170 * columns / width, 60 + 120 * rows / height, 190 - 130 * columns / width], -1)
    squares = [(220, 40, 30), (30, 170, 60), (40, 70, 210), (230, 190, 30), (150, 60, 160), (60, 180, 190)]
    for number, colour in enumerate(squares):
        top, left = (0.17 + 0.42 * (number // 3)) * height, (0.06 + 0.31 * (number % 3)) * width
        pixels[int(top) : int(top + 0.33 * height), int(left) : int(left + 0.22 * width)] = colour
    return Image.fromarray(pixels.astype(np.uint8))


def encode(image: Image.Image, format_: str, **options: Any) -> bytes:
    """The file of a picture."""
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def jpeg(image: Image.Image, **options: Any) -> bytes:
    """A JPEG that loses little."""
    return encode(image, "JPEG", **{"quality": 97, "subsampling": 0, **options})


def png_chunk(name: bytes, content: bytes, *, checksum: int | None = None) -> bytes:
    """A chunk of a PNG; with a wrong checksum where one is given."""
    right = zlib.crc32(name + content)
    return (
        struct.pack(">I4s", len(content), name) + content + struct.pack(">I", right if checksum is None else checksum)
    )


def png_with(*chunks: bytes, data: bytes | None = None) -> bytes:
    """A PNG (the scene), with chunks right behind its header."""
    data = data or encode(scene(), "PNG")
    return data[:33] + b"".join(chunks) + data[33:]


def jpeg_segment(marker: int, content: bytes, *, length: int | None = None) -> bytes:
    """A segment of a JPEG; with a wrong length where one is given."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2 if length is None else length) + content


def jpeg_with(*segments: bytes, data: bytes | None = None) -> bytes:
    """A JPEG (the scene), with segments right behind its start."""
    data = data or jpeg(scene())
    return data[:2] + b"".join(segments) + data[2:]


def as_light(image: Image.Image) -> NDArray[np.float64]:
    """The linear light 0 to 1 of sRGB pixels."""
    signal = np.asarray(image, np.float64) / 255
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def with_gamma(image: Image.Image, exponent: float) -> Image.Image:
    """The same light, stored by another curve."""
    return Image.fromarray(np.round(255 * as_light(image) ** (1 / exponent)).astype(np.uint8))


def turned(image: Image.Image) -> tuple[Image.Image, Image.Exif]:
    """The picture as a camera on its side stores it, and the EXIF that says so."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return image.transpose(Image.Transpose.ROTATE_90), exif
