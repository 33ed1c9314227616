"""Labeled Faces in the Wild, from a small tree in the publisher's format."""

from pathlib import Path

import pytest

from trainer.errors import SourceError
from trainer.sources import lfw
from trainer.sources.lfw import Pair, read_pairs


def fill(folder: Path) -> Path:
    for name, count in {"George_W_Bush": 2, "Abdullah": 1, "Kim_Jong-Il": 1}.items():
        (folder / "lfw-deepfunneled" / name).mkdir(parents=True)
        for number in range(1, count + 1):
            (folder / "lfw-deepfunneled" / name / f"{name}_{number:04d}.jpg").touch()
    (folder / "peopleDevTrain.txt").write_text("2\nAbdullah\t1\nGeorge_W_Bush\t2\n", encoding="utf-8")
    (folder / "peopleDevTest.txt").write_text("1\nKim_Jong-Il\t1\n", encoding="utf-8")
    return folder


def test_people_are_labels_and_the_views_lists_are_parts(tmp_path: Path) -> None:
    listing = lfw.read(fill(tmp_path))
    assert [(p.id, p.label, p.part) for p in listing.pictures] == [
        ("Abdullah_0001", "Abdullah", "train"),
        ("George_W_Bush_0001", "George_W_Bush", "train"),
        ("George_W_Bush_0002", "George_W_Bush", "train"),
        ("Kim_Jong-Il_0001", "Kim_Jong-Il", "test"),
    ]
    assert listing.pictures[0].path == tmp_path / "lfw-deepfunneled" / "Abdullah" / "Abdullah_0001.jpg"


@pytest.mark.parametrize("content", ["", "2\nAbdullah\t1\n", "Abdullah\t1\n", "1\nAbdullah\n", b"\xff\xfe"])
def test_a_list_of_people_that_is_none_is_an_error(content: str | bytes, tmp_path: Path) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    (fill(tmp_path) / "peopleDevTest.txt").write_bytes(raw)
    with pytest.raises(SourceError, match=r"peopleDevTest\.txt"):
        lfw.read(tmp_path)


def test_the_copy_that_is_packed_twice_and_has_tables(tmp_path: Path) -> None:
    wanted = [(p.id, p.label, p.part) for p in lfw.read(fill(tmp_path / "published")).pictures]
    copy = fill(tmp_path / "copy")
    (copy / "lfw-deepfunneled").rename(copy / "inner")
    (copy / "lfw-deepfunneled").mkdir()
    (copy / "inner").rename(copy / "lfw-deepfunneled" / "lfw-deepfunneled")
    (copy / "lfw-deepfunneled" / ".DS_Store").touch()
    for name in ("peopleDevTrain", "peopleDevTest"):
        people = [line.split() for line in (copy / f"{name}.txt").read_text(encoding="utf-8").splitlines()[1:]]
        table = "name,images\n" + "".join(f"{person},{count}\n" for person, count in people)
        (copy / f"{name}.csv").write_text(table, encoding="utf-8")
        (copy / f"{name}.txt").unlink()
    (copy / "pairs.csv").touch()
    assert not lfw.DATA_SET.missing(copy)
    assert [(p.id, p.label, p.part) for p in lfw.read(copy).pictures] == wanted
    (copy / "peopleDevTest.csv").write_text("who,images\nx,1\n", encoding="utf-8")
    with pytest.raises(SourceError, match="peopleDevTest"):
        lfw.read(copy)


# --- pairs

SAME = ["Abel_Pacheco\t1\t4", "Akhmed_Zakayev\t1\t3"]
DIFFERENT = ["Abdel_Madi_Shabneh\t1\tDean_Barker\t1", "Abdel_Madi_Shabneh\t1\tGiancarlo_Fisichella\t12"]


def write(folder: Path, *lines: str) -> Path:
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "pairs.txt"


def test_pairs_of_two_folds(tmp_path: Path) -> None:
    file = write(tmp_path, "2\t1", SAME[0], DIFFERENT[0], SAME[1], DIFFERENT[1])
    assert read_pairs(file) == [
        Pair("Abel_Pacheco_0001", "Abel_Pacheco_0004", True, 0),
        Pair("Abdel_Madi_Shabneh_0001", "Dean_Barker_0001", False, 0),
        Pair("Akhmed_Zakayev_0001", "Akhmed_Zakayev_0003", True, 1),
        Pair("Abdel_Madi_Shabneh_0001", "Giancarlo_Fisichella_0012", False, 1),
    ]


def test_pairs_of_a_development_set_have_one_fold(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, "2", *SAME, *DIFFERENT))
    assert [(pair.same, pair.fold) for pair in pairs] == [(True, 0), (True, 0), (False, 0), (False, 0)]


def test_the_table_of_the_copy_at_kaggle_has_the_same_pairs(tmp_path: Path) -> None:
    lines = [SAME[0], DIFFERENT[0], SAME[1], DIFFERENT[1]]
    expected = read_pairs(write(tmp_path, "2\t1", *lines))
    rows = [line.replace("\t", ",") + ("," if line in SAME else "") for line in lines]
    assert read_pairs(write(tmp_path, "name,imagenum1,imagenum2,", *rows)) == expected


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("name,imagenum1,imagenum2,", "Abel_Pacheco,1,"),
        ("name,imagenum1,imagenum2,", "Abel_Pacheco,one,4,"),
        ("2\t1", SAME[0], DIFFERENT[0]),
        ("1\t1", SAME[0], SAME[1]),
        ("1\t1", DIFFERENT[0], SAME[0]),
        ("1\t1", "Abel_Pacheco\tone\t4", DIFFERENT[0]),
        (SAME[0], DIFFERENT[0]),
        ("1\tmany", SAME[0], DIFFERENT[0]),
    ],
)
def test_a_list_of_pairs_that_is_none_is_an_error(lines: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"pairs\.txt"):
        read_pairs(write(tmp_path, *lines))
