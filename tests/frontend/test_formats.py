"""The page knows the API by its URL alone, so it has its own words for the formats: they are those that are read."""

from frontend.formatting import ACCEPTED_FILES, BROWSER_FORMATS, FORMATS
from retrieval import images


def test_the_formats_are_those_that_are_read() -> None:
    assert FORMATS == images.SUPPORTED
    assert BROWSER_FORMATS == images.BROWSER_MEDIA_TYPES


def test_a_file_dialog_offers_them_all() -> None:
    offered = set(ACCEPTED_FILES.split(","))
    assert {kind.media_type for kind in images.FORMATS} <= offered
    without_media_type = [kind for kind in images.FORMATS if kind.name in {"HEIC", "AVIF", "TIFF", "PBM/PGM/PPM"}]
    extensions = {extension for kind in without_media_type for extension in kind.extensions}
    assert extensions == {each for each in offered if each.startswith(".")}
