"""Picture bytes to face crops: what stands in the Embedder in place of the plain decoder."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock

import numpy as np

from retrieval import images
from retrieval.errors import FaceMissing
from retrieval.faces.alignment import similarity, square, warp
from retrieval.faces.detection import Detector, Face, find_faces
from retrieval.faces.haar import Haar
from retrieval.faces.mtcnn import NETWORKS, Mtcnn
from retrieval.faces.quality import FaceQuality, quality_of
from retrieval.faces.spec import FaceSpec
from retrieval.faces.yolo import Yolo
from retrieval.faces.yunet import YuNet
from retrieval.images import RGB

MODELS = {"haar": ("haar",), "mtcnn": tuple(NETWORKS), "yunet": ("yunet",), "yolo": ("yolo",)}
"""The model files that each detector needs, by name."""

MEMORY = 50_000
"""Faces that are remembered, some 30 MB; a picture without any counts as one. A gallery is looked at several times."""


@dataclass(frozen=True, slots=True)
class FaceStage:
    """What a bundle carries: how faces are cut out, and the detector's files (see MODELS) by name."""

    spec: FaceSpec
    models: Mapping[str, bytes]

    def opener(self, where: str, *, threads: int = 0) -> "FaceOpener":
        """`where` names the files in errors; `threads` as in OnnxEncoder. Raises BundleDamaged."""
        if self.spec.detector == "haar":
            return FaceOpener(self.spec, Haar(self.models["haar"], where))
        if self.spec.detector == "yunet":
            return FaceOpener(self.spec, YuNet(self.models["yunet"], where))
        if self.spec.detector == "yolo":
            return FaceOpener(self.spec, Yolo(self.models["yolo"], where, threads=threads))
        return FaceOpener(self.spec, Mtcnn(self.models, where, threads=threads))


class FaceOpener:
    """An Opener (see retrieval.encoding.embedder) that gives the largest face. Safe to call from several threads."""

    def __init__(self, spec: FaceSpec, detector: Detector) -> None:
        self._spec = spec
        self._detector = detector
        self._remembered: dict[bytes, tuple[Face, ...]] = {}
        self._held = 0
        self._lock = Lock()

    def __call__(self, data: bytes, side: int) -> RGB:
        """The largest face as uint8 [side, side, 3]; without any, as `missing` says: the whole picture or FaceMissing.

        Raises ImageError.
        """
        rgb, faces = self._find(data)
        return self._crop(rgb, faces[0], side) if faces else rgb

    def crops(self, data: bytes, side: int) -> list[RGB]:
        """What `which` asks for: the largest face or all of them, largest first; else as in a call."""
        rgb, faces = self._find(data)
        return [self._crop(rgb, face, side) for face in faces] or [rgb]

    def faces(self, data: bytes) -> list[Face]:
        """Every face of a picture, largest first, whatever `which` says; there may be none. Raises ImageError."""
        return self._faces_in(data)

    def qualities(self, data: bytes) -> list[FaceQuality]:
        """Of each face that `crops` gives, in its order; none where the whole picture is used. Raises ImageError."""
        rgb, faces = self._find(data)
        return [quality_of(rgb, face) for face in faces]

    def crop(self, data: bytes, side: int, number: int) -> RGB:
        """The face of this number in `faces`, 1 for the largest, as in a call. Raises FaceMissing if it has no such."""
        rgb = images.decode(data)
        faces = self._faces_in(data, rgb)
        if number > len(faces):
            raise FaceMissing(f"the picture has {len(faces)} faces, and so no face {number}; name one of those")
        return self._crop(rgb, faces[number - 1], side)

    def count(self, data: bytes) -> int:
        """How many `crops` there are. Raises ImageError."""
        _rgb, faces = self._find(data)
        return max(1, len(faces))

    def _faces_in(self, data: bytes, rgb: RGB | None = None) -> list[Face]:
        """The faces of a picture; those of the last pictures are remembered by what their files hold."""
        digest = blake2b(data, digest_size=16).digest()
        with self._lock:
            remembered = self._remembered.get(digest)
        if remembered is None:
            pixels = images.decode(data) if rgb is None else rgb
            remembered = tuple(find_faces(self._detector, pixels, self._spec.min_size))
            self._remember(digest, remembered)
        return list(remembered)

    def _remember(self, digest: bytes, faces: tuple[Face, ...]) -> None:
        with self._lock:
            if digest in self._remembered:  # another thread was faster
                return
            self._remembered[digest] = faces
            self._held += max(1, len(faces))
            while self._held > MEMORY:
                self._held -= max(1, len(self._remembered.pop(next(iter(self._remembered)))))

    def _find(self, data: bytes) -> tuple[RGB, list[Face]]:
        rgb = images.decode(data)
        faces = self._faces_in(data, rgb)
        if not faces and self._spec.missing == "skip":
            raise FaceMissing(
                f"no face of at least {self._spec.min_size} pixels was found; "
                "use a picture that shows one upright, from the front and sharp"
            )
        return rgb, faces if self._spec.which == "all" else faces[:1]

    def _crop(self, rgb: RGB, face: Face, side: int) -> RGB:
        template = self._spec.template
        if template is None or face.landmarks is None:
            return warp(rgb, square(face.box, self._spec.margin, side), side)
        # Scaled about the corner of the first pixel, whose centre is half a pixel further in.
        targets = (np.array(template.points) + 0.5) * (side / template.side) - 0.5
        return warp(rgb, similarity(face.landmarks, targets), side)
