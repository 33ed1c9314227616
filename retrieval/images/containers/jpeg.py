"""JPEG: the scale that keeps its decoding small, its colours, and a sound copy of one damaged around its pixels.

A segment that no pixel depends on may be anything (cameras and editors write wrong lengths, and half of what they
mean), and the end marker may be missing. Browsers show such a picture, Pillow refuses it.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile

from retrieval.errors import BrokenImage, TooManyPixels, UnsupportedFormat
from retrieval.images.profiles import adobe_rgb

SCALES = (8, 4, 2, 1)  # a JPEG is decoded at one of these fractions of its size
BYTES_PER_PIXEL = 7  # that decoding takes: 4 in Pillow, 3 as an array
MAX_SCANNED_PIXELS = 2_500_000_000  # pixels times scans: twenty passes over the largest picture

_START, _END, _SCAN = 0xD8, b"\xff\xd9", 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_ARITHMETIC = frozenset({0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_LENGTHS = {0xE0: (b"JFIF\0", 14), 0xE1: (b"Exif\0\0", 14), 0xE2: (b"ICC_PROFILE\0", 14), 0xEE: (b"Adobe", 12)}
_ZEROS = re.compile(rb"\0{16,}\Z")  # what a disk or a download left in place of pixels; no scan ends so
_OTHER_BITS = b"\xa5\x5a\x33\xcc" * 64


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker of the head and where its content lies in the file."""

    marker: int
    start: int
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """The segments up to the first scan, whose own is the last; what is between them is passed over, as browsers do."""
    place = 2
    while (place := data.find(b"\xff", place)) >= 0:
        while data[place : place + 1] == b"\xff":
            place += 1
        marker = data[place] if place < len(data) else 0
        place += 1
        if marker == 0 or marker in _ALONE:
            continue
        if marker == _END[1] or place + 2 > len(data):
            return
        end = place + max(2, struct.unpack_from(">H", data, place)[0])
        if end > len(data):
            continue  # a length that cannot be right
        yield Segment(marker, place + 2, end)
        if marker == _SCAN:
            return
        place = end


def check_kind(data: bytes, head: Sequence[Segment]) -> None:
    """Raises UnsupportedFormat for the kinds of JPEG that no browser shows, and names them."""
    for segment in head:
        if segment.marker in _FRAMES and segment.end - segment.start >= 6:
            bits, components = data[segment.start], data[segment.start + 5]
            if segment.marker in _LOSSLESS:
                raise UnsupportedFormat("this is a lossless JPEG, as scanners and raw files have; save it as PNG")
            if bits != 8:
                raise UnsupportedFormat(f"this is a JPEG with {bits} bits a channel; save it with 8 bits")
            if components not in {1, 3, 4}:
                raise UnsupportedFormat(f"this is a JPEG with {components} colour channels; save it as RGB")
            return


def check_end(data: bytes, head: Sequence[Segment]) -> None:
    """Raises BrokenImage where the pixels have no end, which `mended` then looks into."""
    if data.endswith(_END) or data.rstrip(b"\0").endswith(_END):
        return
    if data.find(_END, head[-1].end if head else 0) < 0:
        raise BrokenImage("this JPEG is damaged or cut short (its end is missing); copy or download it again")


@dataclass(frozen=True, slots=True)
class Cost:
    """What decoding takes besides the pixels: bytes of coefficients; and whether all pixels can be in the file at all.

    Only a JPEG of several scans keeps its coefficients: they are refined by each.
    """

    coefficients: int
    is_too_short: bool


def cost_of(image: JpegImageFile, data: bytes, head: Sequence[Segment]) -> Cost:
    """Raises BrokenImage for one of so many scans that decoding takes too long."""
    scan = head[-1] if head and head[-1].marker == _SCAN else None
    layers = [(across, down) for _, across, down, _ in image.layer if across and down]
    if scan is None or not layers:
        return Cost(0, is_too_short=True)
    samples = image.width * image.height * sum(across * down for across, down in layers)
    samples //= max(across for across, _ in layers) * max(down for _, down in layers)
    # A code of Huffman's has at least one bit, and a block one for its mean and, unless the scans are many, one more.
    in_scans = "progressive" in image.info or data[scan.start] != image.layers
    fewest_bytes = samples // 64 * (1 if in_scans else 2) // 8
    if any(segment.marker in _ARITHMETIC for segment in head):
        fewest_bytes = 0
    if in_scans:
        scans = data.count(b"\xff\xda", scan.start) + 1
        if scans * image.width * image.height > MAX_SCANNED_PIXELS:
            raise BrokenImage(f"a JPEG of {scans:,} scans takes too long to decode; save it again without progression")
    return Cost(2 * samples if in_scans else 0, is_too_short=len(data) - scan.end < fewest_bytes)


def scale_of(image: JpegImageFile, min_side: int | None, cost: Cost, max_bytes: int) -> int:
    """The fraction 1/scale of its size to decode it at.

    The smallest that leaves its sides at least `min_side` long (None: its own size), or a smaller one where decoding
    would take more than `max_bytes`. Raises TooManyPixels where the smallest of all takes more.
    """
    width, height = image.size
    shorter = min(width, height)
    scale = next((s for s in SCALES if min_side is not None and shorter >= s * min_side), 1)
    for smaller in sorted(SCALES):
        needed = cost.coefficients + BYTES_PER_PIXEL * -(-width // smaller) * -(-height // smaller)
        if smaller >= scale and needed <= max_bytes:
            return smaller
    raise TooManyPixels(
        f"a progressive JPEG of {width * height:,} pixels takes too much memory; save it again without progression"
    )


def profile(image: JpegImageFile, exif: Image.Exif | None) -> bytes | None:
    """The ICC profile of its colours; None for sRGB.

    A camera that is set to Adobe RGB need not embed a profile: it says so by DCF's R03, or an EXIF colour space of 2.
    """
    embedded: bytes | None = image.info.get("icc_profile")
    if embedded or exif is None or image.mode != "RGB":
        return embedded
    try:
        index = str(exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex, ""))
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
    except Exception:  # damaged EXIF raises nearly every type, and does not hurt the picture
        return None
    return adobe_rgb() if space == 2 or (space != 1 and index.startswith("R03")) else None


def mended(data: bytes) -> tuple[bytes, ...]:
    """The same picture as a sound file; several files where only their being equal shows that no pixel is missing.

    Without its end marker, a file may be whole or cut short. Two copies are made of it, which go on with different
    bits before they end: where they decode to the same pixels, none depends on what is missing. Empty where there is
    nothing to decode.
    """
    head, scan, frame = [b"\xff\xd8"], None, None
    for segment in segments(data):
        if segment.marker == _SCAN:
            scan = segment
        elif segment.marker in _FRAMES:
            frame = segment
        elif segment.marker not in _TABLES and not _is_sound(data, segment):
            continue
        head.append(struct.pack(">BBH", 0xFF, segment.marker, segment.end - segment.start + 2))
        head.append(data[segment.start : segment.end])
    if scan is None or frame is None:
        return ()
    end = data.find(_END, scan.end)
    if end >= 0:
        return (b"".join([*head, data[scan.end : end], _END]),)
    pixels = _ZEROS.sub(b"", data[scan.end :]).rstrip(b"\xff")
    start = b"".join([*head, pixels])
    if frame.marker in _PROGRESSIVE and not _refined(start, data[frame.start + 5]):
        return ()
    return start + _END, start + _OTHER_BITS + _END


def _is_sound(data: bytes, segment: Segment) -> bool:
    """Whether it is one that says something of the pixels, colours or orientation, and is long enough for it."""
    begin, least = _LENGTHS.get(segment.marker, (b"", 1 << 16))
    return data.startswith(begin, segment.start) and segment.end - segment.start >= least


def _refined(data: bytes, components: int) -> bool:
    """Whether the scans of a progressive JPEG bring every coefficient of every component to its last bit."""
    left: dict[int, set[int]] = {}
    for match in re.finditer(rb"\xff\xda", data):
        start = match.end() + 2
        count = data[start] if start < len(data) else 0
        rest = data[start + 1 + 2 * count : start + 4 + 2 * count]
        if len(rest) == 3 and rest[2] & 15 == 0:
            for component in data[start + 1 : start + 1 + 2 * count : 2]:
                left.setdefault(component, set(range(64))).difference_update(range(rest[0], rest[1] + 1))
    return len(left) == components and not any(left.values())
