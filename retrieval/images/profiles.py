"""ICC profiles for colours that a file describes by numbers: primaries, white point and a transfer curve.

An ICC profile is how `colour` is told of every other colour space; PNG (gAMA, cHRM, cICP), HEIC and AVIF (nclx) and
cameras (Adobe RGB by EXIF) name theirs otherwise.
"""

import struct
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, ...]
"""CIE x and y."""

_D65: Point = (0.3127, 0.3290)
_D50 = np.array([0.9642, 1.0, 0.8249])  # XYZ, the white of every profile
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

# ITU-T H.273, table 2: red, green and blue of each code of colour primaries.
PRIMARIES: dict[int, tuple[Point, Point, Point]] = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060)),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_ADOBE_RGB = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))

# ITU-T H.273, table 3: codes of transfer characteristics. Those of video (1, 6, 14, 15) are shown as sRGB is, by
# browsers as well: their curve is the camera's, not the screen's.
_AS_SRGB = frozenset({1, 2, 6, 13, 14, 15})
_EXPONENTS = {4: 2.2, 5: 2.8, 8: 1.0}
_PQ, _HLG = 16, 18

_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_STEPS = 4096  # of a sampled curve
_HDR_WHITE = 203.0  # candela a square metre, ITU-R BT.2408: brighter than that is shown white


@lru_cache(64)
def profile_of_codes(primaries: int, transfer: int) -> bytes | None:
    """The profile of codes of ITU-T H.273; empty for sRGB itself, None for codes that say nothing.

    Primaries that are not specified (2) are those of sRGB.
    """
    corners = PRIMARIES.get(1 if primaries == 2 else primaries)
    if corners is None or not (transfer in _AS_SRGB or transfer in _EXPONENTS or transfer in {_PQ, _HLG}):
        return None
    if transfer in _AS_SRGB:
        return b"" if corners == PRIMARIES[1] else matrix_profile(corners, _D65, None)
    if transfer in _EXPONENTS:
        return matrix_profile(corners, _D65, _EXPONENTS[transfer])
    return _profile(corners, _D65, _sampled(_perceptual_quantizer() if transfer == _PQ else _hybrid_log_gamma()))


@lru_cache(1)
def adobe_rgb() -> bytes | None:
    """Adobe RGB (1998)."""
    return matrix_profile(_ADOBE_RGB, _D65, 563 / 256)


def matrix_profile(corners: tuple[Point, Point, Point], white: Point, exponent: float | None) -> bytes | None:
    """The profile of red, green, blue, a white point, and the exponent of the curve; None: sRGB's curve.

    None where the numbers make no colour space.
    """
    curve = struct.pack(">4s4x2H5i", b"para", 3, 0, *map(_fixed, _SRGB_CURVE))
    if exponent is not None:
        if not 0.1 <= exponent <= 10:
            return None
        curve = struct.pack(">4s4x2Hi", b"para", 0, 0, _fixed(exponent))
    return _profile(corners, white, curve)


def _profile(corners: tuple[Point, Point, Point], white: Point, curve: bytes) -> bytes | None:
    """An ICC version 4 profile of a display, each tag once."""
    try:
        columns = _colorants(corners, white).T
    except (ValueError, ZeroDivisionError, np.linalg.LinAlgError):
        return None
    text = struct.pack(">4s4x2I2s2s2I", b"mluc", 1, 12, b"en", b"US", 2, 28) + "x".encode("utf-16-be") + b"\0\0"
    tags = {b"desc": text, b"cprt": text, b"wtpt": _xyz(_D50)}
    tags |= {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve + b"\0" * (-len(curve) % 4))
    table, content = b"", b""
    first = 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        table += struct.pack(">4s2I", name, first + len(content), len(tag))
        content += tag
    body = struct.pack(">I", len(tags)) + table + content
    header = struct.pack(
        ">I4xI4s4s4s12x4s4x4x4x8xI3I", 128 + len(body), 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp", 0, *_whole(_D50)
    )
    return header.ljust(128, b"\0") + body


def _colorants(corners: tuple[Point, Point, Point], white: Point) -> NDArray[np.float64]:
    """XYZ of red, green and blue, in columns, adapted to the white D50. Raises where they make no colour space."""
    mixing = np.array([_from_xy(corner) for corner in corners]).T
    weights = np.linalg.solve(mixing, _from_xy(white))
    ours, theirs = _BRADFORD @ _D50, _BRADFORD @ _from_xy(white)
    adapted = np.linalg.solve(_BRADFORD, np.diag(ours / theirs) @ _BRADFORD) @ (mixing * weights)
    if not np.isfinite(adapted).all() or np.abs(adapted).max() > 4:
        raise ValueError("these primaries make no colour space")
    return np.asarray(adapted, np.float64)


def _from_xy(point: Point) -> NDArray[np.float64]:
    x, y = point
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _perceptual_quantizer() -> NDArray[np.float64]:
    """SMPTE ST 2084: light against white, of signals 0..1."""
    power = np.linspace(0, 1, _STEPS) ** (32 / 2523)
    light = (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (16384 / 2610)
    return np.minimum(light * 10_000 / _HDR_WHITE, 1)


def _hybrid_log_gamma() -> NDArray[np.float64]:
    """ITU-R BT.2100: light against the light of a signal of 0.75, which is white."""
    signal = np.linspace(0, 1, _STEPS)
    light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return np.minimum(light / 0.26496256, 1)


def _sampled(light: NDArray[np.float64]) -> bytes:
    return struct.pack(">4s4xI", b"curv", _STEPS) + np.round(light * 65535).astype(">u2").tobytes()


def _xyz(values: NDArray[np.float64]) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *_whole(values))


def _whole(values: NDArray[np.float64]) -> list[int]:
    return [_fixed(float(value)) for value in values]


def _fixed(value: float) -> int:
    """In units of 1/65,536."""
    return round(value * 65536)
