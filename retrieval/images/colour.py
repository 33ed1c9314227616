"""Colours of any colour space to sRGB, by the ICC profile that a file embeds.

A profile that is broken, or of another colour space than the pixels, is passed over, as browsers do: the pixels are
taken for sRGB then.
"""

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from retrieval.images.containers.png import MAX_PROFILE_BYTES

ToRgb = Callable[[Image.Image], Image.Image]
"""A picture without alpha, of the mode it was made for or RGBA of the same pixels, to RGB pixels in sRGB."""

_GREY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B"})
_STEPS = 9  # of each channel, where a profile is tried out
_BARELY = 1  # of 255 levels: a profile that changes no colour by more is that of sRGB
_CLASSES = frozenset({"mntr", "scnr", "prtr", "spac"})  # displays, cameras, printers, colour spaces

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))


def to_srgb(mode: str, profile: bytes | None) -> ToRgb:
    """How pixels of one of Pillow's modes become sRGB, given the ICC profile of their colours."""
    if mode == "LAB":
        return _applied(ImageCms.buildTransform(_LAB, _SRGB, "LAB", "RGB"), "LAB")
    conversion = _transform(profile) if profile is not None and len(profile) <= MAX_PROFILE_BYTES else None
    if conversion is not None:
        transform, own_mode = conversion
        if mode == own_mode or (mode in _GREY and own_mode in {"L", "RGB"}) or (mode != "CMYK" and own_mode == "RGB"):
            return _applied(transform, own_mode)
    return lambda picture: picture.convert("RGB")


def _applied(transform: ImageCms.ImageCmsTransform, mode: str) -> ToRgb:
    return lambda picture: transform.apply(picture if picture.mode == mode else picture.convert(mode))


@lru_cache(8)
def _transform(profile: bytes) -> tuple[ImageCms.ImageCmsTransform, str] | None:
    """The transform to sRGB and the mode that it takes; None for a profile that is broken, unknown, or sRGB itself."""
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(opened.profile.xcolor_space.strip())
        if mode is None or opened.profile.device_class not in _CLASSES:
            return None
        transform = ImageCms.buildTransform(opened, _SRGB, mode, "RGB")
        return None if mode == "RGB" and _changes_nothing(transform) else (transform, mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    levels = np.linspace(0, 255, _STEPS).astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    changed = np.asarray(transform.apply(Image.fromarray(colours)), np.int16)
    return bool(np.abs(changed - colours).max() <= _BARELY)
