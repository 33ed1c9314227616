"""A run learns what people corrected, and publishes what the source says, over which the catalogue keeps it."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from retrieval import bundle
from retrieval.catalogue import Catalogue
from tests.support.bundles import picture
from tests.trainer.releases.quiet import Quiet
from tests.trainer.releases.shops import BEFORE, make_shop
from trainer.config import load_config
from trainer.releases import pinned, release
from trainer.run.corrections import corrected, read_corrections
from trainer.run.inputs import read_inputs


def correct(artifacts: Path, item_id: str, label: str | None) -> None:
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as rows:
        item = rows.get(item_id)
        changed = replace(item, label=label)
        rows.describe(changed)
        rows.history.add(item, changed, None)


def label_of(artifacts: Path, item_id: str) -> str | None:
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        return catalogue.get(item_id).label


def test_a_published_run_keeps_a_correction_until_the_source_changes(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, published=True)
    one = BEFORE[1]
    correct(shop.artifacts, one.id, "corrected")
    shop.run("second", BEFORE[1:])
    shop.run("third", BEFORE[1:])
    assert label_of(shop.artifacts, one.id) == "corrected"
    shop.run("fourth", [replace(one, label="said anew"), *BEFORE[2:]])
    assert label_of(shop.artifacts, one.id) == "said anew"


def test_inputs_have_the_corrected_labels_and_the_items_what_the_source_says(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, published=True)
    folder = tmp_path / "source"
    for label in ("cup", "jug"):
        (folder / label).mkdir(parents=True)
        for number in range(4):
            (folder / label / f"{number}.png").write_bytes(picture(number + 10 * (label == "jug")))
    config = load_config(Path("trainer/configs/demo.toml"))
    listener = Quiet()
    first = read_inputs(str(folder), config, shop.artifacts, listener).listing
    one = first.pictures[0]
    with closing(Catalogue(bundle.catalogue_url(shop.artifacts))) as catalogue:
        item = next(iter(catalogue.items()))
        catalogue.add_source([replace(item, id=one.id, label=one.label, attributes=one.attributes)])
    correct(shop.artifacts, one.id, "corrected")
    again = read_inputs(str(folder), config, shop.artifacts, listener).listing
    assert [each.label for each in again.pictures] == ["corrected", *(each.label for each in first.pictures[1:])]
    assert "Of 1 picture, what people corrected counts, not what the source says." in again.notes
    assert again.pictures[0].source is not None and again.pictures[0].source.label == one.label


def test_nothing_is_read_or_made_where_nothing_was_published(tmp_path: Path) -> None:
    assert read_corrections(tmp_path) == {}
    assert corrected([], {}) == ([], 0)
    assert list(tmp_path.iterdir()) == []


def test_the_gate_asks_by_the_labels_that_people_gave(tmp_path: Path) -> None:
    """Otherwise a bundle that learned from corrections would be refused for them."""
    shop = make_shop(tmp_path, published=True)
    shop.run("second", BEFORE)  # which pins
    pins = {pin.sha256: pin.label for pin in pinned.read(shop.artifacts) or []}
    with closing(Catalogue(bundle.catalogue_url(shop.artifacts))) as catalogue:
        one, other, *_ = (item for item in catalogue.items() if item.sha256 in pins and item.origin == "source")
    correct(shop.artifacts, one.id, "corrected")
    counting = release._that_count(shop.artifacts, "second", pinned.read(shop.artifacts) or [])
    labels = {pin.sha256: pin.label for pin in counting}
    assert labels == pins | {one.sha256: "corrected"}
    assert labels[other.sha256] == other.label
    correct(shop.artifacts, one.id, None)
    assert one.sha256 not in {pin.sha256 for pin in release._that_count(shop.artifacts, "second", counting)}
