"""Which pictures are set aside for the comparison, so that no run looks at them."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bundles import picture
from tests.support.marks import examples
from tests.trainer.compare.examples import shelves
from trainer.compare.plan import SetAside, set_aside
from trainer.config import Config, SplitConfig


def aside(folder: Path) -> SetAside:
    return set_aside(str(folder), Config(), folder.parent, lambda _done, _total: None)


def test_a_changed_picture_makes_another_source(tmp_path: Path) -> None:
    folder = shelves(tmp_path / "shop", labels=4, pictures=6)
    digest = aside(folder).digest
    assert aside(folder).digest == digest
    next(folder.glob("*/*.jpg")).write_bytes(picture(999))
    assert aside(folder).digest != digest


@settings(deadline=None, max_examples=examples(25))
@given(st.sampled_from(["image", "label", "column"]), st.integers(8, 20), st.integers(6, 12), st.integers(0, 5))
def test_what_is_set_aside_is_new_in_the_way_the_split_asks_for(
    tmp_path_factory: pytest.TempPathFactory, by: str, labels: int, pictures: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("listed")
    (folder / "one.jpg").touch()
    rows = [(f"{n}.jpg", f"label {n % labels}", f"sender {n % 7}") for n in range(labels * pictures)]
    for name, _label, _sender in rows:
        (folder / name).touch()
    with (folder / "shop.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "sender"), *rows])
    split = SplitConfig(by="column", column="sender") if by == "column" else SplitConfig.model_validate({"by": by})
    result = set_aside(str(folder / "shop.csv"), Config(split=split, seed=seed), folder, lambda _done, _total: None)
    parts = {Path(line["path"]).name: line["part"] for line in csv.DictReader(result.table.splitlines())}
    assert {folder / name for name, part in parts.items() if part == "test"} == result.test
    grouped = {"image": 0, "label": 1, "column": 2}[by]
    values = {part: {r[grouped] for r in rows if parts[r[0]] == part} for part in ("train", "validation", "test")}
    assert all(values.values())
    assert values["test"].isdisjoint(values["train"] | values["validation"])
    assert values["validation"].isdisjoint(values["train"])


def test_a_publishers_own_test_part_is_kept(tmp_path: Path) -> None:
    for part, count in (("train", 6), ("test", 2)):
        shelves(tmp_path / "shop" / part, labels=3, pictures=count)
    config = Config(split=SplitConfig(by="publisher"))
    result = set_aside(str(tmp_path / "shop"), config, tmp_path, lambda _done, _total: None)
    parts = [(Path(line["path"]).parts[-3], line["part"]) for line in csv.DictReader(result.table.splitlines())]
    assert [part for folder, part in parts if folder == "test"] == ["test"] * 6
    assert {part for folder, part in parts if folder == "train"} == {"train", "validation"}
