"""Going live: what is damaged is refused, nothing is half done, and one publishes at a time."""

import json
import os
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue
from retrieval.errors import BundleDamaged, BundleMissing, StorageBusy
from tests.support.bundles import pieces
from tests.trainer.releases.quiet import Quiet
from tests.trainer.releases.shops import ITEMS, NEW, OLD, Shop, catalogued, live, make_shop, searchable
from trainer.errors import PublisherBusy, ReleaseError
from trainer.releases import pending, release
from trainer.releases.lock import alone


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The earlier bundle is live."""
    return make_shop(tmp_path / "shop", published=True)


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
            partial(release.publish, shop.artifacts, OLD, Quiet()),
            partial(release.rollback, shop.artifacts, Quiet()),
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
    monkeypatch.setattr(release, "Catalogue", partial(Catalogue, busy_seconds=0))
    with closing(sqlite3.connect(shop.artifacts / "catalogue.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageBusy, match="locked"):
            shop.run(NEW)
    assert live(shop) == OLD
    assert searchable(shop) == ITEMS[OLD]
