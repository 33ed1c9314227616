"""The gallery through the exported encoder: every picture, in order, in batches that do not show."""

from pathlib import Path

import numpy as np
import pytest

from retrieval.embedder import prepare
from retrieval.encoder import OnnxEncoder
from tests.bundles import SIDE, picture, write_encoder
from trainer.data.loading import BATCH, embed_gallery, load_prepared
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
    told: list[tuple[int, int]] = []
    result = embed_gallery(
        [Picture(path.stem, path) for path in paths], encoder, lambda done, of: told.append((done, of))
    )
    alone = [encoder.encode(prepare(path.read_bytes(), SIDE, SIDE)[None])[0] for path in paths]
    np.testing.assert_allclose(result, np.stack(alone), atol=1e-5)
    assert told[-1] == (count, count)


@pytest.mark.parametrize("trouble", ["gone", "damaged"])
def test_a_picture_that_has_become_unreadable_stops_the_run(trouble: str, encoder: OnnxEncoder, tmp_path: Path) -> None:
    path = tmp_path / "0.jpg"
    if trouble == "damaged":
        path.write_bytes(b"overwritten")
    with pytest.raises(SourceError, match=r"0\.jpg could be read at the start of this run, but no longer"):
        load_prepared([Picture("0", path)], encoder)
