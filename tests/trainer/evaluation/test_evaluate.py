"""Evaluations of small published bundles: what is a query, what it is searched among, and what is left out."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue
from retrieval.errors import BundleMissing
from tests.support import bundles
from tests.support.bundles import Piece, picture, write_artifacts
from tests.trainer.evaluation.shops import LABELS, Publish, folder, known, measured, new, shop
from trainer.errors import SourceError
from trainer.evaluation.metrics import score
from trainer.evaluation.results import Missing

# --- what is a query


def test_by_default_what_was_held_out_is_searched_in_the_catalogue(publish: Publish) -> None:
    home, vectors = publish()
    result = measured(home)
    rows, labels = np.stack(list(vectors.values())), np.array([LABELS[n % 3] for n in range(18)])
    wanted = score(rows[:3], labels[:3], rows, labels, same=np.arange(3))
    protocol = known(result)
    assert (protocol.queries, protocol.gallery, protocol.leave_one_out) == (3, 18, True)
    assert protocol.measures["map"].value == pytest.approx(wanted.map)
    assert result.evaluation.leaks == ()
    assert result.evaluation.protocols[1] == Missing("new labels", "every query has a label that was trained on")
    assert result.evaluation.query_milliseconds_p50 is not None
    assert result.evaluation.auto_probes == bundles.CLUSTERS


def test_whole_labels_that_were_held_out_are_new_ones(publish: Publish) -> None:
    home, _vectors = publish(parts={f"piece-{n}": "test" for n in range(18) if n % 3 == 0})
    result = measured(home)
    assert (new(result).queries, new(result).gallery, new(result).leave_one_out) == (6, 18, True)
    assert new(result).labels == 1
    assert result.evaluation.protocols[0] == Missing("known labels", "no query has a label that was trained on")


def test_a_head_has_learned_from_what_it_was_chosen_by(publish: Publish) -> None:
    home, _vectors = publish(stage="head")
    with pytest.raises(SourceError, match=r"tiny held nothing back: .*--queries"):
        measured(home)
    home, _vectors = publish("tested", stage="head", parts={"piece-0": "test", "piece-1": "validation"})
    assert known(measured(home)).queries == 1


def test_the_frozen_network_has_learned_from_nothing(publish: Publish) -> None:
    home, _vectors = publish(stage="frozen", parts={"piece-0": "train"})
    assert known(measured(home)).queries == 18


def test_without_a_split_all_of_the_catalogue_was_trained_on(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    (home / "training" / "split.csv").unlink()
    home = tmp_path / "old"
    write_artifacts(home, shop())
    assert known(measured(home)).queries == 18  # it says of itself that it is frozen


@pytest.mark.parametrize("digest", [True, False])
def test_what_was_trained_on_is_dropped_whatever_it_is_called(publish: Publish, tmp_path: Path, digest: bool) -> None:
    home, _vectors = publish(digest=digest)
    queries = folder(tmp_path / "q", {"cup/copy.jpg": picture(7), "cup/new.jpg": picture(100)})
    result = measured(home, queries)
    assert result.evaluation.trained_on == 1
    assert known(result).queries == 1
    with pytest.raises(SourceError, match="was trained on every picture of"):
        measured(home, folder(tmp_path / "r", {"cup/copy.jpg": picture(7)}))


def test_what_was_trained_on_is_dropped_when_the_catalogue_has_moved_on(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    with closing(Catalogue(bundle.catalogue_url(home))) as catalogue:
        catalogue.replace_source([bundles.write_picture(home, piece) for piece in shop(8)])
    queries = folder(tmp_path / "q", {"jug/copy.jpg": picture(17), "jug/new.jpg": picture(100)})
    result = measured(home, queries)
    assert result.evaluation.trained_on == 1
    assert "10 pictures that were trained on are in the catalogue no longer" in result.notes[0]
    assert measured(publish("whole")[0], queries).notes == []


def test_pictures_of_the_same_name_are_not_the_same(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    queries = folder(tmp_path / "q", {"piece-7": b"", "cup/piece-7.jpg": picture(100)})
    assert measured(home, queries).evaluation.trained_on == 0


def test_known_and_new_labels_are_measured_apart(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    queries = {f"{label}/{n}.jpg": picture(n) for n, label in enumerate(["cup", "jug", "cup", *["lamp"] * 4], start=50)}
    gallery = {f"{LABELS[n % 3]}/{n}.jpg": picture(n) for n in range(70, 79)}
    result = measured(home, folder(tmp_path / "q", queries), folder(tmp_path / "g", gallery))
    assert (known(result).queries, known(result).gallery, known(result).leave_one_out) == (3, 9, False)
    assert (new(result).queries, new(result).gallery, new(result).leave_one_out) == (4, 9 + 4, True)
    assert set(known(result).per_label) == {"cup", "jug"}
    assert set(new(result).per_label) == {"lamp"}
    assert new(result).per_label["lamp"]["recall@10"] <= 1


def test_a_label_with_nothing_to_find_is_said(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    result = measured(home, folder(tmp_path / "q", {"lamp/1.jpg": picture(50)}))
    (missing,) = [p for p in result.evaluation.protocols if p.name == "new labels"]
    assert isinstance(missing, Missing)
    assert "no query has a true match" in missing.reason


# --- several bundles


def test_differences_with_other_bundles(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    other, _vectors = publish("other", bundle_id="before", stage="frozen")
    queries = folder(tmp_path / "q", {f"{LABELS[n % 3]}/{n}.jpg": picture(n) for n in range(70, 79)})
    result = measured(home, queries, against=[str(other), str(bundle.bundle_path(other, "before"))])
    assert set(known(result).against) == {"frozen", "before"}
    difference = known(result).against["frozen"]["map"]
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)  # the same encoder and projection


def test_a_candidate_against_the_live_bundle(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    publish(bundle_id="candidate", live=False)
    queries = folder(tmp_path / "q", {"cup/1.jpg": picture(50)})
    result = measured(home, queries, name="candidate", against=["live"])
    assert result.evaluation.bundle_id == "candidate"
    assert set(known(result).against) == {"live"}
    with pytest.raises(SourceError, match="nothing to compare"):
        measured(home, queries, against=["tiny"])
    with pytest.raises(BundleMissing):
        measured(home, queries, against=["nowhere"])


def test_what_the_other_bundle_was_trained_on_is_no_query_either(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    other, _vectors = publish("other", shop(6, start=50), bundle_id="before", parts={"piece-51": "validation"})
    queries = folder(tmp_path / "q", {f"cup/{n}.jpg": picture(n) for n in (50, 51, 90)})
    result = measured(home, queries, against=[str(other)])
    assert result.evaluation.trained_on == 1
    assert known(result).queries == 2


# --- pictures that cannot be used


def test_broken_and_unlabelled_pictures_are_listed_and_stop_nothing(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    queries = {"cup/1.jpg": picture(50), "cup/cut.jpg": picture(51)[:100], "bare.jpg": picture(52)}
    gallery = {"cup/2.jpg": picture(53), "cup/text.png": b"no picture"}
    result = measured(home, folder(tmp_path / "q", queries), folder(tmp_path / "g", gallery))
    assert {Path(entry.place).name for entry in result.skipped} == {"cut.jpg", "bare.jpg", "text.png"}
    assert result.evaluation.skipped == 3
    with pytest.raises(SourceError, match="can be used"):
        measured(home, folder(tmp_path / "r", {"cup/cut.jpg": b"nothing"}))


def test_an_empty_catalogue(publish: Publish) -> None:
    home, _vectors = publish(pieces=[Piece(f"piece-{n}", picture(n), None, {}) for n in range(8)])
    with pytest.raises(SourceError, match="no labelled items"):
        measured(home)
