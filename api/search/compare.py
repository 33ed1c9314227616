"""POST /compare: whether two pictures show the same. Blocking: to be run in the pool."""

import numpy as np

from api.errors import Refusal
from api.fetch.client import NOTHING, Downloads
from api.schemas.search.answer import Calibration
from api.schemas.search.compare import CompareAnswer, CompareBody, CompareForm
from api.schemas.search.request import SearchForm
from api.search.fields import within
from api.search.query import QueryInput, encode, pictures_sent, prepare
from api.serving.snapshot import Snapshot
from api.web.pictures import decode_base64
from retrieval.clusters import cosines_of, lengths_of

ONE_PICTURE = "Send exactly one of {names}."
FIELDS = ("file", "image_base64", "url", "id", "crop", "face")
OTHER = "other_"
OF_A_PART = ("crop: ", "face: ")


def compare(snapshot: Snapshot, body: CompareBody, downloads: Downloads = NOTHING) -> CompareAnswer:
    """Raises Refusal, which names the field that is wrong."""
    sides = [_prepared(snapshot, body, prefix, downloads) for prefix in ("", OTHER)]
    encoded = iter(encode(snapshot, [picture for side in sides for picture in side.pictures]))
    a, b = (side.vector([next(encoded) for _ in side.pictures]).astype(np.float64) for side in sides)
    cosine = cosines_of(np.array([a @ b]), lengths_of(a[None]) * lengths_of(b[None]))
    calibration, probability = snapshot.bundle.calibration, None
    if calibration is not None:
        probability = float(calibration.curve("cosine").probability(1 - cosine)[0])
    return CompareAnswer(
        bundle=snapshot.id,
        same=None if probability is None else probability >= body.min_precision,
        match_probability=probability,
        cosine=float(cosine[0]),
        euclidean=float(np.linalg.norm(a - b)),
        calibration=calibration and Calibration(meaning=calibration.meaning, pairs=calibration.pairs),
        query=sides[0].sent,
        other=sides[1].sent,
    )


def _prepared(snapshot: Snapshot, body: CompareBody, prefix: str, downloads: Downloads) -> QueryInput:
    """One of the two pictures, read. Raises Refusal, which names the field that is wrong."""
    side = _side(body, prefix)
    name = next(f"{prefix}{name}" for name in FIELDS if getattr(body, f"{prefix}{name}", None) is not None)
    try:
        with within(name):
            return prepare(snapshot, side, downloads)
    except Refusal as refusal:
        if (refusal.detail or "").startswith(OF_A_PART):
            raise Refusal(refusal.code, f"{prefix}{refusal.detail}") from refusal
        raise


def _side(body: CompareBody, prefix: str) -> SearchForm:
    """One of the two pictures, as a search with it. Raises Refusal unless there is exactly one."""
    fields = {name: getattr(body, f"{prefix}{name}") for name in FIELDS if name != "file"}
    if isinstance(body, CompareForm):
        fields["file"] = getattr(body, f"{prefix}file")
    query = SearchForm.model_construct(**fields)  # each field has been checked
    if pictures_sent(query) != 1:
        first = [f"{prefix}{name}" for name in FIELDS[:4]]
        raise Refusal("invalid_parameter", ONE_PICTURE.format(names=f"{', '.join(first[:3])} and {first[3]}"))
    if query.image_base64 is None:
        return query
    data = decode_base64(query.image_base64, f"{prefix}image_base64")
    return query.model_copy(update={"file": data, "image_base64": None})
