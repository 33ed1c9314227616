"""Going back: to which bundle, what is finished on the way, and what the history remembers."""

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue
from retrieval.vectors.stores import EmbeddedStores
from tests.support.bundles import picture, pieces
from tests.trainer.releases.quiet import Quiet
from tests.trainer.releases.shops import ADDED, ITEMS, NEW, OLD, Shop, live, make_shop, searchable
from trainer.bundles import load_current, open_store
from trainer.errors import ReleaseError
from trainer.releases import log, release


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The earlier bundle is live."""
    return make_shop(tmp_path / "shop", published=True)


def vector(shop: Shop, item: str) -> np.ndarray:
    """Of the live bundle."""
    with closing(open_store(shop.artifacts, load_current(shop.artifacts))) as store:
        return store.get(item)


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
    EmbeddedStores(shop.artifacts).delete(OLD)
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
