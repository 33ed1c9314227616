"""CelebA, from a small tree in the publisher's format."""

from pathlib import Path

import pytest

from trainer.errors import SourceError
from trainer.sources import celeba

ATTRIBUTES = """\
3
5_o_Clock_Shadow Bald Eyeglasses 
000001.jpg -1  1 -1
000002.jpg  1 -1  1
000003.jpg -1 -1 -1
"""  # noqa: W291  # the publisher's file has that blank


def fill(folder: Path) -> Path:
    (folder / "img_align_celeba").mkdir()
    for number in (1, 2, 3):
        (folder / "img_align_celeba" / f"{number:06d}.jpg").touch()
    contents = {
        "identity_CelebA.txt": "000001.jpg 2880\n000002.jpg 2937\n000003.jpg 2880\n",
        "list_eval_partition.txt": "000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n",
        "list_attr_celeba.txt": ATTRIBUTES,
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_identities_parts_and_attributes(tmp_path: Path) -> None:
    listing = celeba.read(fill(tmp_path))
    assert [(p.id, p.label, p.part) for p in listing.pictures] == [
        ("000001", "2880", "train"),
        ("000002", "2937", "validation"),
        ("000003", "2880", "test"),
    ]
    assert [dict(p.attributes) for p in listing.pictures[:2]] == [
        {"5_o_Clock_Shadow": False, "Bald": True, "Eyeglasses": False},
        {"5_o_Clock_Shadow": True, "Bald": False, "Eyeglasses": True},
    ]
    assert listing.pictures[0].path == tmp_path / "img_align_celeba" / "000001.jpg"
    assert not listing.skipped


def test_a_picture_that_is_not_there_is_skipped(tmp_path: Path) -> None:
    (fill(tmp_path) / "img_align_celeba" / "000002.jpg").unlink()
    listing = celeba.read(tmp_path)
    assert [p.id for p in listing.pictures] == ["000001", "000003"]
    assert [Path(entry.place).name for entry in listing.skipped] == ["000002.jpg"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("identity_CelebA.txt", "000001.jpg\n"),
        ("list_eval_partition.txt", "000001.jpg 0 1\n"),
        ("list_attr_celeba.txt", ""),
        ("list_attr_celeba.txt", ATTRIBUTES.replace("3\n", "4\n", 1)),
        ("list_attr_celeba.txt", ATTRIBUTES.replace("1 -1\n", "1\n", 1)),
        ("list_attr_celeba.txt", ATTRIBUTES.replace("-1", "0")),
    ],
)
def test_a_list_that_is_none_is_an_error(name: str, content: str, tmp_path: Path) -> None:
    (fill(tmp_path) / name).write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=name.replace(".", r"\.")):
        celeba.read(tmp_path)
