"""The gallery through the exported encoder: every picture, in order, in batches that do not show."""

from pathlib import Path

import numpy as np
import pytest

from retrieval.encoding.embedder import prepare
from retrieval.encoding.encoder import OnnxEncoder
from tests.retrieval.faces.test_yunet import spots
from tests.support.bundles import SIDE, picture, png, write_encoder
from tests.support.face_networks import yunet_stage
from trainer.data.loading import BATCH, embed_gallery, load_prepared, one_per_face
from trainer.errors import SourceError
from trainer.sources.base import Picture


@pytest.fixture
def encoder(tmp_path: Path) -> OnnxEncoder:
    write_encoder(tmp_path / "encoder.onnx")
    return OnnxEncoder((tmp_path / "encoder.onnx").read_bytes(), "encoder.onnx", threads=1)


@pytest.mark.parametrize("count", [1, BATCH, BATCH + 1])
def test_embeddings_are_those_of_each_picture_alone(count: int, encoder: OnnxEncoder, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(number))
    steps: list[tuple[int, int]] = []
    result = embed_gallery(
        [Picture(path.stem, path) for path in paths], encoder, lambda done, of: steps.append((done, of))
    )
    alone = [encoder.encode(prepare(path.read_bytes(), SIDE, SIDE)[None])[0] for path in paths]
    np.testing.assert_allclose(result, np.stack(alone), atol=1e-5)
    assert steps[-1] == (count, count)


@pytest.mark.parametrize("trouble", ["gone", "damaged"])
def test_a_picture_that_has_become_unreadable_stops_the_run(trouble: str, encoder: OnnxEncoder, tmp_path: Path) -> None:
    path = tmp_path / "0.jpg"
    if trouble == "damaged":
        path.write_bytes(b"overwritten")
    with pytest.raises(SourceError, match=r"0\.jpg could be read at the start of this run, but no longer"):
        load_prepared([Picture("0", path)], encoder)


def test_faces_of_group_photographs_with_their_quality(tmp_path: Path) -> None:
    """One picture with three faces, one with one, and one without any, which is told."""
    faces = {"party": ((80, 64), (240, 64), (400, 64)), "alone": ((80, 64),), "empty": ()}
    for name, places in faces.items():
        (tmp_path / f"{name}.png").write_bytes(png(spots(128, 480, *places)))
    pictures = [Picture(name, tmp_path / f"{name}.png", "x", {"face_blur": 0.1, "year": 7}) for name in faces]
    every, skipped = one_per_face(pictures, yunet_stage(which="all").opener("a test"), lambda *_: None)
    assert [(picture.id, picture.face) for picture in every] == [
        ("party", 1),
        ("party#2", 2),
        ("party#3", 3),
        ("alone", 1),
    ]
    assert all(
        picture.attributes == {"face_size": 64, "face_blur": 0.1, "face_pose": 0, "year": 7} for picture in every
    )
    assert [entry.place for entry in skipped] == [str(tmp_path / "empty.png")]
    largest, _ = one_per_face(pictures, yunet_stage().opener("a test"), lambda *_: None)
    assert [picture.id for picture in largest] == ["party", "alone"]
