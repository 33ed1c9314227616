"""The list of bundles, and what is removed of them."""

import os
from pathlib import Path

import pytest

from retrieval import bundle
from tests.support.bundles import pieces
from tests.trainer.releases.quiet import Quiet
from tests.trainer.releases.shops import Shop, make_shop
from trainer.errors import PublisherBusy
from trainer.releases import inventory, release
from trainer.releases.lock import alone


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Four bundles, of which the second is live; and one that cannot be read."""
    shop = make_shop(tmp_path / "shop", published=False)
    for name in ("first", "second", "third", "fourth"):
        shop.run(name, pieces(12))
    release.publish(shop.artifacts, "second", Quiet())
    (shop.artifacts / "bundles" / "foreign").mkdir()
    (shop.artifacts / "bundles" / ".fifth.draft").mkdir()
    return shop


def names(shop: Shop) -> list[str]:
    return [info.id for info in inventory.bundles(shop.artifacts)]


def test_the_newest_comes_first_and_what_cannot_be_read_last(shop: Shop) -> None:
    assert names(shop) == ["fourth", "third", "second", "first", "foreign"]
    result = {info.id: info for info in inventory.bundles(shop.artifacts)}
    assert [name for name, info in result.items() if info.live] == ["second"]
    assert "There is no bundle in" in str(result["foreign"].problem)
    folder = bundle.bundle_path(shop.artifacts, "first")
    files = [*folder.rglob("*"), *(shop.artifacts / "vectors").glob("first.*")]
    assert result["first"].size == sum(path.stat().st_size for path in files if path.is_file())
    assert (result["first"].encoder, result["first"].stage) == ("tiny", "frozen")


@pytest.mark.parametrize("keep", [0, 1, 2, 3, 9])
def test_the_newest_and_the_live_one_stay(keep: int, shop: Shop) -> None:
    would = inventory.prune(shop.artifacts, keep, dry_run=True)
    assert len(names(shop)) == 5
    before = sum(path.stat().st_size for path in shop.artifacts.rglob("*") if path.is_file())
    done = inventory.prune(shop.artifacts, keep, dry_run=False)
    assert done == would
    kept = {*["fourth", "third", "second", "first"][:keep], "second", "foreign"}
    assert set(names(shop)) == kept
    after = sum(path.stat().st_size for path in shop.artifacts.rglob("*") if path.is_file())
    assert before - after == done.freed
    left = {path.name.partition(".")[0] for path in (shop.artifacts / "vectors").iterdir()}
    assert left == kept - {"foreign"}
    bundle.verify(bundle.bundle_path(shop.artifacts, bundle.current(shop.artifacts)))


def test_removing_that_was_killed_is_finished_by_the_next(shop: Shop) -> None:
    left_over = shop.artifacts / "bundles" / ".zeroth.pruned"
    os.renames(bundle.bundle_path(shop.artifacts, "first"), left_over)
    assert "first" not in names(shop)
    inventory.prune(shop.artifacts, 9, dry_run=False)
    assert not left_over.exists()
    with alone(shop.artifacts), pytest.raises(PublisherBusy):
        inventory.prune(shop.artifacts, 0, dry_run=False)
