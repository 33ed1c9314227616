"""Queries against a gallery through a published bundle: exact, whatever is broken, and in a file that is whole."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from retrieval.errors import BundleMissing
from tests.support.bundles import picture, pieces, write_artifacts
from tests.support.marks import examples
from trainer.bundles import load_current
from trainer.commands.rank import rank as command
from trainer.errors import SourceError
from trainer.evaluation.rank import folders as module
from trainer.evaluation.rank.folders import RankingSummary, nearest, rank
from trainer.progress import Progress

Vectors = NDArray[np.float32]


@contextmanager
def silent(_title: str) -> Iterator[Progress]:
    yield lambda _done, _total: None


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published bundle. Not to be changed."""
    home = tmp_path_factory.mktemp("artifacts")
    write_artifacts(home, pieces(12))
    return home


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Three queries, and a gallery of thirty in which each of them lies."""
    queries, gallery = tmp_path / "queries", tmp_path / "gallery"
    for number in range(30):
        folder = gallery / f"shelf {number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(picture(number))
    queries.mkdir()
    for number in range(3):
        (queries / f"asked-{number}.jpg").write_bytes(picture(number))
    return queries, gallery


def ranked(
    folders: tuple[Path, Path], artifacts: Path, out: Path, *, k: int = 100, sheets: Path | None = None
) -> tuple[RankingSummary, dict[str, Any]]:
    done = rank(*folders, artifacts, out, sheets=sheets, k=k, step=silent)
    return done, json.loads(out.read_text())


def test_every_query_ranks_the_whole_gallery(folders: tuple[Path, Path], artifacts: Path, tmp_path: Path) -> None:
    queries, gallery = folders
    done, results = ranked(folders, artifacts, tmp_path / "new" / "results.json")
    assert (done.queries, done.gallery, done.skipped) == (3, 30, [])
    assert (results["bundle"], results["metric"], results["skipped"]) == ("tiny", "cosine", [])
    embedder = load_current(artifacts).embedder

    def vector(path: Path) -> Vectors:
        return embedder.embed([embedder.prepare(path.read_bytes())])[0].astype(np.float64)

    assert [entry["query"] for entry in results["results"]] == [f"asked-{n}.jpg" for n in range(3)]
    for number, entry in enumerate(results["results"]):
        hits = entry["hits"]
        assert {hit["picture"] for hit in hits} == {f"shelf {n % 3}/{n}.jpg" for n in range(30)}
        assert [hit["rank"] for hit in hits] == list(range(1, 31))
        assert hits[0]["picture"] == f"shelf {number}/{number}.jpg"  # the same file
        assert [hit["cosine_distance"] for hit in hits] == sorted(hit["cosine_distance"] for hit in hits)
        query = vector(queries / entry["query"])
        for hit in hits:
            other = vector(gallery / hit["picture"])
            cosine = 1 - query @ other / np.linalg.norm(query) / np.linalg.norm(other)
            assert hit["cosine_distance"] == pytest.approx(cosine, abs=1e-5)
            assert hit["euclidean_distance"] == pytest.approx(np.linalg.norm(query - other), abs=1e-5)


def test_k_cuts_the_ranking(folders: tuple[Path, Path], artifacts: Path, tmp_path: Path) -> None:
    _done, whole = ranked(folders, artifacts, tmp_path / "whole.json")
    _done, short = ranked(folders, artifacts, tmp_path / "short.json", k=4)
    assert [entry["hits"] for entry in short["results"]] == [entry["hits"][:4] for entry in whole["results"]]


@settings(deadline=None, max_examples=examples(100))
@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.integers(0, 25), st.integers(1, 30), st.integers(1, 60))
def test_the_nearest_are_those_of_a_loop(seed: int, queries: int, gallery: int, k: int, table: int) -> None:
    rng = np.random.default_rng(seed)
    query_vectors = rng.normal(size=(queries, 4)).astype(np.float32)
    known = rng.normal(size=(gallery, 4)).astype(np.float32)
    same = rng.random(min(queries, gallery)) < 0.5
    known[: len(same)][same] = query_vectors[: len(same)][same] * 3
    known[rng.random(gallery) < 0.2] = 0  # an embedding of nothing is far from everything, by cosine
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TABLE_VALUES", table)  # blocks of any size
        result = list(nearest(query_vectors, known, k))
    assert len(result) == queries
    for query, (rows, cosine, euclidean) in zip(query_vectors.astype(np.float64), result, strict=True):
        lengths = np.linalg.norm(known, axis=1) * np.linalg.norm(query)
        distances = [1 - float(query @ one) / size if size else 1.0 for one, size in zip(known, lengths, strict=True)]
        np.testing.assert_allclose(cosine, sorted(distances)[:k], atol=1e-5)
        np.testing.assert_allclose(cosine, [distances[row] for row in rows], atol=1e-5)
        np.testing.assert_allclose(euclidean, [np.linalg.norm(query - known[row]) for row in rows], atol=1e-5)
        assert len(set(rows)) == len(rows)
        assert (cosine >= 0).all()


def test_of_equally_near_pictures_the_first_comes_first() -> None:
    gallery = np.array([[0, 1], [1, 0], [2, 0], [1, 0]], np.float32)
    ((rows, cosine, _euclidean),) = nearest(np.array([[1, 0]], np.float32), gallery, 4)
    assert rows.tolist() == [1, 2, 3, 0]
    assert cosine.tolist() == [0, 0, 0, 1]


def test_broken_pictures_are_listed_and_stop_nothing(
    folders: tuple[Path, Path], artifacts: Path, tmp_path: Path
) -> None:
    queries, gallery = folders
    (queries / "cut.jpg").write_bytes(picture(0)[:200])
    (gallery / "shelf 1" / "text.png").write_text("no picture")
    done, results = ranked(folders, artifacts, tmp_path / "results.json")
    assert (done.queries, done.gallery) == (3, 30)
    broken, other = results["skipped"]
    assert (broken["set"], broken["picture"]) == ("queries", "cut.jpg")
    assert "cut short" in broken["reason"]
    assert (other["set"], other["picture"]) == ("gallery", "shelf 1/text.png")
    assert [entry.place for entry in done.skipped] == [
        str(queries / "cut.jpg"),
        str(gallery / "shelf 1" / "text.png"),
    ]


def test_nothing_but_broken_pictures(folders: tuple[Path, Path], artifacts: Path, tmp_path: Path) -> None:
    queries, gallery = folders
    for path in gallery.glob("*/*"):
        path.write_text("no picture")
    _done, results = ranked(folders, artifacts, tmp_path / "results.json", sheets=tmp_path / "sheets")
    assert len(results["skipped"]) == 30
    assert results["results"] == [{"query": f"asked-{n}.jpg", "hits": []} for n in range(3)]
    for path in queries.iterdir():
        path.write_text("no picture")
    _done, results = ranked(folders, artifacts, tmp_path / "results.json")
    assert results["results"] == []


@pytest.mark.skipif(os.name != "posix", reason="file names are text here")
def test_names_that_are_no_text(folders: tuple[Path, Path], artifacts: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \n\xff.jpg")
    try:
        (folders[0] / name).write_bytes(picture(7))
    except OSError:
        pytest.skip("this file system takes only text as names")
    _done, results = ranked(folders, artifacts, tmp_path / "results.json", sheets=tmp_path / "sheets")
    assert name in [entry["query"] for entry in results["results"]]
    assert len(list((tmp_path / "sheets").iterdir())) == 4


def test_a_sheet_for_every_query(folders: tuple[Path, Path], artifacts: Path, tmp_path: Path) -> None:
    queries, _gallery = folders
    (queries / "other").mkdir()
    (queries / "other" / "asked-0.jpg").write_bytes(picture(20))
    (queries / "asked-0.png").write_bytes(picture(21, format_="PNG"))
    sheets = tmp_path / "made" / "sheets"
    ranked(folders, artifacts, tmp_path / "results.json", sheets=sheets)
    assert len(list(sheets.iterdir())) == 5
    with Image.open(min(sheets.iterdir())) as sheet:
        assert sheet.format == "JPEG"


def test_a_ranking_that_fails_leaves_the_results_before(
    folders: tuple[Path, Path], artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "results.json"
    out.write_text("from before")

    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_sheet", fail)
    with pytest.raises(OSError, match="No space"):
        ranked(folders, artifacts, out, sheets=tmp_path / "sheets")
    assert out.read_text() == "from before"
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "sheets", "queries", "gallery"}


def test_what_a_user_can_mend_is_said(folders: tuple[Path, Path], artifacts: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    with pytest.raises(SourceError, match="name the JSON file"):
        ranked(folders, artifacts, tmp_path)
    with pytest.raises(SourceError, match="is not a folder"):
        ranked((tmp_path / "nowhere", folders[1]), artifacts, out)
    with pytest.raises(BundleMissing):
        ranked(folders, tmp_path, out)
    assert not out.exists()


def test_the_command(folders: tuple[Path, Path], artifacts: Path, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    (folders[0] / "text.jpg").write_text("no picture")
    options = ["--queries", folders[0], "--gallery", folders[1], "--artifacts", artifacts, "--k", 2]
    options += ["--out", tmp_path / "results.json", "--sheet", tmp_path / "sheets"]
    done = CliRunner().invoke(app, list(map(str, options)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    results = json.loads((tmp_path / "results.json").read_text())
    assert [len(entry["hits"]) for entry in results["results"]] == [2, 2, 2]
    assert len(list((tmp_path / "sheets").iterdir())) == 3
