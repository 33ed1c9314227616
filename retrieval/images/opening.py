"""A picture whose header is read and within the limits, with what its file says of colours and orientation.

Each format is given to its own reader, which is called directly rather than through Image.open: that would also warn of
pictures within our own limits, and give a JPEG with further pictures behind it to a reader that stumbles over damage in
those.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import pi_heif
from pi_heif import HeifImageFile
from PIL import ExifTags, Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.WebPImagePlugin import WebPImageFile

from retrieval.errors import BrokenImage, TooManyPixels
from retrieval.images.containers import bmp, gif, heif, jpeg, png, tiff
from retrieval.images.formats import AVIF, BMP, GIF, HEIC, JPEG, MAX_BYTES, PNG, PNM, TIFF, WEBP, Format
from retrieval.images.pixels import RGB, rgb_of
from retrieval.images.profiles import profile_of_codes

# Of a HEIC, nothing but its picture is read.
pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False

_PLAIN_PNM = re.compile(rb"P[123]")
_PNM_COMMENT = re.compile(rb"#[^\r\n]*")
_UPRIGHT = 1


@dataclass(frozen=True, slots=True)
class OpenedPicture:
    """A picture that is not decoded yet; what it means in `pixels.rgb_of`."""

    image: ImageFile
    profile: bytes | None = None
    orientation: int = _UPRIGHT
    unused_alpha: bool = False
    grey_bits: int = 16
    white_is_zero: bool = False
    cost: jpeg.Cost | None = None  # a JPEG's

    def decode(self, min_side: int | None) -> RGB:
        """Its pixels; `min_side` as in `images.decode`. Raises TooManyPixels, and what Pillow raises for damage."""
        if isinstance(self.image, JpegImageFile) and self.cost is not None:
            if self.cost.is_too_short:
                raise BrokenImage(
                    "this JPEG is damaged or cut short (most of it is missing); copy or download it again"
                )
            scale = jpeg.scale_of(self.image, min_side, self.cost, MAX_BYTES)
            width, height = self.image.size
            self.image.draft(None, (max(1, width // scale), max(1, height // scale)))
        self.image.load()
        return rgb_of(
            self.image,
            profile=self.profile,
            orientation=self.orientation,
            unused_alpha=self.unused_alpha,
            grey_bits=self.grey_bits,
            white_is_zero=self.white_is_zero,
        )


def open_picture(kind: Format, data: bytes, max_pixels: int) -> OpenedPicture:
    """Read the header. Raises TooManyPixels, UnsupportedFormat, and what Pillow raises for a damaged one."""
    return _OPENERS[kind](data, min(max_pixels, kind.max_pixels))


def check_pixels(pixels: int, allowed: int) -> None:
    """Raises TooManyPixels above what is allowed."""
    if pixels > allowed:
        raise TooManyPixels(f"{pixels:,} pixels where at most {allowed:,} are allowed; make a smaller copy of it")


def _checked(image: ImageFile, max_pixels: int) -> ImageFile:
    check_pixels(image.width * image.height, max_pixels)
    return image


def _open_jpeg(data: bytes, max_pixels: int) -> OpenedPicture:
    head = list(jpeg.segments(data))
    jpeg.check_kind(data, head)
    jpeg.check_end(data, head)
    image = JpegImageFile(BytesIO(data))
    _checked(image, max_pixels)
    exif = _exif(image)
    cost = jpeg.cost_of(image, data, head)
    jpeg.scale_of(image, 1, cost, MAX_BYTES)
    return OpenedPicture(image, jpeg.profile(image, exif), _orientation(exif), cost=cost)


def _open_png(data: bytes, max_pixels: int) -> OpenedPicture:
    chunks = png.split(data)
    png.check_end(chunks)
    image = _checked(PngImageFile(BytesIO(chunks.file())), max_pixels)
    if b"eXIf" in chunks.others:
        image.info["exif"] = b"Exif\0\0" + chunks.others[b"eXIf"]
    return OpenedPicture(image, png.profile(chunks.others), _orientation(_exif(image)))


def _open_webp(data: bytes, max_pixels: int) -> OpenedPicture:
    image = _checked(WebPImageFile(BytesIO(data)), max_pixels)
    return OpenedPicture(image, image.info.get("icc_profile"), _orientation(_exif(image)))


def _open_gif(data: bytes, max_pixels: int) -> OpenedPicture:
    first, profile = gif.first_picture(data)
    check_pixels(gif.frame_pixels(first), max_pixels)
    return OpenedPicture(_checked(GifImageFile(BytesIO(first)), max_pixels), profile)


def _open_bmp(data: bytes, max_pixels: int) -> OpenedPicture:
    check_pixels(bmp.pixels_of(data), max_pixels)
    return OpenedPicture(BmpImageFile(BytesIO(bmp.plain(data))), bmp.profile(data), unused_alpha=True)


def _open_heic(data: bytes, max_pixels: int) -> OpenedPicture:
    boxes = heif.read_boxes(data)
    check_pixels(boxes.pixels, max_pixels)
    image = _checked(HeifImageFile(BytesIO(data)), max_pixels)
    # What the boxes turn is turned by the reader, and EXIF only repeats it. Some programs write EXIF alone.
    orientation = 1 if boxes.is_turned else image.info.get("original_orientation") or 1
    return OpenedPicture(image, image.info.get("icc_profile") or _coded(boxes), _valid_orientation(orientation))


def _open_avif(data: bytes, max_pixels: int) -> OpenedPicture:
    boxes = heif.read_boxes(data)
    check_pixels(boxes.pixels, max_pixels)
    image = _checked(AvifImageFile(BytesIO(data)), max_pixels)
    return OpenedPicture(image, image.info.get("icc_profile") or _coded(boxes), _orientation(_exif(image)))


def _open_tiff(data: bytes, max_pixels: int) -> OpenedPicture:
    tags = tiff.first_page(data)
    tiff.check_kind(tags)
    check_pixels(tiff.pixels_of(tags), max_pixels)
    tiff.check_parts(tags)
    image = tiff.open_page(data, tags)  # it applies the orientation itself
    bits, white_is_zero = tiff.grey_of(tags)
    profile = image.info.get("icc_profile")
    return OpenedPicture(image, profile, unused_alpha=True, grey_bits=bits, white_is_zero=white_is_zero)


def _open_pnm(data: bytes, max_pixels: int) -> OpenedPicture:
    if _PLAIN_PNM.match(data):
        # Pillow copies the rest of a block for each comment in it: a megabyte of comments would take minutes.
        data = _PNM_COMMENT.sub(b"", data)
    return OpenedPicture(_checked(PpmImageFile(BytesIO(data)), max_pixels))


_OPENERS: dict[Format, Callable[[bytes, int], OpenedPicture]] = {
    JPEG: _open_jpeg,
    PNG: _open_png,
    WEBP: _open_webp,
    GIF: _open_gif,
    BMP: _open_bmp,
    HEIC: _open_heic,
    AVIF: _open_avif,
    TIFF: _open_tiff,
    PNM: _open_pnm,
}


def _coded(boxes: heif.Boxes) -> bytes | None:
    return (profile_of_codes(*boxes.colours) or None) if boxes.colours is not None else None


def _exif(image: ImageFile) -> Image.Exif | None:
    """The EXIF block; None where it cannot be read."""
    try:
        # Not image.getexif(): for a PNG that decodes all pixels in search of an EXIF block behind them.
        return Image.Image.getexif(image)
    except (OSError, SyntaxError, ValueError, struct.error):
        return None


def _orientation(exif: Image.Exif | None) -> int:
    """EXIF orientation 1 to 8; upright (1) where there is none or it cannot be read."""
    try:
        orientation = exif.get(ExifTags.Base.Orientation, _UPRIGHT) if exif is not None else _UPRIGHT
    except (OSError, SyntaxError, ValueError, struct.error):
        return _UPRIGHT
    return _valid_orientation(orientation)


def _valid_orientation(orientation: object) -> int:
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else _UPRIGHT
