"""What was written before there was a normal form of text is found by it after the upgrade."""

import json
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from retrieval.catalogue import Catalogue, schema
from retrieval.filters import Filter, OneOf

NFC, NFD = "caf\u00e9", "cafe\u0301"

ROWS: list[tuple[str, str | None, dict[str, Any]]] = [
    ("a", NFD, {NFD: NFD, "price": 1}),
    ("b", f" {NFC}\u200b", {"colour ": "red\u00a0"}),
    ("c", "\u200b", {}),
    (NFD, "x", {NFD: 1, NFC: 2}),
    ("cafe\u0301 2", None, {}),
    ("caf\u00e9 2", None, {}),
    ("plain", "cup", {"a": "b", "glazed": True, "size": 2.5}),
]


@pytest.fixture
def old(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database of version 0002 with ROWS."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "VERSION", "0002")
        upgrade = command.upgrade
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0002"))
        schema.open_database(url).close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for id_, label, attributes in ROWS:
            connection.execute(
                sa.text(
                    "INSERT INTO items (id, location, sha256, media_type, width, height, label, attributes, origin) "
                    "VALUES (:id, 'x.jpg', 'x', 'image/jpeg', 1, 1, :label, :attributes, 'api')"
                ),
                {"id": id_, "label": label, "attributes": json.dumps(attributes)},
            )
        connection.execute(sa.text("INSERT INTO dismissals VALUES ('d', :item), ('d', 'a')"), {"item": NFD})
    engine.dispose()
    return url


def test_labels_attributes_and_ids_are_in_normal_form(old: str) -> None:
    with closing(Catalogue(old)) as catalogue:
        held = {item.id: (item.label, dict(item.attributes)) for item in catalogue.items()}
        assert held == {
            "a": (NFC, {NFC: NFC, "price": 1}),
            "b": (NFC, {"colour": "red"}),
            "c": (None, {}),
            NFC: ("x", {NFD: 1, NFC: 2}),
            "cafe\u0301 2": (None, {}),  # another item has the composed id
            "caf\u00e9 2": (None, {}),
            "plain": ("cup", {"a": "b", "glazed": True, "size": 2.5}),
        }
        assert catalogue.matching(Filter(label=OneOf((NFC,)))) == ["a", "b"]
        assert catalogue.matching(Filter(attributes={NFC: OneOf((NFC,))})) == ["a"]
    engine = sa.create_engine(old)
    with engine.connect() as connection:
        assert set(connection.execute(sa.text("SELECT item FROM dismissals")).scalars()) == {NFC, "a"}
    engine.dispose()


def test_a_second_opening_changes_nothing(old: str) -> None:
    with closing(Catalogue(old)) as catalogue:
        first = list(catalogue.items())
    with closing(Catalogue(old)) as catalogue:
        assert list(catalogue.items()) == first
