"""Picture bytes -> RGB array, and back to a thumbnail: the only decoder and the only resizer of the project.

Training, gallery and query all pass through `decode` and `resize`, so that they see the same pixels. The
format is told by the content, never by a name, and only the reader of that one format is given the bytes.
"""

from retrieval.images.copies import Fit, arrange, arranged_side, centre, cut, resize, thumbnail
from retrieval.images.decoding import ImageInfo, decode, inspect
from retrieval.images.formats import (
    BROWSER_MEDIA_TYPES,
    EXTENSIONS,
    FORMATS,
    MAX_JPEG_PIXELS,
    MAX_PIXELS,
    SUPPORTED,
    Format,
)
from retrieval.images.pixels import RGB

__all__ = [
    "BROWSER_MEDIA_TYPES",
    "EXTENSIONS",
    "FORMATS",
    "MAX_JPEG_PIXELS",
    "MAX_PIXELS",
    "RGB",
    "SUPPORTED",
    "Fit",
    "Format",
    "ImageInfo",
    "arrange",
    "arranged_side",
    "centre",
    "cut",
    "decode",
    "inspect",
    "resize",
    "thumbnail",
]
