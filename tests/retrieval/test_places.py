"""store.json: where an artifacts folder keeps its items and pictures."""

from pathlib import Path

import pytest

from retrieval import bundle
from retrieval.bundle import Places
from retrieval.errors import BundleDamaged


def test_a_folder_keeps_everything_itself_unless_told(tmp_path: Path) -> None:
    assert bundle.catalogue_url(tmp_path) == f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    assert bundle.pictures_url(tmp_path / "no folder") is None


def test_what_it_was_told_is_read_back(tmp_path: Path) -> None:
    places = Places(catalogue_url="postgresql://user@db/items", pictures_url="s3://bucket/shop/")
    bundle.write_places(tmp_path / "new", places)
    assert bundle.catalogue_url(tmp_path / "new") == "postgresql://user@db/items"
    assert bundle.pictures_url(tmp_path / "new") == "s3://bucket/shop"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "JSON"),
        ('{"format": 2}', "format"),
        ('{"format": 1, "pictures": "s3://bucket/x"}', "pictures"),
        ('{"catalogue_url": "postgresql://user:hush@db/items"}', "PGPASSWORD"),
        ('{"catalogue_url": "postgresql://db/items?password=hush"}', "PGPASSWORD"),
        ('{"pictures_url": "/srv/pictures"}', "file:///folder"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "store.json").write_text(text)
    with pytest.raises(BundleDamaged, match=reason) as raised:
        bundle.catalogue_url(tmp_path)
    assert "hush" not in str(raised.value)
