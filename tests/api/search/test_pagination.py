"""Pages of one search while the catalogue changes: what stays is shown once, whatever comes and goes beside it."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api.search import pagination
from api.search.pagination import MAX_MARKS, PageState, decode_marks, encode_marks, mark_of
from tests.api.conftest import OpenApi, Shop
from tests.support.bundles import picture

METRICS = ("cosine", "euclidean", "fused")


@dataclass
class Stock:
    """The shop's items as they are now, and the changes that may be made between two pages."""

    client: TestClient
    random: np.random.Generator
    labels: dict[str, str | None]
    touched: set[str] = field(default_factory=set)
    """Came, went or changed since the search began."""

    def delete(self, item: str) -> None:
        assert self.client.delete(f"/item?id={item.replace('/', '%2F')}").status_code == 204
        del self.labels[item]
        self.touched.add(item)

    def add(self) -> None:
        item, label = f"later {len(self.touched)}", f"label-{self.random.integers(6)}"
        files = {"file": picture(int(self.random.integers(10_000, 20_000)))}
        added = self.client.post("/items", files=files, data={"id": item, "label": label})
        assert added.status_code == 201, added.text
        self.labels[item] = label
        self.touched.add(item)

    def change(self, shown_first: list[str]) -> None:
        """Some of what was shown goes, something that was not goes, something comes."""
        for item in self.random.permutation(shown_first)[:3].tolist():
            if item in self.labels:
                self.delete(item)
        self.delete(self.random.permutation(sorted(set(self.labels) - set(shown_first)))[0])
        for _item in range(2):
            self.add()


@pytest.fixture
def stock(own_shop: Shop, open_api: OpenApi, request: pytest.FixtureRequest) -> Stock:
    client = open_api(artifacts=own_shop.artifacts)
    labels = {piece.id: piece.label for piece in own_shop.pieces.values()}
    return Stock(client, np.random.default_rng(request.param), labels)


def pages(stock: Stock, **fields: Any) -> list[dict[str, Any]]:
    """All hits, in the order of the pages, with changes between them."""
    answer = stock.client.post("/search", files={"file": picture(66)}, data={"k": "8"} | fields).json()
    hits = answer["hits"]
    while answer["next"]:
        stock.change([hit["id"] for hit in hits])
        page = stock.client.get(answer["next"])
        assert page.status_code == 200, page.text
        answer = page.json()
        assert [hit["rank"] for hit in answer["hits"]] == list(range(answer["offset"] + 1, answer["offset"] + 1 + 8))[
            : len(answer["hits"])
        ]
        hits += answer["hits"]
    return hits


@pytest.mark.parametrize("stock", range(3), indirect=True)
@pytest.mark.parametrize("metric", METRICS)
def test_an_item_that_stays_is_shown_once_and_none_twice(stock: Stock, metric: str) -> None:
    started = set(stock.labels)
    ids = [hit["id"] for hit in pages(stock, metric=metric)]
    assert len(stock.touched) > 20
    assert len(set(ids)) == len(ids)
    assert started - stock.touched <= set(ids)


@pytest.mark.parametrize("stock", range(3), indirect=True)
@pytest.mark.parametrize("metric", METRICS)
def test_a_group_that_stays_is_shown_once_and_none_twice(stock: Stock, metric: str) -> None:
    started = dict(stock.labels)
    groups = [hit["group"] for hit in pages(stock, metric=metric, group_by="label", k="2")]
    assert len(stock.touched) > 3
    assert len(set(groups)) == len(groups)
    assert {label for item, label in started.items() if item not in stock.touched} <= set(groups)


@pytest.mark.parametrize("stock", [0], indirect=True)
@pytest.mark.parametrize("metric", METRICS)
def test_what_is_described_anew_between_pages_breaks_nothing(stock: Stock, metric: str) -> None:
    fields = {"filter": json.dumps({"label": {"not": "gone"}}), "metric": metric, "k": "8"}
    answer = stock.client.post("/search", files={"file": picture(66)}, data=fields).json()
    ids = [hit["id"] for hit in answer["hits"]]
    renamed: set[str] = set()
    while answer["next"]:
        item = sorted(set(stock.labels) - set(ids) - renamed)[0]
        assert stock.client.patch(f"/item?id={item.replace('/', '%2F')}", json={"label": "gone"}).status_code == 200
        renamed.add(item)
        answer = stock.client.get(answer["next"]).json()
        ids += [hit["id"] for hit in answer["hits"]]
    assert len(set(ids)) == len(ids)
    assert set(stock.labels) - renamed == set(ids)


@pytest.mark.parametrize("offset", [0, 13])
@pytest.mark.parametrize("metric", METRICS)
def test_beyond_what_fits_into_a_link_pages_are_whole_while_nothing_changes(
    client: TestClient, metric: str, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "MAX_MARKS", 10)
    fields = {"metric": metric, "group_by": "attributes.stock", "offset": str(offset)}
    whole = client.post("/search", files={"file": picture(66)}, data=fields | {"k": "100"}).json()["hits"]
    answer = client.post("/search", files={"file": picture(66)}, data=fields | {"k": "7"}).json()
    hits = answer["hits"]
    while answer["next"]:
        answer = client.get(answer["next"]).json()
        hits += answer["hits"]
    assert [hit["id"] for hit in hits] == [hit["id"] for hit in whole]


def test_marks_are_short_and_read_as_they_were_written() -> None:
    marks = [mark_of(number) for number in range(MAX_MARKS + 5)]
    assert len(set(marks)) == len(marks)
    so_far = PageState().advance((0.5, "a"), len(marks), marks)
    assert (so_far.count, len(so_far.marks)) == (MAX_MARKS + 5, MAX_MARKS)
    assert decode_marks(encode_marks(so_far.marks)) == so_far.marks
    assert len(encode_marks(so_far.marks)) == 2400
    for wrong in ("AAAA", "no Base64", encode_marks(marks)):
        with pytest.raises(ValueError, match=r"marks|Base64|base64|padding"):
            decode_marks(wrong)
