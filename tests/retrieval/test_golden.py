"""The golden bundle of each format version: kept for ever, still loading, still giving the same vectors."""

import json
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from retrieval import bundle
from retrieval.clusters import Vectors
from retrieval.encoding.embedder import Embedder
from retrieval.errors import BundleError, FaceMissing
from retrieval.images import decode, resize
from tests.support.bundles import SIDE, picture, portrait
from tests.support.marks import examples

GOLDEN = Path(__file__).parent.parent / "golden"
BUNDLES = sorted(GOLDEN.glob("golden-v*"))
PICTURES = sorted(path for path in (GOLDEN / "pictures").iterdir() if path.suffix != ".json")
PORTRAITS = sorted(path for path in (GOLDEN / "portraits").iterdir() if path.suffix != ".json")


def embedder_of(name: str) -> Embedder:
    return bundle.load(GOLDEN / name).embedder


def expected(path: Path) -> Vectors:
    return np.array(json.loads(path.with_name("vectors.json").read_text())[path.name], np.float32)


@pytest.mark.parametrize("golden", BUNDLES, ids=lambda path: path.name)
def test_every_format_version_ever_written_still_loads(golden: Path) -> None:
    manifest = bundle.verify(golden)
    assert golden.name == f"golden-v{manifest.format_version}"


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_canonical_vectors_from_bytes_and_from_arrays(path: Path) -> None:
    embedder = embedder_of("golden-v1")
    data = path.read_bytes()
    from_bytes = embedder.embed([embedder.prepare(data)])[0]
    from_array = embedder.embed([resize(decode(data), SIDE, SIDE)])[0]
    np.testing.assert_allclose(from_bytes, expected(path), atol=2e-5)
    np.testing.assert_array_equal(from_bytes, from_array)


@pytest.mark.parametrize("path", PORTRAITS, ids=lambda path: path.name)
def test_canonical_vectors_of_faces(path: Path) -> None:
    """Of the crop, not of the whole picture; a pixel may be rounded differently on another processor."""
    embedder = embedder_of("golden-v2")
    vector = embedder.embed([embedder.prepare(path.read_bytes())])[0]
    whole = embedder_of("golden-v1").prepare(path.read_bytes())
    np.testing.assert_allclose(vector, expected(path), atol=1e-3)
    assert np.abs(embedder.embed([whole])[0] - vector).max() > 0.01


def test_what_the_second_version_says_of_itself() -> None:
    manifest = bundle.read_manifest(GOLDEN / "golden-v2")
    assert (manifest.encoder.stage, manifest.encoder.precision) == ("finetune", "int8")
    assert manifest.split == {"by": "image", "share": 0.2}
    assert manifest.faces is not None
    assert (manifest.faces.detector, manifest.faces.missing) == ("haar", "skip")
    assert "report/index.html" in manifest.files
    with pytest.raises(FaceMissing, match="at least 36 pixels"):
        embedder_of("golden-v2").prepare(portrait(0, face=False))


def test_what_the_third_version_says_of_itself() -> None:
    golden = bundle.load(GOLDEN / "golden-v3")
    assert {"calibration.npz", "report/index.html", "report/lonely.csv"} <= set(golden.manifest.files)
    assert golden.calibration is not None
    assert (golden.calibration.meaning, golden.calibration.pairs) == ("label", 340)
    near, far = golden.calibration.cosine.probability(np.array([0.1, 2]))
    assert (near, far) == (pytest.approx(0.8), 0)
    assert golden.calibration.euclidean.reach(0.5) == pytest.approx(0.5)
    assert bundle.load(GOLDEN / "golden-v2").calibration is None


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_the_third_version_embeds_as_the_first(path: Path) -> None:
    embedder = embedder_of("golden-v3")
    np.testing.assert_allclose(embedder.embed([embedder.prepare(path.read_bytes())])[0], expected(path), atol=2e-5)


def test_a_picture_embeds_the_same_alone_and_in_company() -> None:
    embedder = embedder_of("golden-v1")
    prepared = [embedder.prepare(path.read_bytes()) for path in PICTURES]
    together = embedder.embed(prepared)
    for row, one in enumerate(prepared):
        np.testing.assert_allclose(embedder.embed([one])[0], together[row], atol=1e-6)


def test_projection_is_the_formula_of_the_contract() -> None:
    embedder = embedder_of("golden-v1")
    prepared = np.stack([embedder.prepare(path.read_bytes()) for path in PICTURES])
    mean, components = embedder.projection.mean, embedder.projection.components
    embeddings = embedder.encoder.encode(prepared).astype(np.float64)
    vectors = [(e / np.sqrt((e**2).sum()) - mean) @ components.T for e in embeddings]
    np.testing.assert_allclose(embedder.embed(list(prepared)), vectors, atol=1e-5)


@settings(max_examples=examples(300), deadline=None)
@given(data=st.data())
def test_any_flip_or_cut_of_any_file_is_found(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    golden = data.draw(st.sampled_from(BUNDLES), "bundle")
    files = sorted(path for path in golden.rglob("*") if path.is_file())
    file = data.draw(st.sampled_from(files), "file")
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1), "place")
    if data.draw(st.booleans(), "cut"):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255), "flip")
    folder = tmp_path_factory.mktemp("damaged") / golden.name
    shutil.copytree(golden, folder)
    (folder / file.relative_to(golden)).write_bytes(content)
    with pytest.raises(BundleError):
        bundle.verify(folder)


def test_pictures_that_are_much_larger_embed_nearly_the_same() -> None:
    """The decoder may read a large JPEG at a reduced scale; the vector must not care."""
    embedder = embedder_of("golden-v1")
    small = Image.open(BytesIO(picture(5, width=400, height=300, format_="PNG")))
    buffers = []
    for size in ((400, 300), (3200, 2400)):
        buffer = BytesIO()
        small.resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=95)
        buffers.append(buffer.getvalue())
    near, far = (embedder.embed([embedder.prepare(data)])[0] for data in buffers)
    assert near @ far / np.linalg.norm(near) / np.linalg.norm(far) > 0.999


def test_a_bundle_that_looks_twice_sees_the_whole_above_the_centre() -> None:
    path, rgb = next((path, rgb) for path in PICTURES if len(set((rgb := decode(path.read_bytes())).shape[:2])) == 2)
    short = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - short) // 2, (rgb.shape[1] - short) // 2
    prepared_picture = embedder_of("golden-v4").prepare(path.read_bytes())
    np.testing.assert_array_equal(prepared_picture[:SIDE], resize(rgb, SIDE, SIDE))
    np.testing.assert_array_equal(
        prepared_picture[SIDE:], resize(rgb[top : top + short, left : left + short], SIDE, SIDE)
    )
