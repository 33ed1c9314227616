"""Pictures with several faces as several items: one for each face."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from retrieval.embedder import Opener
from retrieval.errors import FaceMissing, ImageError
from retrieval.faces.opener import FaceOpener
from retrieval.images import RGB
from trainer.progress import Progress
from trainer.sources.base import Picture, Skipped

WORKERS = 2


def one_per_face(
    pictures: Sequence[Picture], opener: FaceOpener, progress: Progress
) -> tuple[list[Picture], list[Skipped]]:
    """Each picture as often as it has faces, largest first: ids `<id>`, `<id>#2`, ... And what cannot be used."""

    def count(picture: Picture) -> int | str:
        try:
            return opener.count(picture.path.read_bytes())
        except (ImageError, OSError) as error:
            return str(error)

    found: list[Picture] = []
    skipped: list[Skipped] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for done, (picture, faces) in enumerate(zip(pictures, pool.map(count, pictures), strict=True), start=1):
            progress(done, len(pictures))
            if isinstance(faces, str):
                skipped.append(Skipped(str(picture.path), faces))
                continue
            found.append(picture)
            found.extend(replace(picture, id=f"{picture.id}#{n}", face=n) for n in range(2, faces + 1))
    return found, skipped


def face_of(item_id: str) -> int:
    """Which face an item of `one_per_face` is, by its id."""
    number = item_id.rpartition("#")[2]
    return int(number) if "#" in item_id and number.isdecimal() else 1


def opener_of(picture: Picture, opener: Opener) -> Opener:
    """What opens this picture: for the second face of one and so on, that face alone."""
    if picture.face == 1 or not isinstance(opener, FaceOpener):
        return opener

    def open_face(data: bytes, side: int) -> RGB:
        crops = opener.crops(data, side)
        if len(crops) < picture.face:
            raise FaceMissing(f"face {picture.face} is wanted, but only {len(crops)} can be found")
        return crops[picture.face - 1]

    return open_face
