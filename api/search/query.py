"""From what is asked to the vector that is searched with: decode, crop, find the face, encode, blend.

In three steps, so that the pictures of many questions can be encoded together: `prepare` reads the pictures, `encode`
makes vectors of them, and `vector` the query of those. Blocking: to be run in the pool.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

import numpy as np

from api.errors import Refusal
from api.fetch.client import Downloads
from api.schemas.search.answer import Query
from api.schemas.search.request import Crop, ExplainForm, PictureBody, PictureForm, SearchBody, SearchForm
from api.search.fields import within
from api.serving.batch_encoder import embed_all
from api.serving.query_cache import name_of
from api.serving.snapshot import Snapshot
from api.web.pictures import picture_bytes
from retrieval import images
from retrieval.clusters import Vectors
from retrieval.faces.opener import FaceOpener
from retrieval.images import RGB
from retrieval.vectors.blending import blend

ONE_QUERY = "Send exactly one of file, image_base64, url, id, items, text and cursor."
ONE_PICTURE_SENT = "Send exactly one of file, image_base64, url and id."
ONE_PICTURE = "crop and face are of one picture; with items, send each picture cut already."
NO_FACES = "face: the model served compares whole pictures; leave face out, or send a crop."
CANCELLED = "items: they cancel each other out, so there is nothing to search with; change the weights."


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is to be encoded, and the name by which its vector is remembered."""

    rgb: RGB
    name: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One thing to search with: a prepared picture, or a vector that is stored or remembered."""

    weight: float
    picture: Picture | None = None
    stored: Vectors | None = None


@dataclass(frozen=True, slots=True)
class QueryInput:
    """What is searched with, its pictures not yet encoded."""

    sources: tuple[Source, ...]
    query_ids: tuple[str, ...]
    """The ids of items among them."""
    sent: Query | None
    """What was sent, if it is one picture."""

    @property
    def pictures(self) -> list[Picture]:
        """What is to be encoded."""
        return [source.picture for source in self.sources if source.picture is not None]

    def vector(self, encoded: Sequence[Vectors]) -> Vectors:
        """The query float32 [d], of its pictures' vectors. Raises Refusal if they cancel out."""
        waiting = iter(encoded)
        vectors = [source.stored if source.stored is not None else next(waiting) for source in self.sources]
        if len(vectors) == 1 and self.sources[0].weight == 1:
            return vectors[0]
        try:
            return blend(np.stack(vectors), np.array([source.weight for source in self.sources]))
        except ValueError as error:
            raise Refusal("invalid_parameter", CANCELLED) from error


def prepare(snapshot: Snapshot, body: SearchBody, downloads: Downloads) -> QueryInput:
    """Read what is asked. Raises Refusal, ImageError, ItemMissing, VectorMissing, PictureMissing."""
    file = body.file if isinstance(body, SearchForm) else None
    if pictures_sent(body) != 1:
        raise Refusal("invalid_parameter", ONE_QUERY)
    if body.items is not None:
        return _of_items(snapshot, body, downloads)
    if body.id is not None:
        item = snapshot.catalogue.get(body.id)
        if body.crop is None and body.face is None:
            return QueryInput((Source(1, stored=snapshot.store.get(item.id)),), (item.id,), None)
        return QueryInput((_source(snapshot, snapshot.picture(item), body.crop, body.face),), (item.id,), None)
    data = picture_bytes(file, body.image_base64, body.url, downloads)
    info = images.inspect(data, max_pixels=snapshot.pixel_limit)
    sent = Query(width=info.width, height=info.height, sha256=sha256(data).hexdigest())
    return QueryInput((_source(snapshot, data, body.crop, body.face),), (), sent)


def pictures_sent(body: SearchBody) -> int:
    """How many of the fields that say what to search with were sent, the cursor apart."""
    file = body.file if isinstance(body, SearchForm) else None
    return sum(field is not None for field in (file, body.image_base64, body.url, body.id, body.items, body.text))


def encode(snapshot: Snapshot, pictures: Sequence[Picture]) -> list[Vectors]:
    """The vectors of prepared pictures, in their order; they are remembered."""
    vectors = embed_all(snapshot.queries, [picture.rgb for picture in pictures], snapshot.together)
    for picture, vector in zip(pictures, vectors, strict=True):
        snapshot.query_cache.put(picture.name, vector)
    return vectors


def picture_of(snapshot: Snapshot, body: PictureBody, downloads: Downloads) -> bytes:
    """The file of the one picture that is sent or named. Raises Refusal, ItemMissing, PictureMissing."""
    file = body.file if isinstance(body, PictureForm | ExplainForm) else None
    if sum(field is not None for field in (file, body.image_base64, body.url, body.id)) != 1:
        raise Refusal("invalid_parameter", ONE_PICTURE_SENT)
    if body.id is not None:
        return snapshot.picture(snapshot.catalogue.get(body.id))
    return picture_bytes(file, body.image_base64, body.url, downloads)


def encoder_input(snapshot: Snapshot, data: bytes, crop: Crop | None, face: int | None) -> RGB:
    """What is encoded of a picture. Raises ImageError, and Refusal for a face where whole pictures are compared."""
    data = crop_bytes(snapshot, data, crop)
    embedder = snapshot.bundle.embedder
    if face is None:
        return embedder.prepare(data)
    if not isinstance(embedder.opener, FaceOpener):
        raise Refusal("invalid_parameter", NO_FACES)
    return embedder.prepare(data, partial(embedder.opener.crop, number=face))


def crop_bytes(snapshot: Snapshot, data: bytes, crop: Crop | None) -> bytes:
    """The part of a picture that is meant, within this server's limit of pixels. Raises ImageError."""
    images.inspect(data, max_pixels=snapshot.pixel_limit)
    if crop is None:
        return data
    return images.cut(data, crop.x, crop.y, crop.width, crop.height, max_pixels=snapshot.pixel_limit)


def _source(snapshot: Snapshot, data: bytes, crop: Crop | None, face: int | None, weight: float = 1) -> Source:
    """A picture that was sent: its vector where it is remembered, and else what is to be encoded."""
    name = name_of(data, (crop, face))
    cached_vector = snapshot.query_cache.get(name)
    if cached_vector is not None:
        return Source(weight, stored=cached_vector)
    return Source(weight, picture=Picture(encoder_input(snapshot, data, crop, face), name))


def _of_items(snapshot: Snapshot, body: SearchBody, downloads: Downloads) -> QueryInput:
    if body.crop is not None or body.face is not None:
        raise Refusal("invalid_parameter", ONE_PICTURE)
    sources = []
    for number, part in enumerate(body.items or ()):
        name = next(name for name in ("id", "url", "image_base64") if getattr(part, name) is not None)
        with within(f"items[{number}].{name}"):
            if part.id is None:
                data = picture_bytes(None, part.image_base64, part.url, downloads, f"items[{number}].{name}")
                sources.append(_source(snapshot, data, None, None, part.weight))
            else:
                item = snapshot.catalogue.get(part.id)
                sources.append(Source(part.weight, stored=snapshot.store.get(item.id)))
    query_ids = tuple(part.id for part in body.items or () if part.id is not None)
    return QueryInput(tuple(sources), query_ids, None)
