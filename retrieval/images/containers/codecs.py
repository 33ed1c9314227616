"""The size of a picture as its own codec's header tells it: HEVC (ITU-T H.265) and AV1."""

import struct
from collections.abc import Iterator

_SPS = 33  # kind of HEVC's unit that tells the size
_DELIMITER, _SEQUENCE = 2, 1  # kinds of AV1's units
_MAX_UNITS = 32


def hevc_pixels(configuration: bytes) -> int:
    """Width times height of the largest picture of a decoder configuration (ISO 14496-15, 8.3.3.1).

    Raises struct.error or IndexError for a damaged one.
    """
    place, pixels = 23, 0
    for _ in range(configuration[22]):
        count = struct.unpack_from(">H", configuration, place + 1)[0]
        place += 3
        for _ in range(count):
            length = struct.unpack_from(">H", configuration, place)[0]
            pixels = max(pixels, _parameter_set_pixels(configuration[place + 2 : place + 2 + length]))
            place += 2 + length
    return pixels


def codec_pixels(head: bytes) -> int:
    """Width times height of a coded picture that begins so; 0 where it does not tell its size by itself."""
    try:
        return max(_av1_pixels(head), *(_parameter_set_pixels(unit) for unit in _units(head)), 0)
    except IndexError:  # what begins here is not a coded picture, but EXIF or the like
        return 0


class _Bits:
    """Bits from the first, as codecs write their headers."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """The next `count` bits as a number. Raises IndexError behind the end."""
        self._left -= count
        if self._left < 0:
            raise IndexError("a header of the picture is cut short")
        return (self._value >> self._left) & ((1 << count) - 1)

    def take_exp_golomb(self) -> int:
        """The next number of variable length, ue(v)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def _units(head: bytes) -> Iterator[bytes]:
    """HEVC's units, each behind its length."""
    place = 0
    for _ in range(_MAX_UNITS):
        if place + 4 > len(head):
            return
        length = struct.unpack_from(">I", head, place)[0]
        yield head[place + 4 : place + 4 + length]
        place += 4 + length


def _parameter_set_pixels(unit: bytes) -> int:
    """Width times height of a sequence parameter set (H.265, 7.3.2.2); 0 for another unit."""
    if len(unit) < 2 or (unit[0] >> 1) & 63 != _SPS:
        return 0
    bits = _Bits(unit[:200].replace(b"\0\0\x03", b"\0\0"))
    bits.take(16 + 4)
    layers = bits.take(3)
    bits.take(1 + 88 + 8)  # whether layers nest; then the profile and level of the whole
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.take_exp_golomb()
    if bits.take_exp_golomb() == 3:
        bits.take(1)
    return bits.take_exp_golomb() * bits.take_exp_golomb()


def _av1_pixels(head: bytes) -> int:
    """Width times height of the sequence header (AV1, 5.5.1) that a still picture begins with; 0 for what does not."""
    place = 0
    if head[:1] and (head[0] >> 3) & 15 == _DELIMITER:
        place = 2  # it is empty, and its length a zero
    if place + 2 > len(head) or (head[place] >> 3) & 15 != _SEQUENCE or not head[place] & 2 or head[place] & 0x81:
        return 0
    length_bytes = 1 if head[place + 1] < 128 else 2
    bits = _Bits(head[place + 1 + length_bytes + (head[place] >> 2 & 1) : place + 64])
    bits.take(3)
    bits.take(1)
    if bits.take(1):  # the short form of still pictures
        bits.take(5)
    elif not _skip_levels(bits):
        return 0
    wide, high = bits.take(4) + 1, bits.take(4) + 1
    return (bits.take(wide) + 1) * (bits.take(high) + 1)


def _skip_levels(bits: _Bits) -> bool:
    """Go past the timing and levels of a sequence; False where they describe a decoder model, as no picture does."""
    if bits.take(1):
        bits.take(64)
        if bits.take(1):
            bits.take_exp_golomb()
        if bits.take(1):
            return False
    shows_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if shows_delay and bits.take(1):
            bits.take(4)
    return True
