"""Publishing where several machines share the database and the store of bundles."""

from pathlib import Path

import pytest

from retrieval import bundle
from retrieval.bundle import Places
from retrieval.errors import BundleMissing
from tests.support.bundles import pieces
from tests.trainer.releases.quiet import Quiet
from tests.trainer.releases.shops import Shop, live, make_shop
from trainer.errors import ReleaseError
from trainer.releases import inventory, log, release


def test_another_machine_publishes_and_goes_back(tmp_path: Path, postgres_url: str) -> None:
    places = Places(catalogue_url=postgres_url, artifacts_url=f"file://{tmp_path / 'shelf'}")
    shop, other = make_shop(tmp_path / "shop", published=False), Shop(tmp_path / "other")
    for each in (shop, other):
        bundle.write_places(each.artifacts, places)
    for bundle_id in ("first", "second"):
        shop.run(bundle_id, pieces(12))
    assert live(shop) == live(other) == "second"
    assert not (shop.artifacts / "CURRENT").exists()
    assert [(each.id, each.live) for each in inventory.bundles(other.artifacts)] == [("second", True), ("first", False)]
    assert not bundle.ids(other.artifacts), "nothing was fetched to list them"

    with pytest.raises(BundleMissing):
        release.publish(other.artifacts, "third", Quiet())
    # Vectors are files of the first machine here: the second one embeds nothing, as it has no store of them.
    assert release.rollback(shop.artifacts, Quiet()).bundle_id == "first"
    assert live(other) == "first"
    assert [entry.why for entry in log.read(other.artifacts)] == ["run", "run", "rollback"]
    with pytest.raises(ReleaseError, match="no bundle was live"):
        release.rollback(other.artifacts, Quiet())

    assert [info.id for info in inventory.prune(shop.artifacts, 0, dry_run=False).removed] == ["second"]
    assert [info.id for info in inventory.bundles(other.artifacts)] == ["first"]
