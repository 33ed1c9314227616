"""Bundles: written whole, verified whole, published atomically; and the golden one of each format version."""

import json
import shutil
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from retrieval import bundle
from retrieval.errors import BundleDamaged, BundleError, BundleIncompatible, BundleMissing
from retrieval.images import decode, resize
from tests.bundles import SIDE, picture, write_bundle

GOLDEN = Path(__file__).parent.parent / "golden"
GOLDEN_BUNDLES = sorted(GOLDEN.glob("golden-v*"))
PICTURES = sorted(path for path in (GOLDEN / "pictures").iterdir() if path.suffix != ".json")


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """An artifacts folder with one bundle, "tiny", not published."""
    write_bundle(tmp_path, [picture(n) for n in range(12)])
    return tmp_path


@pytest.mark.parametrize("golden", GOLDEN_BUNDLES, ids=lambda path: path.name)
def test_every_format_version_ever_written_still_loads(golden: Path) -> None:
    manifest = bundle.verify(golden)
    assert golden.name == f"golden-v{manifest.format_version}"


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_canonical_vectors_from_bytes_and_from_arrays(path: Path) -> None:
    embedder = bundle.load(GOLDEN / "golden-v1").embedder
    expected = json.loads((GOLDEN / "pictures" / "vectors.json").read_text())[path.name]
    data = path.read_bytes()
    from_bytes = embedder.embed([embedder.prepare(data)])[0]
    from_array = embedder.embed([resize(decode(data), SIDE, SIDE)])[0]
    np.testing.assert_allclose(from_bytes, expected, atol=2e-5)
    np.testing.assert_array_equal(from_bytes, from_array)


def test_a_picture_embeds_the_same_alone_and_in_company() -> None:
    embedder = bundle.load(GOLDEN / "golden-v1").embedder
    prepared = [embedder.prepare(path.read_bytes()) for path in PICTURES]
    together = embedder.embed(prepared)
    for row, one in enumerate(prepared):
        np.testing.assert_allclose(embedder.embed([one])[0], together[row], atol=1e-6)


def test_projection_is_the_formula_of_the_contract() -> None:
    embedder = bundle.load(GOLDEN / "golden-v1").embedder
    prepared = np.stack([embedder.prepare(path.read_bytes()) for path in PICTURES])
    mean, components = embedder.projection.mean, embedder.projection.components
    embeddings = embedder.encoder.encode(prepared).astype(np.float64)
    expected = [(e / np.sqrt((e**2).sum()) - mean) @ components.T for e in embeddings]
    np.testing.assert_allclose(embedder.embed(list(prepared)), expected, atol=1e-5)


def test_what_is_written_is_what_is_loaded(artifacts: Path) -> None:
    folder = bundle.bundle_path(artifacts, "tiny")
    manifest = bundle.verify(folder)
    assert set(manifest.files) == {"encoder.onnx", "projection.npz", "clusters.npz", "training/config.toml"}
    loaded = bundle.load(folder)
    assert loaded.manifest == manifest
    assert loaded.auto_probes == len(loaded.clusters) == manifest.counts.clusters
    assert (loaded.radii >= 0).all()


def test_a_bundle_is_never_changed(artifacts: Path) -> None:
    with pytest.raises(FileExistsError, match="already there"):
        write_bundle(artifacts, [picture(n) for n in range(12)])


def test_leftovers_of_a_killed_writer_are_no_bundle_and_do_not_stop_the_next(artifacts: Path) -> None:
    draft = bundle.bundle_path(artifacts, ".next.draft")
    draft.mkdir()
    (draft / "encoder.onnx").write_bytes(b"half")
    write_bundle(artifacts, [picture(n) for n in range(12)], "next")
    assert not draft.exists()
    bundle.verify(bundle.bundle_path(artifacts, "next"))


def test_publishing_names_the_served_bundle(artifacts: Path) -> None:
    with pytest.raises(BundleMissing, match="make demo"):
        bundle.current(artifacts)
    bundle.publish(artifacts, "tiny")
    assert bundle.current(artifacts) == "tiny"


def test_a_damaged_bundle_is_not_published(artifacts: Path) -> None:
    bundle.publish(artifacts, "tiny")
    write_bundle(artifacts, [picture(n) for n in range(12)], "second")
    with (bundle.bundle_path(artifacts, "second") / "training" / "config.toml").open("a") as file:
        file.write("# changed\n")
    with pytest.raises(BundleDamaged, match=r"config\.toml has changed"):
        bundle.publish(artifacts, "second")
    with pytest.raises(BundleMissing, match="third"):
        bundle.publish(artifacts, "third")
    assert bundle.current(artifacts) == "tiny"


def test_unexpected_and_missing_files_are_found(artifacts: Path) -> None:
    folder = bundle.bundle_path(artifacts, "tiny")
    extra = folder / "training" / "notes.txt"
    extra.write_text("mine")
    with pytest.raises(BundleDamaged, match=r"notes\.txt, which its manifest does not list"):
        bundle.verify(folder)
    extra.unlink()
    (folder / "projection.npz").unlink()
    with pytest.raises(BundleDamaged, match=r"projection\.npz cannot be read"):
        bundle.load(folder)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_flip_or_cut_of_any_file_is_found(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    golden = GOLDEN / "golden-v1"
    files = sorted(path for path in golden.rglob("*") if path.is_file())
    chosen = data.draw(st.sampled_from(files), "file")
    content = bytearray(chosen.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1), "place")
    if data.draw(st.booleans(), "cut"):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255), "flip")
    folder = tmp_path_factory.mktemp("damaged") / golden.name
    shutil.copytree(golden, folder)
    (folder / chosen.relative_to(golden)).write_bytes(content)
    with pytest.raises(BundleError):
        bundle.verify(folder)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"format_version": 2}, BundleIncompatible, "format version 2; .* reads 1"),
        ({"format_version": "1"}, BundleIncompatible, "format version '1'"),
        ({"dims": 9}, BundleDamaged, "output is 8, expected 9"),
        ({"dims": -1}, BundleDamaged, "dims"),
        ({"id": "another"}, BundleDamaged, "says it is bundle another"),
        ({"surprise": True}, BundleDamaged, "surprise"),
        ({"files": {}}, BundleDamaged, r"does not list encoder\.onnx"),
    ],
)
def test_a_manifest_that_does_not_fit(
    artifacts: Path, change: dict[str, object], error: type[BundleError], words: str
) -> None:
    folder = bundle.bundle_path(artifacts, "tiny")
    _rewrite(folder, json.loads((folder / "manifest.json").read_text()) | change)
    with pytest.raises(error, match=words):
        bundle.load(folder)


def test_a_manifest_cannot_reach_outside_its_bundle(artifacts: Path) -> None:
    folder = bundle.bundle_path(artifacts, "tiny")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["../../CURRENT"] = manifest["files"]["encoder.onnx"]
    _rewrite(folder, manifest)
    with pytest.raises(BundleDamaged, match="outside the bundle"):
        bundle.verify(folder)


def test_pickled_arrays_are_refused(artifacts: Path) -> None:
    folder = bundle.bundle_path(artifacts, "tiny")
    np.savez(folder / "projection.npz", mean=np.array([object()]), components=np.zeros((1, 1)))
    _rehash(folder, "projection.npz")
    with pytest.raises(BundleDamaged, match="does not hold the arrays"):
        bundle.load(folder)


def test_arrays_that_do_not_fit_each_other_are_refused(artifacts: Path) -> None:
    folder = bundle.bundle_path(artifacts, "tiny")
    np.savez(folder / "projection.npz", mean=np.zeros(3, np.float32), components=np.zeros((8, 16), np.float32))
    _rehash(folder, "projection.npz")
    with pytest.raises(BundleDamaged, match=r"mean \[e\] and components \[d, e\]"):
        bundle.load(folder)


def test_a_model_that_is_no_encoder_is_refused(artifacts: Path) -> None:
    folder = bundle.bundle_path(artifacts, "tiny")
    (folder / "encoder.onnx").write_bytes(b"not a model")
    _rehash(folder, "encoder.onnx")
    with pytest.raises(BundleDamaged, match="ONNX Runtime"):
        bundle.load(folder)


def test_pictures_that_are_much_larger_embed_nearly_the_same() -> None:
    """The decoder may read a large JPEG at a reduced scale; the vector must not care."""
    embedder = bundle.load(GOLDEN / "golden-v1").embedder
    small = Image.open(BytesIO(picture(5, width=400, height=300, format_="PNG")))
    buffers = []
    for size in ((400, 300), (3200, 2400)):
        buffer = BytesIO()
        small.resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=95)
        buffers.append(buffer.getvalue())
    near, far = (embedder.embed([embedder.prepare(data)])[0] for data in buffers)
    assert near @ far / np.linalg.norm(near) / np.linalg.norm(far) > 0.999


def _rehash(folder: Path, name: str) -> None:
    """Make the manifest agree with a file that was replaced, as somebody with bad intentions would."""
    data = (folder / name).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = bundle._entry(folder / name).model_dump()
    assert manifest["files"][name]["size"] == len(data)
    _rewrite(folder, manifest)


def _rewrite(folder: Path, manifest: dict[str, object]) -> None:
    text = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.sha256").write_bytes(sha256(text).hexdigest().encode() + b"\n")
