"""The one list of formats of pictures, in the code that reads them, in the documentation and on the page.

The page knows the API by its URL alone, so it has its own words for the formats.
"""

import re
from itertools import chain
from pathlib import Path

from frontend.formatting import ACCEPTED_FILES, BROWSER_FORMATS, FORMATS
from retrieval import images

REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "pictures.md"


def test_no_two_formats_share_an_ending_or_a_media_type() -> None:
    endings = list(chain.from_iterable(kind.extensions for kind in images.FORMATS))
    assert len(endings) == len(set(endings)) == len(images.EXTENSIONS)
    assert len({kind.media_type for kind in images.FORMATS}) == len(images.FORMATS)


def test_the_documentation_lists_them_with_their_limits() -> None:
    rows = re.findall(r"^\| ([\w/]+) \| (\..*?) \| ([\d,]+) \|", REFERENCE.read_text(), re.MULTILINE)
    assert rows == [(kind.name, ", ".join(kind.extensions), f"{kind.max_pixels:,}") for kind in images.FORMATS]


def test_the_page_names_those_that_are_read() -> None:
    assert FORMATS == images.SUPPORTED
    assert BROWSER_FORMATS == images.BROWSER_MEDIA_TYPES


def test_a_file_dialog_offers_them_all() -> None:
    offered = set(ACCEPTED_FILES.split(","))
    assert {kind.media_type for kind in images.FORMATS} <= offered
    without_media_type = [kind for kind in images.FORMATS if kind.name in {"HEIC", "AVIF", "TIFF", "PBM/PGM/PPM"}]
    extensions = {extension for kind in without_media_type for extension in kind.extensions}
    assert extensions == {each for each in offered if each.startswith(".")}
