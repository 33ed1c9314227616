"""POST /explain: which parts of two pictures make up their similarity. Blocking: to be run in the pool."""

import base64
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from api.errors import Refusal
from api.fetch.client import NOTHING, Downloads
from api.schemas.explore import ExplainAnswer, HeatMap
from api.schemas.search.request import Crop, ExplainBody
from api.search.fields import within
from api.search.query import crop_bytes, encoder_input, picture_of
from api.serving.snapshot import Snapshot
from retrieval import images
from retrieval.clusters import Doubles, Vectors, cosines_of, lengths_of
from retrieval.encoding.embedder import open_whole
from retrieval.encoding.encoder import OnnxEncoder
from retrieval.explanation import split
from retrieval.faces.spec import face_of
from retrieval.images import RGB

SIDE = 384
"""Longer side of an overlay, in pixels."""
FOR, AGAINST = (255, 60, 0), (0, 90, 255)
"""Colours of what adds to a similarity, and of what takes from it."""
STRONGEST = 0.75
"""How much of the picture the strongest cell covers."""


def overlay(rgb: RGB, grid: Doubles, strongest: float) -> bytes:
    """The file of a picture [height, width, 3] under its grid [h, w]; `strongest`: the size that is fully coloured."""
    scale = SIDE / max(rgb.shape[:2])
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    ground = images.resize(rgb, height, width).astype(np.float64)
    spread = Image.fromarray(grid.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    heat = np.asarray(spread, np.float64)[..., None] / (strongest or 1)
    cover = np.clip(np.abs(heat), 0, 1) * STRONGEST
    painted = ground * (1 - cover) + np.where(heat > 0, FOR, AGAINST) * cover
    buffer = BytesIO()
    Image.fromarray(painted.round().astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


NO_CELLS = "The model served gives no cells of a picture; train one that pools by the mean, in one network."
ANOTHER = "The item's vector is not that of its whole picture, so there is nothing to show on it."


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One of the two pictures: what is shown of it, and its cells [h, w, e]."""

    rgb: RGB
    cells: Vectors
    vector: Vectors


def explain(snapshot: Snapshot, body: ExplainBody, downloads: Downloads = NOTHING) -> ExplainAnswer:
    """Raises Refusal, ImageError, ItemMissing, PictureMissing."""
    with within("item"):
        item = snapshot.catalogue.get(body.item)
        stored = snapshot.store.get(item.id)
    face = body.face
    if face is None and body.id is not None and body.crop is None:
        face = _face_of(snapshot, body.id)
    query_side = _side(snapshot, picture_of(snapshot, body, downloads), body.crop, face)
    with within("item"):
        item_side = _side(snapshot, snapshot.picture(item), None, _face_of(snapshot, item.id))
    try:
        own = split(snapshot.bundle.embedder.projection, query_side.cells, query_side.vector, stored)
        its = split(snapshot.bundle.embedder.projection, item_side.cells, stored, query_side.vector)
    except ValueError as error:
        raise Refusal("unsupported_by_model", ANOTHER) from error
    strongest = float(max(np.abs(own).max(), np.abs(its).max()))
    a, b = query_side.vector.astype(np.float64), stored.astype(np.float64)
    cosine = cosines_of(np.array([a @ b]), lengths_of(a[None]) * lengths_of(b[None]))
    return ExplainAnswer(
        bundle=snapshot.id,
        cosine=float(cosine[0]),
        query=_map(query_side, own, strongest),
        item=_map(item_side, its, strongest),
    )


def _face_of(snapshot: Snapshot, item_id: str) -> int | None:
    """Which face of its picture an item is; None for the first, in place of which the whole picture may stand."""
    number = face_of(item_id, snapshot.bundle.manifest.faces)
    return number if number > 1 else None


def _side(snapshot: Snapshot, data: bytes, crop: Crop | None, face: int | None) -> _Side:
    embedder = snapshot.bundle.embedder
    if not isinstance(embedder.encoder, OnnxEncoder) or not embedder.encoder.has_cells:
        raise Refusal("unsupported_by_model", NO_CELLS)
    picture = encoder_input(snapshot, data, crop, face)
    embeddings, cells = embedder.encoder.encode_cells(picture[None])
    # A picture is shown in its own shape, as much of it as was looked at; a face as it was cut out.
    rgb = picture
    if embedder.opener is open_whole:
        rgb = images.decode(crop_bytes(snapshot, data, crop), min_side=SIDE)
        rgb = images.centre(rgb) if embedder.fit == "centre" else rgb
    return _Side(rgb, cells[0], embedder.projection.apply(embeddings)[0])


def _map(side: _Side, grid: Doubles, strongest: float) -> HeatMap:
    png = overlay(side.rgb, grid, strongest)
    return HeatMap(grid=grid.tolist(), overlay_png_base64=base64.b64encode(png).decode())
