"""TIFF: the first page, and which of the many kinds of TIFF are no picture to look at: raw files and measurements."""

from io import BytesIO

from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    COMPRESSION,
    COMPRESSION_INFO,
    IMAGELENGTH,
    IMAGEWIDTH,
    MAX_SAMPLESPERPIXEL,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    ROWSPERSTRIP,
    SAMPLEFORMAT,
    SAMPLESPERPIXEL,
    STRIPOFFSETS,
    TILELENGTH,
    TILEOFFSETS,
    TILEWIDTH,
    ImageFileDirectory_v2,
    TiffImageFile,
)

from retrieval.errors import BrokenImage, UnsupportedFormat
from retrieval.images.foreign import RAW

_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706
_SENSOR = frozenset({32803, 34892})  # photometric interpretations of raw samples
_FLOATS = frozenset({3, 6})
_BITS = frozenset({1, 2, 4, 8, 12, 16})
_SEPARATE = 2
_WEBP = 50001  # for which Pillow's wheels have no decoder
_READ_AGAIN = "save it as TIFF or PNG with 8 bits a channel"


def first_page(data: bytes) -> ImageFileDirectory_v2:
    """The tags of the first page. Raises UnsupportedFormat, and what Pillow raises for damaged ones."""
    if data[8:10] == b"CR":
        raise UnsupportedFormat(f"this is a Canon CR2, {RAW}")
    is_big = b"\x2b" in data[2:4]
    if is_big and data.startswith(b"MM"):
        raise UnsupportedFormat(f"this is a BigTIFF in big-endian order, which is not read here; {_READ_AGAIN}")
    tags = ImageFileDirectory_v2(data[: 16 if is_big else 8])
    file = BytesIO(data)
    file.seek(tags.next)
    tags.load(file)
    return tags


def pixels_of(tags: ImageFileDirectory_v2) -> int:
    """How many pixels are decoded at once: those of the page, or of a tile that is larger."""
    page = _number(tags, IMAGEWIDTH) * _number(tags, IMAGELENGTH)
    return max(page, _number(tags, TILEWIDTH) * _number(tags, TILELENGTH))


def check_kind(tags: ImageFileDirectory_v2) -> None:
    """Raises UnsupportedFormat for what is no picture of at most 16 bits a channel."""
    is_preview = _SUB_IFDS in tags and _number(tags, _NEW_SUBFILE_TYPE) & 1 == 1  # the picture itself is elsewhere
    if _DNG_VERSION in tags or _number(tags, PHOTOMETRIC_INTERPRETATION) in _SENSOR or is_preview:
        raise UnsupportedFormat(f"this is {RAW}")
    bits, kinds = set(tags.get(BITSPERSAMPLE, (1,))), set(tags.get(SAMPLEFORMAT, (1,)))
    if kinds & _FLOATS:
        raise UnsupportedFormat(f"this TIFF holds measurements (floating point), no picture; {_READ_AGAIN}")
    channels = _number(tags, SAMPLESPERPIXEL)
    if (
        kinds != {1}
        or not bits <= _BITS
        or channels > MAX_SAMPLESPERPIXEL
        or (max(bits) > 8 and _number(tags, PLANAR_CONFIGURATION) == _SEPARATE)
    ):
        raise unsupported(tags)
    if tags.get(COMPRESSION, 1) not in COMPRESSION_INFO or tags.get(COMPRESSION) == _WEBP:
        raise UnsupportedFormat("this TIFF is compressed in a way that is not read here; save it with LZW or none")


def check_parts(tags: ImageFileDirectory_v2) -> None:
    """Raises BrokenImage where there are fewer strips or tiles than the page has: the rest would be left blank."""
    width, height = _number(tags, IMAGEWIDTH), _number(tags, IMAGELENGTH)
    if TILEWIDTH in tags:
        across, down = max(1, _number(tags, TILEWIDTH)), max(1, _number(tags, TILELENGTH))
        parts = -(-width // across) * -(-height // down)
    else:
        parts = -(-height // max(1, _number(tags, ROWSPERSTRIP, height)))
    if _number(tags, PLANAR_CONFIGURATION) == _SEPARATE:
        parts *= _number(tags, SAMPLESPERPIXEL, 1)
    places = tags.get(TILEOFFSETS if TILEWIDTH in tags else STRIPOFFSETS, ())
    if len(places) < parts:
        raise BrokenImage(
            f"this TIFF is damaged or cut short ({len(places)} parts of {parts} are there); save it again"
        )


def unsupported(tags: ImageFileDirectory_v2) -> UnsupportedFormat:
    """Says which kind of TIFF this is, that Pillow cannot read."""
    bits = tags.get(BITSPERSAMPLE, (1,))
    return UnsupportedFormat(
        f"this is a TIFF with {len(bits)} channels of {max(bits)} bits, of a kind that is not read here; {_READ_AGAIN}"
    )


def open_page(data: bytes, tags: ImageFileDirectory_v2) -> TiffImageFile:
    """The picture, its header read. Raises UnsupportedFormat, and what Pillow raises for damaged ones."""
    try:
        return TiffImageFile(BytesIO(data))
    except SyntaxError as error:
        if "pixel mode" in str(error):
            raise unsupported(tags) from error
        raise


def grey_of(tags: ImageFileDirectory_v2) -> tuple[int, bool]:
    """How many bits a grey sample has, and whether 0 is white, which Pillow turns around only in 8 bits and fewer."""
    bits = max(tags.get(BITSPERSAMPLE, (1,)))
    return bits, bits > 8 and _number(tags, PHOTOMETRIC_INTERPRETATION, 1) == 0


def _number(tags: ImageFileDirectory_v2, tag: int, usual: int = 0) -> int:
    value = tags.get(tag, usual)
    return value if isinstance(value, int) else usual
