"""The one list of formats: no two share an ending or a media type, and the documentation has the same."""

import re
from itertools import chain
from pathlib import Path

from retrieval import images

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "pictures.md"


def test_no_two_formats_share_an_ending_or_a_media_type() -> None:
    endings = list(chain.from_iterable(kind.extensions for kind in images.FORMATS))
    assert len(endings) == len(set(endings)) == len(images.EXTENSIONS)
    assert len({kind.media_type for kind in images.FORMATS}) == len(images.FORMATS)


def test_the_documentation_lists_them_with_their_limits() -> None:
    rows = re.findall(r"^\| ([\w/]+) \| (\..*?) \| ([\d,]+) \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [(kind.name, ", ".join(kind.extensions), f"{kind.max_pixels:,}") for kind in images.FORMATS]
