"""Bundles: written whole, verified whole, published atomically; what does not fit is refused."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval import bundle, durable
from retrieval.bundle import publishing
from retrieval.errors import BundleDamaged, BundleError, BundleIncompatible, BundleMissing, FaceMissing
from tests.support.bundles import face_stage, picture, portrait, some_calibration, some_margins, write_bundle

SPEC = {
    "detector": "haar",
    "min_size": 36,
    "margin": 0,
    "template": None,
    "which": "largest",
    "missing": "skip",
}


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """An artifacts folder with one bundle, "tiny", not published."""
    write_bundle(tmp_path, [picture(n) for n in range(12)])
    return tmp_path


def test_what_is_written_is_what_is_loaded(artifacts: Path) -> None:
    folder = bundle.bundle_path(artifacts, "tiny")
    manifest = bundle.verify(folder)
    assert set(manifest.files) == {"encoder.onnx", "projection.npz", "clusters.npz", "training/config.toml"}
    loaded = bundle.load(folder)
    assert loaded.manifest == manifest
    assert loaded.auto_probes == len(loaded.clusters) == manifest.counts.clusters
    assert (loaded.radii >= 0).all()
    assert loaded.calibration is None


def test_a_bundle_carries_its_margins_and_one_without_them_is_read(artifacts: Path, tmp_path: Path) -> None:
    assert bundle.load(bundle.bundle_path(artifacts, "tiny")).margins is None
    margins = some_margins()
    write_bundle(tmp_path, [picture(n) for n in range(12)], bundle_id="probed", margins=margins)
    loaded = bundle.load(bundle.bundle_path(tmp_path, "probed")).margins
    assert loaded is not None
    for name, array in margins.arrays().items():
        np.testing.assert_array_equal(loaded.arrays()[name], array)


def test_a_bundle_carries_its_calibration(tmp_path: Path) -> None:
    write_bundle(tmp_path, [picture(n) for n in range(12)], calibration=some_calibration())
    folder = bundle.bundle_path(tmp_path, "tiny")
    loaded = bundle.load(folder).calibration
    assert loaded is not None
    for name, array in some_calibration().arrays().items():
        np.testing.assert_array_equal(loaded.arrays()[name], array)
    arrays: dict[str, Any] = some_calibration().arrays() | {"cosine": np.array([[0, 1], [0.5, 0.6]])}
    np.savez(folder / "calibration.npz", **arrays)
    _rehash(folder, "calibration.npz")
    with pytest.raises(BundleDamaged, match="must not rise with the distance"):
        bundle.load(folder)


def test_a_bundle_carries_its_detector_and_its_report(tmp_path: Path) -> None:
    report = tmp_path / "drafts"
    report.mkdir()
    (report / "index.html").write_text("<p>Good.")
    vectors = write_bundle(tmp_path, [portrait(n) for n in range(12)], faces=face_stage(), report=report)
    folder = bundle.bundle_path(tmp_path, "tiny")
    manifest = bundle.verify(folder)
    assert {"faces/haar.xml", "report/index.html"} <= set(manifest.files)
    assert manifest.faces == face_stage().spec
    embedder = bundle.load(folder).embedder
    np.testing.assert_allclose(embedder.embed([embedder.prepare(portrait(3))])[0], vectors[3], atol=1e-6)
    with pytest.raises(FaceMissing):
        embedder.prepare(portrait(3, face=False))
    (folder / "faces" / "haar.xml").write_text("<opencv_storage/>")
    _rehash(folder, "faces/haar.xml")
    with pytest.raises(BundleDamaged, match="faces is not a cascade"):
        bundle.load(folder)


def test_a_bundle_is_never_changed(artifacts: Path) -> None:
    with pytest.raises(FileExistsError, match="already there"):
        write_bundle(artifacts, [picture(n) for n in range(12)])


def test_leftovers_of_a_killed_writer_are_no_bundle_and_do_not_stop_the_next(artifacts: Path) -> None:
    draft = bundle.bundle_path(artifacts, ".next.part")
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


def test_who_publishes_at_the_same_time_takes_no_draft_away(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sync_late(path: Path) -> None:
        monkeypatch.setattr(publishing, "sync", durable.sync)
        bundle.publish(artifacts, "tiny")
        durable.sync(path)

    monkeypatch.setattr(publishing, "sync", sync_late)
    bundle.publish(artifacts, "tiny")
    assert bundle.current(artifacts) == "tiny"
    assert not list(artifacts.glob(".CURRENT*"))


def test_what_is_taken_back_is_only_what_is_still_published(artifacts: Path) -> None:
    bundle.take_back(artifacts, "tiny", "former")
    assert not (artifacts / "CURRENT").exists()
    bundle.publish(artifacts, "tiny")
    bundle.take_back(artifacts, "another", "former")
    assert bundle.current(artifacts) == "tiny"
    bundle.take_back(artifacts, "tiny", "former")
    assert bundle.current(artifacts) == "former"


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


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"format_version": 5}, BundleIncompatible, "format version 5; .* reads 1, 2, 3 and 4"),
        ({"format_version": "1"}, BundleIncompatible, "format version '1'"),
        ({"format_version": 1, "faces": SPEC}, BundleDamaged, "format version 1 has no faces"),
        ({"format_version": 3, "preset": "fast"}, BundleDamaged, "before 4 have no fit and no preset"),
        ({"faces": SPEC}, BundleDamaged, r"does not list faces/haar\.xml"),
        ({"faces": SPEC | {"detector": "mtcnn"}}, BundleDamaged, r"does not list faces/pnet\.onnx"),
        ({"faces": SPEC | {"detector": "yunet"}}, BundleDamaged, r"does not list faces/yunet\.onnx"),
        ({"faces": SPEC | {"detector": "eyes"}}, BundleDamaged, "faces.detector"),
        ({"faces": SPEC | {"template": {"side": 9, "points": [[1, 2]] * 4}}}, BundleDamaged, "faces.template.points"),
        ({"split": {"by": ["label"]}}, BundleDamaged, "split.by"),
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


def _rehash(folder: Path, name: str) -> None:
    """Make the manifest agree with a file that was replaced, as somebody with bad intentions would."""
    data = (folder / name).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": sha256(data).hexdigest(), "size": len(data)}
    _rewrite(folder, manifest)


def _rewrite(folder: Path, manifest: dict[str, object]) -> None:
    text = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.sha256").write_bytes(sha256(text).hexdigest().encode() + b"\n")
