"""BMP: a file that Pillow reads, of one with any layout of bits, and the colour profile that version 5 embeds."""

import struct

import numpy as np
from numpy.typing import NDArray

_SIZE = struct.Struct("<I")
_INFO = 40  # bytes of the header that has masks behind it rather than in it
_CORE = 12  # of the first version
_V5 = 124
_BITFIELDS, _ALPHA_BITFIELDS = 3, 6
_EMBEDDED = b"DEBM"  # the colour space of a header whose file holds a profile
_BGRA = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)

# What Pillow reads: bits a pixel, and the masks of red, green, blue and, of 32 bits, alpha.
_READ = {
    (16, (0xF800, 0x7E0, 0x1F)),
    (16, (0x7C00, 0x3E0, 0x1F)),
    (24, (0xFF0000, 0xFF00, 0xFF)),
    (32, (0xFF0000, 0xFF00, 0xFF, 0)),
    (32, _BGRA),
    (32, (0, 0, 0, 0)),  # taken for the usual ones
}


def plain(data: bytes) -> bytes:
    """The same picture with masks that Pillow knows: 8 bits a channel, blue first, alpha last."""
    if len(data) < 14 + _INFO + 16:
        return data
    header = _SIZE.unpack_from(data, 14)[0]
    width, height, _, bits, compression = struct.unpack_from("<2i2HI", data, 18)
    if compression not in {_BITFIELDS, _ALPHA_BITFIELDS} or bits not in {16, 32} or header < _INFO:
        return data
    has_alpha = compression == _ALPHA_BITFIELDS or header >= 56
    masks = struct.unpack_from("<4I", data, 14 + _INFO)[: 4 if has_alpha else 3]
    if (bits, masks[:3] if bits < 32 else (*masks, 0)[:4]) in _READ and compression == _BITFIELDS:
        return data
    start = _SIZE.unpack_from(data, 10)[0]
    stride = (width * bits + 31) // 32 * 4
    if width <= 0 or not 0 < abs(height) * stride <= len(data) - start or any(mask >> bits for mask in masks):
        return data  # the reader says what is wrong
    rows = np.frombuffer(data, np.uint8, abs(height) * stride, start).reshape(abs(height), stride)
    samples = rows.view("<u2" if bits == 16 else "<u4")[:, :width]
    channels = [_levels(samples, mask) for mask in masks]
    pixels = np.full((abs(height), width, 4), 255, np.uint8)
    for place, channel in zip((2, 1, 0, 3), channels, strict=False):
        pixels[..., place] = channel
    alpha = _BGRA[3] if len(masks) == 4 and masks[3] else 0
    info = struct.pack("<I2i2HI20x4I", 56, width, height, 1, 32, _BITFIELDS, *_BGRA[:3], alpha)
    return b"BM" + struct.pack("<I4xI", 70 + pixels.size, 70) + info + pixels.tobytes()


def profile(data: bytes) -> bytes | None:
    """The ICC profile that a version 5 header embeds; None for sRGB."""
    if len(data) < 14 + _V5 or _SIZE.unpack_from(data, 14)[0] != _V5 or data[70:74] != _EMBEDDED:
        return None
    offset, size = struct.unpack_from("<2I", data, 14 + 112)
    return data[14 + offset : 14 + offset + size] or None


def _levels(samples: NDArray[np.unsignedinteger], mask: int) -> NDArray[np.uint8]:
    """The bits of a mask as levels 0 to 255; all 0 for a mask of none."""
    if not mask:
        return np.zeros(samples.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    full = mask >> shift
    return (((samples & mask) >> shift).astype(np.float32) * (255 / full) + 0.5).astype(np.uint8)


def pixels_of(data: bytes) -> int:
    """Width times height as the header says."""
    if _SIZE.unpack_from(data, 14)[0] == _CORE:
        width, height = struct.unpack_from("<2H", data, 18)
    else:
        width, height = struct.unpack_from("<2i", data, 18)
    return int(abs(width * height))
