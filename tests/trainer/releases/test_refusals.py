"""Bundles that are significantly worse than the live one: refused, and forced all the same."""

import re
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval import bundle
from retrieval.encoding.projection import Projection
from tests.support.bundles import Piece, picture, pieces, random_projection
from tests.trainer.releases.quiet import Quiet
from tests.trainer.releases.shops import OLD, Shop, catalogued, live, make_shop, searchable
from trainer.bundles import load_current, open_store
from trainer.releases import log, pinned, release, replay


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The earlier bundle is live."""
    return make_shop(tmp_path / "shop", published=True)


@pytest.fixture
def gated_shop(tmp_path: Path) -> tuple[Shop, list[Piece], Projection]:
    """A live bundle that tells its labels apart, its pieces, and a projection that cannot see what they differ by."""
    home = make_shop(tmp_path / "gated_shop", published=False)
    made, good = pieces(60), random_projection()
    home.run("draft", made)
    with closing(open_store(home.artifacts, load_current(home.artifacts))) as store:
        middle = np.median([store.get(piece.id) for piece in made], axis=0)
        signs = {piece.id: store.get(piece.id)[:2] > middle[:2] for piece in made}
    made = [replace(piece, label=f"label {signs[piece.id].tolist()}") for piece in made]
    shutil.rmtree(home.artifacts)
    centred = Projection((good.mean + middle @ good.components).astype(np.float32), good.components[:2].copy())
    assert home.run("good", made, centred).refused is None
    return home, made, Projection(centred.mean, good.components[2:].copy())


def test_a_significantly_worse_bundle_is_refused_and_nothing_changes(
    gated_shop: tuple[Shop, list[Piece], Projection],
) -> None:
    shop, made, blind = gated_shop
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


def test_forced_it_does_all_that_its_run_would_have_done(gated_shop: tuple[Shop, list[Piece], Projection]) -> None:
    shop, made, blind = gated_shop
    shop.run("blind", [*made[:-1], replace(made[-1], id="another")], blind)
    assert release.publish(shop.artifacts, "blind", Quiet(), forced=True).refused is None
    assert live(shop) == "blind"
    assert searchable(shop) == {piece.id for piece in made[:-1]} | {"another"}
    assert log.read(shop.artifacts)[-1].why == "forced"
    better = release.publish(shop.artifacts, "good", Quiet())  # and the way back is open
    assert better.refused is None
    assert better.change is not None
    assert better.change.difference.low > 0


def test_shuffled_labels_are_judged_by_the_old_ones(gated_shop: tuple[Shop, list[Piece], Projection]) -> None:
    shop, made, blind = gated_shop
    names = np.random.default_rng(0).permutation([piece.label for piece in made])
    shuffled = [replace(piece, label=str(name)) for piece, name in zip(made, names, strict=True)]
    truth = pinned.read(shop.artifacts)
    assert shop.run("shuffled", shuffled, blind).refused
    assert pinned.read(shop.artifacts) == truth


def test_another_shop_in_the_same_place_is_not_judged_by_the_first(
    gated_shop: tuple[Shop, list[Piece], Projection],
) -> None:
    shop, _made, blind = gated_shop
    others = [replace(piece, data=picture(500 + n), id=f"other {n}") for n, piece in enumerate(pieces(20))]
    assert shop.run("others", others, blind).change is None
    assert {pin.path.parent for pin in pinned.read(shop.artifacts)} == {shop.home / "pictures"}
    assert len(pinned.read(shop.artifacts)) == 17  # its own are pinned now; three have no label


def test_what_is_pinned_by_choice_counts_though_it_is_no_item(
    gated_shop: tuple[Shop, list[Piece], Projection], tmp_path: Path
) -> None:
    shop, made, _blind = gated_shop
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
