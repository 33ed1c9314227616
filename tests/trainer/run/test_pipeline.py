"""A whole run through the command line, and what it leaves behind."""

import csv
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image

from retrieval import bundle
from retrieval.catalogue import Catalogue
from retrieval.encoding.encoder import OnnxEncoder
from retrieval.encoding.projection import unit
from retrieval.vectors.stores import EmbeddedStores
from tests.conftest import Trained, run_trainer
from trainer.evaluation import results


def _folder(trained: Trained) -> Path:
    return bundle.bundle_path(trained.artifacts, bundle.current(trained.artifacts))


def test_the_run_says_what_it_did(trained: Trained) -> None:
    assert "Published bundle" in trained.output
    assert "with 96 items" in trained.output
    assert "frozen" in trained.output
    assert "head" in trained.output
    assert "Keras and ONNX differ by at most" in trained.errors
    assert "oneDNN" not in trained.errors


def test_broken_pictures_are_reported_and_skipped(trained: Trained) -> None:
    with (trained.artifacts / "skipped.csv").open() as file:
        skipped = {Path(row["picture"].split(" ")[-1]).name: row["reason"] for row in csv.DictReader(file)}
    assert set(skipped) == {"cut.jpg", "text.jpg", "missing.jpg"}
    assert skipped["missing.jpg"] == "there is no such file"
    assert all(reason in trained.output for reason in skipped.values())


def test_the_bundle_is_whole_and_holds_what_the_design_says(trained: Trained) -> None:
    manifest = bundle.verify(_folder(trained))
    assert {"index.html", "report.json", "evaluation.json", "wrong_labels.csv"} <= {
        name.removeprefix("report/") for name in manifest.files
    }
    assert {name for name in manifest.files if not name.startswith("report/")} == {
        "encoder.onnx",
        "projection.npz",
        "clusters.npz",
        "calibration.npz",
        *(
            f"training/{name}"
            for name in (
                "encoder.keras",
                "pca.joblib",
                "kmeans.joblib",
                "config.toml",
                "history.csv",
                "split.csv",
                "source.txt",
            )
        ),
    }
    assert manifest.counts.items == 96
    assert manifest.counts.labels == 12
    assert manifest.counts.clusters == round(4 * 96**0.5)
    assert manifest.encoder.stage == "head"
    assert set(manifest.metrics) == {"frozen", "head"}
    assert manifest.metrics["head"]["map"] > manifest.metrics["frozen"]["map"]
    for stage, measures in manifest.metrics.items():
        assert manifest.intervals[stage].keys() == measures.keys() - {"queries", "unanswerable"}
        assert all(low <= measures[name] <= high for name, (low, high) in manifest.intervals[stage].items())


def test_the_run_ends_with_its_proof(trained: Trained) -> None:
    """Both protocols against frozen, the ladder, reliable probabilities, and the broken files in the health lists."""
    folder = _folder(trained)
    result = results.from_json((folder / "report" / "evaluation.json").read_bytes(), "evaluation.json")
    for name in ("known labels", "new labels"):
        protocol = result.protocol(name)
        assert protocol is not None
        assert protocol.measures["map"].low <= protocol.measures["map"].value <= protocol.measures["map"].high
        assert "map" in protocol.against["frozen"]
    known = result.protocol("known labels")
    assert known is not None
    assert known.against["frozen"]["map"].value > 0
    assert {row.probes for row in result.ladder} >= {1, "all", "auto", "brute force", "kd-tree"}
    assert set(result.reliability) == {"cosine", "euclidean"}
    assert bundle.load(folder).calibration is not None
    unreadable = (folder / "report" / "unreadable.csv").read_text()
    assert all(name in unreadable for name in ("cut.jpg", "text.jpg", "missing.jpg"))


def test_no_scratch_is_left(trained: Trained) -> None:
    assert list((trained.artifacts / "work").iterdir()) == []
    assert not list(trained.artifacts.rglob("*.part"))


def test_joblib_and_arrays_hold_the_same(trained: Trained) -> None:
    loaded = bundle.load(_folder(trained))
    pca = joblib.load(_folder(trained) / "training" / "pca.joblib")
    kmeans = joblib.load(_folder(trained) / "training" / "kmeans.joblib")
    embeddings = np.random.default_rng(0).normal(size=(5, len(loaded.embedder.projection.mean))).astype(np.float32)
    vectors = loaded.embedder.projection.apply(embeddings)
    np.testing.assert_allclose(vectors, pca.transform(unit(embeddings)), atol=1e-5)
    np.testing.assert_array_equal(loaded.clusters.assign(vectors), kmeans.predict(vectors))


def test_history_has_a_line_for_each_epoch(trained: Trained) -> None:
    with (_folder(trained) / "training" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(len(rows)))
    assert rows[0]["loss"] == ""  # the closed-form start
    assert all(float(row["loss"]) >= 0 for row in rows[1:])
    assert all(float(row["seconds"]) > 0 for row in rows)


def test_the_gallery_went_through_the_written_file(trained: Trained) -> None:
    """The stored vectors are those of the bundle's own ONNX file, picture by picture."""
    loaded = bundle.load(_folder(trained))
    catalogue = Catalogue(bundle.catalogue_url(trained.artifacts))
    items, digests = list(catalogue.items())[:10], catalogue.digests()
    catalogue.close()
    with closing(EmbeddedStores(trained.artifacts).open(loaded.manifest.id, loaded.clusters)) as store:
        for item in items:
            data = (trained.artifacts / item.location).read_bytes()
            (vector,) = loaded.embedder.embed([loaded.embedder.prepare(data)])
            np.testing.assert_allclose(vector, store.get(item.id), atol=1e-5)
        assert store.held() == digests


def test_the_embedding_is_the_mean_of_the_cells(trained: Trained) -> None:
    path = _folder(trained) / "encoder.onnx"
    encoder = OnnxEncoder(path.read_bytes(), str(path))
    pictures = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), dtype=np.uint8)
    embedding, cells = encoder.encode_cells(pictures)
    np.testing.assert_allclose(cells.mean(axis=(1, 2)), embedding, atol=1e-4)


def test_items_carry_label_and_attributes(trained: Trained) -> None:
    catalogue = Catalogue(bundle.catalogue_url(trained.artifacts))
    items = list(catalogue.items())
    catalogue.close()
    assert len(items) == 96
    assert all(set(item.attributes) == {"shape", "glaze", "colour"} for item in items)
    assert len({item.label for item in items}) == 12


@pytest.mark.slow
def test_a_second_run_computes_no_features_and_replaces_the_catalogue(trained: Trained, tmp_path: Path) -> None:
    artifacts = shutil.copytree(trained.artifacts, tmp_path / "artifacts")
    before = bundle.current(artifacts)
    lines = trained.table.read_text().splitlines()
    smaller = trained.pictures / "smaller.csv"
    smaller.write_text("\n".join(lines[:49]) + "\n")
    (cache,) = (artifacts / "cache").glob("*.sqlite")
    with sqlite3.connect(cache) as database:
        count = database.execute("SELECT count(*) FROM features").fetchone()
    database.close()
    done = run_trainer("run", "--source", smaller, "--config", trained.config, "--artifacts", artifacts)
    smaller.unlink()
    assert done.returncode == 0, done.stderr
    assert bundle.current(artifacts) != before
    with sqlite3.connect(cache) as database:
        assert database.execute("SELECT count(*) FROM features").fetchone() == count
    database.close()
    catalogue = Catalogue(bundle.catalogue_url(artifacts))
    assert catalogue.count() == 48
    catalogue.close()
    bundle.verify(bundle.bundle_path(artifacts, before))  # the old one stays, for a way back


@pytest.mark.slow
def test_evaluate_measures_pictures_that_are_new_and_drops_those_trained_on(trained: Trained, tmp_path: Path) -> None:
    rows = list(csv.DictReader(trained.table.read_text().splitlines()))[:24]
    for row in rows:
        place = tmp_path / "queries" / row["label"] / Path(row["path"]).name
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(trained.pictures / row["path"]) as photo:  # other bytes: seen from a little nearer
            photo.crop((4, 4, photo.width - 4, photo.height - 4)).save(place)
    shutil.copy(trained.pictures / rows[0]["path"], tmp_path / "queries" / rows[0]["label"] / "copy.jpg")
    options = ["--artifacts", trained.artifacts, "--queries", tmp_path / "queries"]
    done = run_trainer("evaluate", *options, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    known, new = result["protocols"]
    assert (known["name"], known["queries"], known["gallery"]) == ("known labels", 24, 96)
    assert known["measures"]["map"]["value"] > 0.5
    assert new == {"name": "new labels", "reason": "every query has a label that was trained on"}
    assert result["trained_on"] == 1
    assert 0 < result["query_milliseconds_p50"] <= result["query_milliseconds_p95"]
    shown = run_trainer("evaluate", *options, "--formulas").stdout
    assert "known labels: pictures not trained on, of labels that were" in shown
    assert "Dropped from the queries, for they were trained on: 1." in shown
    assert "kd-tree" in shown


def test_a_head_holds_nothing_back_to_evaluate_by(trained: Trained) -> None:
    done = run_trainer("evaluate", "--artifacts", trained.artifacts)
    assert done.returncode == 1
    assert "Name labelled pictures that are new to it: --queries." in done.stderr


def test_search_finds_the_picture_and_its_piece(trained: Trained) -> None:
    rows = list(csv.DictReader(trained.table.read_text().splitlines()))
    done = run_trainer("search", trained.pictures / rows[0]["path"], "--artifacts", trained.artifacts, "--k", "3")
    assert done.returncode == 0, done.stderr
    first, *_rest = [line for line in done.stdout.splitlines() if line.strip().startswith("1 ")]
    assert rows[0]["label"] in first
    assert rows[0]["path"] in first
    assert "1.000" in first
    assert "exact, opened" in done.stdout


def test_search_by_words_finds_pieces_and_tells_what_is_near(trained: Trained) -> None:
    row = next(csv.DictReader(trained.table.read_text().splitlines()))
    done = run_trainer("search", "--text", row["label"], "--artifacts", trained.artifacts, "--k", "3")
    assert done.returncode == 0, done.stderr
    assert row["label"] in done.stdout
    assert "items have all of these words" in done.stdout
    near = run_trainer("search", "--text", f"{row['label'].split()[0]}x", "--artifacts", trained.artifacts)
    assert near.returncode == 0, near.stderr
    assert "0 items have all of these words" in near.stdout
    assert f"near it: {row['label'].split()[0].lower()}" in near.stdout


@pytest.mark.parametrize("command", [pytest.param("evaluate", marks=pytest.mark.slow), "search"])
def test_measuring_and_searching_need_no_tensorflow(command: str) -> None:
    import subprocess
    import sys

    module = {"evaluate": "trainer.evaluation.evaluate", "search": "trainer.bundles"}[command]
    code = f"import sys, {module}; print({{'tensorflow', 'keras', 'sklearn'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
