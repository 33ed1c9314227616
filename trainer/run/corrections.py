"""What people corrected in the catalogue, so that a run learns from it; the catalogue itself keeps it on its own."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from retrieval import bundle
from retrieval.catalogue import Catalogue, Corrected, Description
from retrieval.errors import BundleError
from trainer.sources.base import Picture


def read_corrections(artifacts: Path) -> Mapping[str, Corrected]:
    """The corrected items by id; none where nothing was published yet."""
    try:
        bundle.current(artifacts)
    except BundleError:
        return {}
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        return catalogue.corrections.all()


def corrected(pictures: Sequence[Picture], corrections: Mapping[str, Corrected]) -> tuple[list[Picture], int]:
    """The pictures with what people corrected of them, and of how many that is."""
    result = [_corrected(picture, corrections.get(picture.id)) for picture in pictures]
    return result, sum(picture.source is not None for picture in result)


def corrections_note(count: int) -> list[str]:
    """What is told of them; nothing where there are none."""
    if not count:
        return []
    return [
        f"Of {count} {'picture' if count == 1 else 'pictures'}, what people corrected counts, not what the source says."
    ]


def _corrected(picture: Picture, correction: Corrected | None) -> Picture:
    source = Description(picture.label, picture.attributes)
    if correction is None or (now := correction.over(source)) == source:
        return picture
    return replace(picture, label=now.label, attributes=now.attributes, source=source)
