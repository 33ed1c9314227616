"""POST /faces: the faces of a picture. Blocking: to be run in the pool."""

from api.errors import Refusal
from api.fetch.client import NOTHING, Downloads
from api.schemas.explore import FaceAnswer, FacesAnswer, Point
from api.schemas.search.request import PictureBody
from api.search.query import picture_of
from api.serving.snapshot import Snapshot
from retrieval import images
from retrieval.faces.detection import Face
from retrieval.faces.opener import FaceOpener
from retrieval.faces.quality import FaceQuality, quality_of

NO_FACES = "The model served compares whole pictures, and has nothing to find faces with."


def find_faces(snapshot: Snapshot, body: PictureBody, downloads: Downloads = NOTHING) -> FacesAnswer:
    """Raises Refusal, ImageError, ItemMissing, PictureMissing."""
    opener = snapshot.bundle.embedder.opener
    if not isinstance(opener, FaceOpener):
        raise Refusal("unsupported_by_model", NO_FACES)
    data = picture_of(snapshot, body, downloads)
    info = images.inspect(data, max_pixels=snapshot.pixel_limit)
    rgb = images.decode(data)
    faces = [_answer(number, face, quality_of(rgb, face)) for number, face in enumerate(opener.faces(data), start=1)]
    return FacesAnswer(width=info.width, height=info.height, faces=faces)


def _answer(number: int, face: Face, quality: FaceQuality) -> FaceAnswer:
    left, top, right, bottom = face.box.tolist()
    landmarks = None if face.landmarks is None else [Point(x=x, y=y) for x, y in face.landmarks.tolist()]
    return FaceAnswer(
        face=number,
        x=left,
        y=top,
        width=right - left,
        height=bottom - top,
        confidence=face.score,
        landmarks=landmarks,
        size=quality.size,
        blur=quality.blur,
        pose=quality.pose,
    )
