"""`python -m trainer report`: the published bundle's report, from what is on disk; the bundle stays as it is."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue
from tests.conftest import Trained, run_trainer
from tests.support.bundles import Piece, picture, pieces, write_artifacts
from trainer.errors import SourceError
from trainer.report.published import read_published
from trainer.report.write import FIGURES, write_report


@pytest.fixture(scope="module")
def copied(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop's artifacts, as they may be changed; the pictures are where they were."""
    return Path(shutil.copytree(trained.artifacts, tmp_path_factory.mktemp("copied") / "artifacts"))


@pytest.mark.slow
def test_the_command_makes_the_report_anew_and_leaves_the_bundle_alone(trained: Trained, copied: Path) -> None:
    done = run_trainer("report", "--artifacts", copied, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    folder = copied / "reports" / bundle.current(copied)
    assert figures == json.loads((folder / FIGURES).read_text())
    assert figures["pictures"] == 96
    written = json.loads((bundle.bundle_path(copied, bundle.current(copied)) / "report" / FIGURES).read_text())
    # What the run found, the command finds as well.
    for part in ("evaluation", "history", "health", "scores", "facts"):
        assert figures[part] == written[part], part
    sizes = [[cluster["pictures"] for cluster in figures_of["clusters"]] for figures_of in (figures, written)]
    assert sizes[0] == sizes[1]
    assert {query["id"] for query in figures["queries"]["best"]} == {q["id"] for q in written["queries"]["best"]}
    assert (folder / "index.html").exists()
    bundle.verify(bundle.bundle_path(copied, bundle.current(copied)))


def test_without_the_encoder_of_the_run_there_is_a_report_without_health(tmp_path: Path) -> None:
    write_artifacts(tmp_path, pieces(12))  # its config.toml says nothing, its history is missing
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "lonely.csv").touch()  # of version 0.1.0
    done = run_trainer("report", "--artifacts", tmp_path, "--out", tmp_path / "mine", "--no-health")
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "mine" / "index.html") in done.stdout
    assert json.loads((tmp_path / "mine" / FIGURES).read_text())["health"] is None
    assert "outliers.csv" not in (tmp_path / "mine" / "index.html").read_text()
    assert not (tmp_path / "mine" / "lonely.csv").exists()


def test_a_bundle_that_does_not_tell_may_have_learned_from_any_picture(tmp_path: Path) -> None:
    write_artifacts(tmp_path, pieces(12))
    assert read_published(tmp_path).held_out.all()  # it is a frozen one
    write_report(tmp_path / "frozen", read_published(tmp_path))
    assert "which the encoder has not learned from" in (tmp_path / "frozen" / "index.html").read_text()


def test_a_head_has_learned_from_what_it_was_chosen_by(trained: Trained) -> None:
    result = read_published(trained.artifacts)
    assert not result.held_out.any()
    assert len(result.pictures) == 96
    assert {epoch.stage for epoch in result.history} == {"head"}


def test_vectors_clusters_and_pictures_belong_together(tmp_path: Path) -> None:
    vectors = write_artifacts(tmp_path, pieces(20))
    result = read_published(tmp_path)
    clusters = bundle.load(bundle.bundle_path(tmp_path, "tiny")).clusters
    for row, shown in enumerate(result.pictures):
        assert np.array_equal(result.vectors[row], vectors[shown.id])
        assert result.clusters[row] == clusters.assign(vectors[shown.id][None])[0]
        assert shown.path.read_bytes() == picture(int(shown.id[-3:]))


def test_items_that_are_not_embedded_yet_are_left_out(tmp_path: Path) -> None:
    write_artifacts(tmp_path, pieces(12))
    catalogue = Catalogue(bundle.catalogue_url(tmp_path))
    items = list(catalogue.items())
    catalogue.replace_source([*items[:3], replace(items[3], id="new")])
    catalogue.close()
    assert len(read_published(tmp_path).pictures) == 3


def test_an_empty_catalogue_is_said(tmp_path: Path) -> None:
    write_artifacts(tmp_path, pieces(12))
    catalogue = Catalogue(bundle.catalogue_url(tmp_path))
    catalogue.replace_source([])
    catalogue.close()
    with pytest.raises(SourceError, match="no picture with a vector"):
        read_published(tmp_path)


def test_one_picture_without_a_label(tmp_path: Path) -> None:
    write_artifacts(tmp_path, [Piece(f"only {n}", picture(n), None, {}) for n in range(6)])
    catalogue = Catalogue(bundle.catalogue_url(tmp_path))
    catalogue.replace_source(list(catalogue.items())[:1])
    catalogue.close()
    write_report(tmp_path / "out", read_published(tmp_path))
    assert json.loads((tmp_path / "out" / FIGURES).read_text())["pictures"] == 1


def test_arrays_that_do_not_fit_the_pictures_are_refused(tmp_path: Path) -> None:
    write_artifacts(tmp_path, pieces(12))
    result = read_published(tmp_path)
    with pytest.raises(ValueError, match="12 pictures need as many"):
        replace(result, clusters=result.clusters[:-1])
