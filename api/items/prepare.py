"""From a sent picture to the items it becomes, and their vectors under every bundle that is loaded."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from api.errors import Refusal
from api.items.replies import Ticket
from api.serving import backfill
from api.serving.batch_encoder import embed_all
from api.serving.snapshot import Snapshot
from retrieval import images, pictures
from retrieval.catalogue import Attribute, Item, is_id
from retrieval.clusters import Vectors
from retrieval.errors import ImageError
from retrieval.faces.opener import FaceOpener
from retrieval.faces.spec import face_of
from retrieval.images import RGB

logger = logging.getLogger(__name__)

FACES = "id: one that ends in # and a number stands for a further face of a picture; choose another one."
LONG_ID = "id: each face of the picture is an item of its own, with # and a number at its end; choose a shorter one."


@dataclass(frozen=True, slots=True)
class NewItem:
    """What was sent: the file of a picture, and what is said of it."""

    data: bytes
    id: str | None
    label: str | None
    attributes: Mapping[str, Attribute]
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A picture and the items that it becomes: one, or where every face is an item, one for each."""

    data: bytes
    items: tuple[Item, ...]
    ticket: Ticket | None
    described: frozenset[str] = frozenset()
    """The names of the attributes that were sent; others tell the quality of the item's face."""

    @property
    def first(self) -> Item:
        """The one of the id that was asked for."""
        return self.items[0]


def arrival_of(snapshot: Snapshot, new: NewItem) -> Arrival:
    """Look at what was sent; no pixel is decoded but to find faces. Raises ImageError, Refusal."""
    info = images.inspect(new.data, max_pixels=snapshot.pixel_limit)
    digest = sha256(new.data).hexdigest()
    own_id = new.id if new.id is not None else digest[:32]
    opener = snapshot.bundle.embedder.opener
    if face_of(own_id, snapshot.bundle.manifest.faces) != 1:
        raise Refusal("invalid_parameter", FACES)
    faces = [face.attributes() for face in opener.qualities(new.data)] if isinstance(opener, FaceOpener) else []
    qualities: Sequence[Mapping[str, Attribute]] = faces or [{}]
    ids = [own_id, *(f"{own_id}#{number}" for number in range(2, len(qualities) + 1))]
    if not is_id(ids[-1]):
        raise Refusal("invalid_parameter", LONG_ID)
    location = pictures.location_of(digest, info.media_type)
    return Arrival(
        new.data,
        tuple(
            Item(
                each,
                location,
                digest,
                info.media_type,
                info.width,
                info.height,
                new.label,
                {**quality, **new.attributes},
                "api",
            )
            for each, quality in zip(ids, qualities, strict=True)
        ),
        new.ticket,
        frozenset(new.attributes),
    )


def shows_all_faces(snapshot: Snapshot) -> bool:
    """Whether every face of a picture is an item."""
    faces = snapshot.bundle.manifest.faces
    return faces is not None and faces.which == "all"


def encoder_inputs(snapshot: Snapshot, arrival: Arrival) -> list[RGB]:
    """What is encoded of each of its items. Raises ImageError."""
    return [backfill.encoder_input(snapshot, item, arrival.data) for item in arrival.items]


def vectors_beside(snapshot: Snapshot, arrivals: Sequence[Arrival]) -> dict[str, Vectors]:
    """By id, the vectors under a bundle that is not the live one. Items that it cannot embed are left out, and logged.

    Such as a picture without a face, where that one compares faces.
    """
    ids, ready = [], []
    for arrival in arrivals:
        for item in arrival.items:
            try:
                ready.append(backfill.encoder_input(snapshot, item, arrival.data))
                ids.append(item.id)
            except ImageError as error:
                logger.info("an added item gets no vector under %s: %s", snapshot.id, error)
    return dict(zip(ids, embed_all(snapshot.bundle.embedder, ready, snapshot.together), strict=True))
