"""Groups in a real catalogue: found, written, kept from run to run, and named after a check."""

import csv
from pathlib import Path

import numpy as np
import pytest

from retrieval import bundle
from retrieval.calibration import Calibration, Curve
from retrieval.catalogue import Catalogue, Item
from tests.conftest import run_trainer
from tests.retrieval.faces.test_yunet import spots
from tests.support.bundles import Piece, picture, png, write_artifacts
from tests.support.face_networks import yunet_stage
from trainer.errors import PeopleError
from trainer.people.catalogue import checked_label, find_groups, members_of, name_group, write_groups

NAMES = {(3, 0): "Ada"}
CURVE = Curve(np.array([0.0, 0.00004, 0.00012]), np.array([1.0, 0.95, 0.0]))
CALIBRATION = Calibration(CURVE, CURVE, "label", 340)
"""Of the tests' encoder, to which all faces are much alike: the same are 0.00002 apart, others ten times as far."""


def variant(person: int, number: int) -> bytes:
    """The same face again, a pattern of its own around a bright spot, with a little noise."""
    patches = np.random.default_rng(person).integers(0, 150, (4, 4, 3)).repeat(16, axis=0).repeat(16, axis=1)
    rgb = spots(96, 128, (64, 48)).astype(np.int64)
    spot = rgb[16:80, 32:96] > 0
    noise = np.random.default_rng(100 * person + number).integers(0, 6, patches.shape)
    rgb[16:80, 32:96] = np.where(spot, 255, patches + noise)
    return png(rgb.astype(np.uint8))


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Four people of two to five faces, the first of person 3 named Ada; and somebody who is there once."""
    people = [
        Piece(
            f"face-{person}-{number}", variant(person, number), "Ada" if (person, number) == (3, 0) else None, {"n": 1}
        )
        for person in range(4)
        for number in range(person + 2)
    ]
    people.append(Piece("stranger", variant(50, 0), None, {"face_blur": 0.9}))
    write_artifacts(tmp_path, people, faces=yunet_stage(), calibration=CALIBRATION)
    return tmp_path


def items(artifacts: Path) -> dict[str, Item]:
    catalogue = Catalogue(bundle.catalogue_url(artifacts))
    try:
        catalogue.check()
        return {item.id: item for item in catalogue.items()}
    finally:
        catalogue.close()


def groups_in(artifacts: Path) -> dict[str, object]:
    return {
        id_: item.attributes["face_group"] for id_, item in items(artifacts).items() if "face_group" in item.attributes
    }


def test_unnamed_faces_are_grouped_and_a_likely_name_is_told(artifacts: Path) -> None:
    grouped = find_groups(artifacts)
    assert grouped.faces == 14
    ids = [{item_id.split("-")[1] for item_id in group.ids} for group in grouped.groups]
    assert sorted(ids, key=min) == [{"0"}, {"1"}, {"2"}, {"3"}]
    assert [len(group.ids) for group in grouped.groups] == [4, 4, 3, 2]  # Ada has a name already
    likely = {group.label for group in grouped.groups if "face-3-1" in group.ids}
    assert likely == {"Ada"}
    assert {group.label for group in grouped.groups if "face-3-1" not in group.ids} == {None}
    assert groups_in(artifacts) == {}


def test_groups_keep_their_names_and_the_rest_of_the_items_stays(artifacts: Path) -> None:
    first = find_groups(artifacts)
    assert write_groups(artifacts, first.groups) == 13
    written = groups_in(artifacts)
    assert written == {item_id: group.name for group in first.groups for item_id in group.ids}
    assert all(item.attributes["n"] == 1 for id_, item in items(artifacts).items() if id_ != "stranger")
    assert write_groups(artifacts, find_groups(artifacts).groups) == 0
    assert write_groups(artifacts, find_groups(artifacts, min_faces=4).groups) == 5
    assert set(groups_in(artifacts).values()) == {written["face-3-1"], written["face-2-0"]}
    assert write_groups(artifacts, find_groups(artifacts).groups) == 5
    assert groups_in(artifacts)["face-3-1"] == written["face-3-1"]


def test_a_name_goes_to_all_but_those_left_out(artifacts: Path) -> None:
    write_groups(artifacts, find_groups(artifacts).groups)
    group = str(groups_in(artifacts)["face-2-0"])
    members = [item.id for item in members_of(artifacts, group)]
    assert members == ["face-2-0", "face-2-1", "face-2-2", "face-2-3"]
    assert name_group(artifacts, group, "Bob", [*members, "face-1-0"], {"face-2-3"}) == 3
    after = items(artifacts)
    assert [after[item_id].label for item_id in members] == ["Bob", "Bob", "Bob", None]
    assert not any("face_group" in after[item_id].attributes for item_id in members)
    assert after["face-1-0"].label is None
    with pytest.raises(PeopleError, match=f"no group {group}"):
        members_of(artifacts, group)


def test_poor_faces_can_be_left_out(artifacts: Path) -> None:
    assert find_groups(artifacts, max_blur=0.5).faces == 0  # the others tell no quality
    assert find_groups(artifacts, max_blur=0.9).faces == 1


def test_where_there_is_no_calibration_a_cosine_is_wanted(tmp_path: Path) -> None:
    write_artifacts(tmp_path, [Piece(f"{n}", variant(n // 2, n), None, {}) for n in range(8)], faces=yunet_stage())
    with pytest.raises(PeopleError, match="--min-cosine"):
        find_groups(tmp_path)
    assert [len(group.ids) for group in find_groups(tmp_path, min_cosine=0.9999).groups] == [2] * 4


def test_a_bundle_of_whole_pictures_has_no_faces(tmp_path: Path) -> None:
    write_artifacts(tmp_path, [Piece(f"{n}", picture(n), None, {}) for n in range(8)])
    with pytest.raises(PeopleError, match="--config faces"):
        find_groups(tmp_path)


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\x07"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(PeopleError, match="This cannot be a name"):
        checked_label(text)


def test_the_commands(artifacts: Path, tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    done = run_trainer("cluster", "--faces", "--artifacts", artifacts, "--out", table)
    assert done.returncode == 0, done.stderr
    assert "4 groups of 13 faces; 1 of 14 faces are in none." in done.stdout
    with table.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert {item_id: row["group"] for item_id, row in rows.items()} == groups_in(artifacts)
    group = rows["face-3-1"]["group"]
    assert rows["face-3-1"]["likely"] == "Ada"
    done = run_trainer("name", group, "Ada", "--artifacts", artifacts)  # nobody says yes
    assert done.returncode == 1
    assert items(artifacts)["face-3-1"].label is None
    done = run_trainer("name", group, "Ada", "--without", "stranger", "--yes", "--artifacts", artifacts)
    assert f"stranger is not in {group}" in done.stderr
    done = run_trainer("name", group, "Ada", "--yes", "--artifacts", artifacts)
    assert "4 faces are Ada now." in done.stdout
    assert [item.label for id_, item in items(artifacts).items() if id_.startswith("face-3")] == ["Ada"] * 5
    assert "Only faces can be grouped" in run_trainer("cluster", "--artifacts", artifacts).stderr
