"""Pictures through an encoder: one by one as items, face by face, and as a whole gallery.

The gallery goes through the exported encoder: the very file and code that queries go through later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from retrieval import images
from retrieval.encoding.embedder import Embedder, Opener, open_whole, prepare
from retrieval.encoding.encoder import Encoder
from retrieval.errors import FaceMissing, ImageError
from retrieval.faces.opener import FaceOpener
from retrieval.faces.quality import FaceQuality
from retrieval.images import RGB, Fit, ImageInfo
from trainer.data.input_shape import InputShape
from trainer.errors import SourceError
from trainer.progress import Progress
from trainer.sources.base import Picture, Skipped
from trainer.threads import map_ahead

BATCH = 32  # pictures encoded at once


def one_per_face(
    pictures: Sequence[Picture], opener: FaceOpener, progress: Progress
) -> tuple[list[Picture], list[Skipped]]:
    """Each picture once for each face that is wanted, largest first: `<id>`, `<id>#2`, ... And what cannot be used.

    The quality of a face stands in attributes, unless the source says something else of these names.
    """

    def look(picture: Picture) -> list[FaceQuality] | str:
        try:
            return opener.qualities(picture.path.read_bytes())
        except (ImageError, OSError) as error:
            return str(error)

    faces_of_pictures: list[Picture] = []
    skipped: list[Skipped] = []
    for done, (picture, faces) in enumerate(zip(pictures, map_ahead(look, pictures), strict=True), start=1):
        progress(done, len(pictures))
        if isinstance(faces, str):
            skipped.append(Skipped(picture.place, faces))
            continue
        for number, quality in enumerate(faces, start=1):
            attributes = {**quality.attributes(), **picture.attributes}
            item_id = picture.id if number == 1 else f"{picture.id}#{number}"
            faces_of_pictures.append(replace(picture, id=item_id, face=number, attributes=attributes))
        if not faces:  # used whole
            faces_of_pictures.append(picture)
    return faces_of_pictures, skipped


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


def read_again(picture: Picture, side: int, opener: Opener) -> RGB:
    """A picture that has been read before. Raises SourceError when it has become unreadable meanwhile."""
    try:
        return opener_of(picture, opener)(picture.path.read_bytes(), side)
    except (OSError, ImageError) as error:
        raise SourceError(
            f"{picture.path} could be read at the start of this run, but no longer: {error}. "
            "Leave the pictures alone and run again; what was computed is kept."
        ) from error


def load_prepared(
    pictures: Sequence[Picture], encoder: Encoder, opener: Opener = open_whole, fit: Fit = "whole"
) -> list[RGB]:
    """Pictures ready for the encoder. Raises SourceError as `read_again`."""
    shape = InputShape(encoder.height, encoder.width, fit)

    def load(picture: Picture) -> RGB:
        return shape.arranged(read_again(picture, shape.side, opener))

    return list(map_ahead(load, pictures))


def embed_gallery(
    pictures: Sequence[Picture],
    encoder: Encoder,
    progress: Progress,
    opener: Opener = open_whole,
    fit: Fit = "whole",
) -> NDArray[np.float32]:
    """Embeddings float32 [n, e] of the pictures, in order."""
    parts = []
    for start in range(0, len(pictures), BATCH):
        parts.append(encoder.encode(np.stack(load_prepared(pictures[start : start + BATCH], encoder, opener, fit))))
        progress(min(start + BATCH, len(pictures)), len(pictures))
    return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class EmbeddedPictures:
    """The pictures that could be read with their vectors float32 [n, d], in order, and those that could not.

    `digests` are the SHA-256 of their files, `infos` what these say of themselves.
    """

    pictures: Sequence[Picture]
    vectors: NDArray[np.float32]
    digests: Sequence[str]
    skipped: Sequence[Skipped]
    infos: Sequence[ImageInfo] = ()


def embed_readable(pictures: Sequence[Picture], embedder: Embedder, progress: Progress) -> EmbeddedPictures:
    """Read and embed pictures, a batch in memory at a time. One that cannot be used is skipped, with the reason."""

    def load(picture: Picture) -> tuple[RGB, str, ImageInfo] | Skipped:
        try:
            data = picture.path.read_bytes()
            info, encoder = images.inspect(data), embedder.encoder
            prepared = prepare(data, encoder.height, encoder.width, opener_of(picture, embedder.opener), embedder.fit)
            return prepared, sha256(data).hexdigest(), info
        except OSError as error:
            return Skipped(picture.place, error.strerror or str(error))
        except ImageError as error:
            return Skipped(picture.place, str(error))

    embedded: list[Picture] = []
    digests: list[str] = []
    infos: list[ImageInfo] = []
    skipped: list[Skipped] = []
    vectors = [np.empty((0, embedder.projection.dims), np.float32)]
    inputs: list[RGB] = []
    for done, (picture, loaded) in enumerate(zip(pictures, map_ahead(load, pictures), strict=True), start=1):
        if isinstance(loaded, Skipped):
            skipped.append(loaded)
        else:
            inputs.append(loaded[0])
            digests.append(loaded[1])
            infos.append(loaded[2])
            embedded.append(picture)
        if inputs and (len(inputs) == BATCH or done == len(pictures)):
            vectors.append(embedder.embed(inputs))
            inputs = []
        progress(done, len(pictures))
    return EmbeddedPictures(embedded, np.concatenate(vectors), digests, skipped, infos)
