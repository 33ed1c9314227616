"""Going live and going back: what is refused, what is finished, and that no item is lost on the way."""

import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue
from retrieval.errors import BundleDamaged, BundleMissing, CatalogueError
from retrieval.projection import Projection
from retrieval.vectors.stores import VectorStores
from tests.bundles import Piece, picture, pieces, random_projection
from tests.trainer.releases.quiet import Quiet
from tests.trainer.releases.shops import ADDED, ITEMS, NEW, OLD, Shop, catalogued, make_shop
from trainer.bundles import load_current, open_store
from trainer.errors import PublisherBusy, ReleaseError
from trainer.releases import log, pending, pinned, release, replay
from trainer.releases.lock import alone


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The earlier bundle is live."""
    return make_shop(tmp_path / "shop", published=True)


def live(shop: Shop) -> str:
    return bundle.current(shop.artifacts)


def searchable(shop: Shop) -> set[str]:
    """The items that the live bundle finds."""
    with closing(open_store(shop.artifacts, load_current(shop.artifacts))) as store:
        return set(store.ids()) & catalogued(shop.artifacts)


def vector(shop: Shop, item: str) -> np.ndarray:
    """Of the live bundle."""
    with closing(open_store(shop.artifacts, load_current(shop.artifacts))) as store:
        return store.get(item)


# --- going back


def test_going_back_twice_comes_two_bundles_back(shop: Shop) -> None:
    for bundle_id in ("second", "third"):
        shop.run(bundle_id, pieces(12))
    assert release.rollback(shop.artifacts, Quiet()).before == "third"
    assert live(shop) == "second"
    assert release.rollback(shop.artifacts, Quiet()).bundle_id == OLD
    with pytest.raises(ReleaseError, match="no bundle was live"):
        release.rollback(shop.artifacts, Quiet())
    release.publish(shop.artifacts, "third", Quiet())
    assert release.rollback(shop.artifacts, Quiet()).bundle_id == OLD
    assert [entry.why for entry in log.read(shop.artifacts)] == [
        *["run"] * 3,
        *["rollback"] * 2,
        "publish",
        "rollback",
    ]


def test_going_back_needs_nothing_where_nothing_is_missing(shop: Shop) -> None:
    shop.run("second", pieces(12))
    listener = Quiet()
    done = release.rollback(shop.artifacts, listener)
    assert (done.embedded, listener.steps) == (0, [])


def test_what_came_or_changed_since_is_embedded_before_going_back(shop: Shop) -> None:
    stale = vector(shop, "shelf 1/piece-001")
    shop.run(NEW)
    assert searchable(shop) == ITEMS[NEW]
    listener = Quiet()
    done = release.rollback(shop.artifacts, listener)
    assert listener.steps == ["Embedding what is missing"]
    assert done.embedded == 5  # four new ones, and the one whose picture is another now
    assert live(shop) == OLD
    assert searchable(shop) == ITEMS[NEW]
    embedder = load_current(shop.artifacts).embedder
    (wanted,) = embedder.embed([embedder.prepare(picture(100))])
    np.testing.assert_allclose(vector(shop, "shelf 1/piece-001"), wanted, atol=1e-6)
    assert not np.allclose(stale, wanted)
    assert release.publish(shop.artifacts, NEW, Quiet()).embedded == 0
    assert release.rollback(shop.artifacts, Quiet()).embedded == 0


def test_what_came_through_the_api_is_in_every_later_bundle(shop: Shop) -> None:
    done = shop.run(NEW)
    assert done.embedded == 1
    assert ADDED.id in searchable(shop)


def test_an_item_whose_picture_is_gone_is_told_of(shop: Shop) -> None:
    shop.run(NEW)
    with closing(Catalogue(bundle.catalogue_url(shop.artifacts))) as catalogue:
        gone = catalogue.get("shelf 2/piece-012")
    Path(gone.location).unlink()
    done = release.rollback(shop.artifacts, Quiet())
    assert [Path(skipped.place).name for skipped in done.without] == [gone.sha256]
    assert searchable(shop) == ITEMS[NEW] - {gone.id}


def test_vectors_that_were_thrown_away_are_made_again(shop: Shop) -> None:
    shop.run("second", pieces(12))
    VectorStores(shop.artifacts).delete(OLD)
    assert release.rollback(shop.artifacts, Quiet()).embedded == 12
    assert len(searchable(shop)) == 12


def test_a_bundle_that_is_gone_is_passed_over(shop: Shop) -> None:
    for bundle_id in ("second", "third"):
        shop.run(bundle_id, pieces(12))
    shutil.rmtree(bundle.bundle_path(shop.artifacts, "second"))
    assert release.rollback(shop.artifacts, Quiet()).bundle_id == OLD


# --- PUBLISHED


def test_the_history_outlives_what_a_crash_makes_of_its_last_line(shop: Shop) -> None:
    path = shop.artifacts / "PUBLISHED"
    for damage in (b"secon", b"\0\0\0\0", b"never 2026-11-22T17:20:31+00:00 run\n"):  # the last: CURRENT did not change
        path.write_bytes(path.read_bytes() + damage)
        assert log.before(shop.artifacts) is None
    shop.run("second", pieces(12))
    assert log.before(shop.artifacts) == OLD


def test_artifacts_of_an_earlier_version_have_no_history(shop: Shop) -> None:
    (shop.artifacts / "PUBLISHED").unlink()
    shop.run("second", pieces(12))
    assert [entry.why for entry in log.read(shop.artifacts)] == ["found", "run"]
    assert release.rollback(shop.artifacts, Quiet()).bundle_id == OLD


# --- the gate


@pytest.fixture
def judged(tmp_path: Path) -> tuple[Shop, list[Piece], Projection]:
    """A live bundle that tells its labels apart, its pieces, and a projection that cannot see what they differ by."""
    home = make_shop(tmp_path / "judged", published=False)
    made, good = pieces(60), random_projection()
    home.run("draft", made)
    with closing(open_store(home.artifacts, load_current(home.artifacts))) as store:
        middle = np.median([store.get(piece.id) for piece in made], axis=0)
        signs = {piece.id: store.get(piece.id)[:2] > middle[:2] for piece in made}
    made = [replace(piece, label=f"label {signs[piece.id].tolist()}") for piece in made]
    shutil.rmtree(home.artifacts)
    centred = Projection(good.mean + middle @ good.components, good.components[:2].copy())
    assert home.run("good", made, centred).refused is None
    return home, made, Projection(centred.mean, good.components[2:].copy())


def test_a_significantly_worse_bundle_is_refused_and_nothing_changes(
    judged: tuple[Shop, list[Piece], Projection],
) -> None:
    shop, made, blind = judged
    before = {path: path.read_bytes() for path in (shop.artifacts / "CURRENT", shop.artifacts / "PUBLISHED")}
    done = shop.run("blind", [*made[:-1], replace(made[-1], id="another")], blind)
    assert done.refused == "it is significantly worse than the live one"
    assert done.change is not None
    assert done.change.difference.high < 0
    assert re.fullmatch(
        r"\d+ of 60 answers change; mAP 0\.\d\d -> 0\.\d\d \[-0\.\d\d, -0\.\d\d\]; worst label label \[.*\] -0\.\d\d",
        str(done.change),
    )
    assert {path: path.read_bytes() for path in before} == before
    assert "another" not in catalogued(shop.artifacts)
    bundle.verify(bundle.bundle_path(shop.artifacts, "blind"))
    assert release.publish(shop.artifacts, "blind", Quiet()).refused  # and again


def test_forced_it_does_all_that_its_run_would_have_done(judged: tuple[Shop, list[Piece], Projection]) -> None:
    shop, made, blind = judged
    shop.run("blind", [*made[:-1], replace(made[-1], id="another")], blind)
    assert release.publish(shop.artifacts, "blind", Quiet(), forced=True).refused is None
    assert live(shop) == "blind"
    assert searchable(shop) == {piece.id for piece in made[:-1]} | {"another"}
    assert log.read(shop.artifacts)[-1].why == "forced"
    better = release.publish(shop.artifacts, "good", Quiet())  # and the way back is open
    assert better.refused is None
    assert better.change is not None
    assert better.change.difference.low > 0


def test_shuffled_labels_are_judged_by_the_old_ones(judged: tuple[Shop, list[Piece], Projection]) -> None:
    shop, made, blind = judged
    names = np.random.default_rng(0).permutation([piece.label for piece in made])
    shuffled = [replace(piece, label=str(name)) for piece, name in zip(made, names, strict=True)]
    truth = pinned.read(shop.artifacts)
    assert shop.run("shuffled", shuffled, blind).refused
    assert pinned.read(shop.artifacts) == truth


def test_another_shop_in_the_same_place_is_not_judged_by_the_first(
    judged: tuple[Shop, list[Piece], Projection],
) -> None:
    shop, _made, blind = judged
    others = [replace(piece, data=picture(500 + n), id=f"other {n}") for n, piece in enumerate(pieces(20))]
    assert shop.run("others", others, blind).change is None
    assert {pin.path.parent for pin in pinned.read(shop.artifacts)} == {shop.home / "pictures"}
    assert len(pinned.read(shop.artifacts)) == 17  # its own are pinned now; three have no label


def test_what_is_pinned_by_choice_counts_though_it_is_no_item(
    judged: tuple[Shop, list[Piece], Projection], tmp_path: Path
) -> None:
    shop, made, _blind = judged
    for number, piece in enumerate(made[:20]):
        folder = tmp_path / "chosen" / str(piece.label)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(piece.data)
    release.publish(shop.artifacts, "good", Quiet(), pin=str(tmp_path / "chosen"))
    done = shop.run("fewer", made[40:], random_projection())
    assert done.change is not None
    assert done.change.queries == 20


def test_without_labels_there_is_no_gate_and_that_is_said(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "bare", published=False)
    bare = [replace(piece, label=None) for piece in pieces(12)]
    shop.run("first", bare)
    assert not (shop.artifacts / "pinned.csv").exists()
    listener = Quiet()
    shop.run("second", bare)
    assert release.publish(shop.artifacts, "first", listener).change is None
    assert any("nothing is compared" in note for note in listener.notes)


def test_how_many_queries_a_bundle_was_trained_on(shop: Shop) -> None:
    folder = bundle.bundle_path(shop.artifacts, OLD)
    manifest = bundle.read_manifest(folder)
    digests = [pin.sha256 for pin in pinned.read(shop.artifacts)]
    lines = ["id,part,sha256", f"a,train,{digests[0]}", f"b,validation,{digests[1]}", f"c,test,{digests[2]}"]
    (folder / "training" / "split.csv").write_text("\n".join(lines))
    counts = {"frozen": 0, "autoencoder": 1, "head": 2, "finetune": 1}
    for stage, count in counts.items():
        tuned = manifest.model_copy(update={"encoder": manifest.encoder.model_copy(update={"stage": stage})})
        assert replay.trained_on(folder, tuned, digests) == count
    (folder / "training" / "split.csv").write_text("id,part\na,train\n")
    assert replay.trained_on(folder, tuned, digests) is None


# --- what is damaged


def test_a_damaged_bundle_is_refused_and_forced_only_if_it_can_be_served(shop: Shop) -> None:
    shop.run("second", pieces(12))
    folder = bundle.bundle_path(shop.artifacts, OLD)
    (folder / "notes.txt").write_text("mine")
    done = release.publish(shop.artifacts, OLD, Quiet())
    assert "notes.txt, which its manifest does not list" in str(done.refused)
    assert live(shop) == "second"
    assert release.publish(shop.artifacts, OLD, Quiet(), forced=True).refused is None
    assert live(shop) == OLD
    release.publish(shop.artifacts, "second", Quiet())
    (folder / "report" / "index.html").write_text("<p>Better.")
    assert "index.html has changed" in str(release.publish(shop.artifacts, OLD, Quiet()).refused)
    with pytest.raises(BundleDamaged, match=r"index\.html has changed"):
        release.publish(shop.artifacts, OLD, Quiet(), forced=True)
    with pytest.raises(BundleDamaged, match=r"index\.html has changed"):
        release.rollback(shop.artifacts, Quiet())
    assert live(shop) == "second"


def test_a_damaged_live_bundle_does_not_keep_another_from_going_live(shop: Shop) -> None:
    (bundle.bundle_path(shop.artifacts, OLD) / "encoder.onnx").write_bytes(b"none")
    assert shop.run(NEW).refused is None
    assert live(shop) == NEW


@pytest.mark.parametrize("name", ["never", "../bundles/old", ".", ""])
def test_a_bundle_that_is_not_there(name: str, shop: Shop) -> None:
    with pytest.raises(BundleMissing, match="lookalike bundles"):
        release.publish(shop.artifacts, name, Quiet())


def test_waiting_items_that_are_not_whole_are_not_taken_for_the_catalogue(shop: Shop) -> None:
    pending.write(shop.artifacts, OLD, [])
    path = bundle.pending_path(shop.artifacts, OLD)
    whole = path.read_bytes()
    for damage in (b"", whole[:5], b'{"items": 3}\n', b"\0" * 40, b'{"id": "x"}\n' + whole):
        path.write_bytes(damage)
        listener = Quiet()
        with pytest.raises(ReleaseError):
            list(pending.read(shop.artifacts, OLD))
        with pytest.raises(ReleaseError, match=r"cannot be read|not whole"):
            release.publish(shop.artifacts, OLD, listener)
        assert len(catalogued(shop.artifacts)) == 12


# --- two at once


def test_of_two_publishers_one_is_told_who_the_other_is(shop: Shop) -> None:
    shop.run("second", pieces(12))
    with alone(shop.artifacts):
        for change in (
            lambda: release.publish(shop.artifacts, OLD, Quiet()),
            lambda: release.rollback(shop.artifacts, Quiet()),
        ):
            with pytest.raises(PublisherBusy, match=rf"process {os.getpid()} on \S+, since 20\d\d-"):
                change()
        assert live(shop) == "second"
        (shop.artifacts / "publish.holder").write_text(json.dumps([]))
        with pytest.raises(PublisherBusy, match="a process that has just begun"):
            release.rollback(shop.artifacts, Quiet())
    release.rollback(shop.artifacts, Quiet())
    assert live(shop) == OLD


def test_a_database_that_is_busy_leaves_everything_as_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.catalogue.database.BUSY_SECONDS", 0)
    with closing(sqlite3.connect(shop.artifacts / "catalogue.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogueError, match="locked"):
            shop.run(NEW)
    assert live(shop) == OLD
    assert searchable(shop) == ITEMS[OLD]
