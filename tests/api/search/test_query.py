"""Every way to ask and to choose, against brute force over the vectors and the pieces."""

import base64
import json
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval import images
from retrieval.clusters import Vectors
from retrieval.vectors.base import Hits
from retrieval.vectors.embedded.store import EmbeddedStore
from tests.api.conftest import Shop
from tests.api.search.test_search import embed, measured
from tests.api.test_errors import check_problem
from tests.support.bundles import Piece, picture, pieces, png

Ranked = list[tuple[float, str]]
ITEM = "shelf 1/piece-021"


def ranking(query: NDArray[Any], vectors: dict[str, Vectors], metric: str) -> Ranked:
    """What each id is ranked by, smaller first, and the id."""
    if metric == "fused":
        ranks = [{item: rank for rank, (_, item) in enumerate(ranking(query, vectors, by), 1)} for by in METRICS[:2]]
        return sorted((-sum(1 / (60 + rank[item]) for rank in ranks), item) for item in vectors)
    sign = -1 if metric == "cosine" else 1
    return sorted((sign * measured(query, vector, metric), item) for item, vector in vectors.items())  # type: ignore[arg-type]


METRICS = ["cosine", "euclidean", "fused"]
FILTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "everything": ({}, lambda _: True),
    "a label": ({"label": "label-1"}, lambda piece: piece.label == "label-1"),
    "two labels": ({"label": ["label-1", "label-3"]}, lambda piece: piece.label in ("label-1", "label-3")),
    "no label": ({"label": None}, lambda piece: piece.label is None),
    "another label": ({"label": {"not": "label-1"}}, lambda piece: piece.label != "label-1"),
    "a range": ({"attributes": {"price": {"gte": 3, "lt": 9.5}}}, lambda p: 3 <= p.attributes["price"] < 9.5),
    "a truth": ({"attributes": {"glazed": True}}, lambda piece: piece.attributes["glazed"] is True),
    "a one is no truth": ({"attributes": {"glazed": 1}}, lambda _: False),
    "several": (
        {"label": {"not": None}, "attributes": {"shape": "bowl", "stock": {"not": [1, 3, 5]}}},
        lambda p: p.label is not None and p.attributes["shape"] == "bowl" and p.attributes["stock"] not in (1, 3, 5),
    ),
    "nothing like it": ({"attributes": {"weight": 1}}, lambda _: False),
}


def value_of(piece: Piece, group_by: str) -> Any:
    return piece.label if group_by == "label" else piece.attributes.get(group_by.removeprefix("attributes."))


def threshold(keys: list[float], share: float | None) -> float | None:
    """One that lets about this share of the keys through, so far from all of them that rounding does not matter."""
    if share is None or not keys:
        return None
    at = round(share * len(keys))
    below, above = [keys[0] - 0.02, *keys][at], [*keys, keys[-1] + 0.02][at]
    return (below + above) / 2 if above - below > 2e-6 else None


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(1000, 1100),
    metric=st.sampled_from(METRICS),
    name=st.sampled_from(sorted(FILTERS)),
    group_by=st.sampled_from([None, "label", "attributes.shape", "attributes.glazed", "attributes.none"]),
    k=st.integers(1, 30),
    offset=st.integers(0, 40),
    probes=st.sampled_from(["auto", "all", 1]),
    share=st.none() | st.floats(0, 1),
    exclude=st.lists(st.sampled_from([piece.id for piece in pieces(60)]), max_size=3),
)
def test_a_page_is_what_brute_force_would_show(
    client: TestClient,
    shop: Shop,
    seed: int,
    metric: str,
    name: str,
    group_by: str | None,
    k: int,
    offset: int,
    probes: str | int,
    share: float | None,
    exclude: list[str],
) -> None:
    query = embed(shop, picture(seed))
    filter_, passes = FILTERS[name]
    stock = [piece for piece in shop.pieces.values() if passes(piece) and piece.id not in exclude]
    best = ranking(query, {piece.id: shop.vectors[piece.id] for piece in stock}, metric)
    body: dict[str, Any] = {"k": k, "offset": offset, "metric": metric, "filter": filter_, "probes": probes}
    edge = threshold([key for key, _ in best], share)
    if edge is not None:
        body["min_score"] = 1 / (1 + edge) if metric == "euclidean" else -edge
        best = [(key, item) for key, item in best if key <= edge]
    everyone = best
    if group_by:
        firsts: dict[Any, tuple[float, str]] = {}
        for key, item in best:
            firsts.setdefault((value_of(shop.pieces[item], group_by),), (key, item))
        best = list(firsts.values())
    body |= {"group_by": group_by} if group_by else {}
    body |= {"exclude": exclude} if exclude else {}
    answer = ask(client, body, picture(seed))
    if probes == 1 and not answer["exact"]:
        assert name != "everything" or len(answer["hits"]) <= k
        return
    assert answer["exact"]
    page = best[offset : offset + k]
    keys = [-hit["score"] if metric != "euclidean" else 1 / hit["score"] - 1 for hit in answer["hits"]]
    assert keys == pytest.approx([key for key, _ in page], abs=1e-5 if metric != "fused" else 3e-4)
    assert [hit["rank"] for hit in answer["hits"]] == list(range(offset + 1, offset + 1 + len(page)))
    assert answer["offset"] == offset
    assert (answer["next"] is not None) == (len(best) > offset + k)
    assert answer["total"] in ((len(best), None) if edge is not None else (len(best),))
    assert all(passes(shop.pieces[hit["id"]]) and hit["id"] not in exclude for hit in answer["hits"])
    if group_by:
        groups = [hit["group"] for hit in answer["hits"]]
        assert len({(group,) for group in groups}) == len(groups)
        for hit in answer["hits"]:
            assert hit["group"] == value_of(shop.pieces[hit["id"]], group_by)
            assert hit["more"] == sum(value_of(piece, group_by) == hit["group"] for piece in stock) - 1
    else:
        assert len(everyone) == len(best)
        assert {(hit["group"], hit["more"]) for hit in answer["hits"]} <= {(None, None)}


@pytest.mark.parametrize(
    ("body", "enough"),
    [
        ({"k": 5, "group_by": "label"}, 4 * 6),
        ({"k": 5, "group_by": "label", "metric": "euclidean", "min_score": 0.01}, 4 * 6),
        ({"k": 5, "group_by": "attributes.glazed", "filter": {"label": ["label-1", "label-2"]}}, 4 * 6),
        ({"k": 5, "group_by": "label", "metric": "fused"}, 2 * 4 * 6 + 60),
        ({"k": 5, "min_score": 2 / 63.5, "metric": "fused"}, 2 * 6 + 60),
    ],
)
def test_no_more_is_looked_at_than_it_takes_to_know_that_there_is_no_more(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], enough: int
) -> None:
    """Where there are fewer hits or groups than wanted, it is not all vectors that tell so."""
    looked_at, search = [], EmbeddedStore.search

    def counted(store: EmbeddedStore, query: Vectors, *, k: int, **how: Any) -> Hits:
        looked_at.append(k)
        return search(store, query, k=k, **how)

    monkeypatch.setattr(EmbeddedStore, "search", counted)
    answer = ask(client, body, picture(5))
    assert 0 < len(answer["hits"]) <= 5
    assert (answer["next"], answer["exact"], answer["total"]) == (None, True, len(answer["hits"]))
    assert max(looked_at) <= enough


def ask(client: TestClient, body: dict[str, Any], data: bytes) -> dict[str, Any]:
    """As JSON or as a form, in turns: the answers are the same but for the time they took."""
    answer = client.post("/search", json=body | {"image_base64": base64.b64encode(data).decode()})
    assert answer.status_code == 200, answer.text
    texts = {name: json.dumps(value) if isinstance(value, dict | list) else str(value) for name, value in body.items()}
    form = client.post("/search", files={"file": data}, data=texts)
    assert form.status_code == 200, form.text
    assert untimed(form.json()) == untimed(answer.json())
    parsed: dict[str, Any] = answer.json()
    return parsed


def untimed(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "milliseconds"}


def test_several_are_one_query_by_their_weights(client: TestClient, shop: Shop) -> None:
    other, data = "shelf 2/piece-042", picture(77)
    items = [
        {"id": ITEM, "weight": 2.0},
        {"id": other, "weight": -0.5},
        {"image_base64": base64.b64encode(data).decode()},
    ]
    parts = [(shop.vectors[ITEM], 2.0), (shop.vectors[other], -0.5), (embed(shop, data), 1.0)]
    total = sum(weight * vector / np.linalg.norm(vector) for vector, weight in parts)
    length = sum(abs(weight) * np.linalg.norm(vector) for vector, weight in parts) / 3.5
    query: NDArray[Any] = np.asarray(total / np.linalg.norm(total) * length)
    rest = {item: vector for item, vector in shop.vectors.items() if item not in (ITEM, other)}
    for metric in METRICS[:2]:
        answer = client.post("/search", json={"items": items, "metric": metric, "k": 100}).json()
        values = [hit[metric] for hit in answer["hits"]]
        assert values == pytest.approx(
            [abs(key) if metric == "euclidean" else -key for key, _ in ranking(query, rest, metric)], abs=1e-5
        )
    one = client.post("/search", json={"items": [{"id": ITEM}], "k": 9}).json()["hits"]
    assert one == client.post("/search", json={"id": ITEM, "k": 9}).json()["hits"]


def test_what_cancels_out_is_refused(client: TestClient) -> None:
    items = [{"id": ITEM}, {"id": ITEM, "weight": -1}]
    check_problem(client.post("/search", json={"items": items}), 422, "invalid_parameter")


def test_a_crop_is_searched_with_as_if_it_were_the_picture(client: TestClient, shop: Shop) -> None:
    data = picture(88, width=80, height=60, format_="PNG")
    part = images.decode(data)[15:45, 20:60]
    crop = {"x": 0.25, "y": 0.25, "width": 0.5, "height": 0.5}
    expected = ask(client, {"k": 9}, png(part))["hits"]
    answer = ask(client, {"k": 9, "crop": crop}, data)
    assert answer["hits"] == expected
    assert answer["query"] == {"width": 80, "height": 60, "sha256": sha256(data).hexdigest()}
    own = client.post("/search", json={"id": ITEM, "crop": crop, "k": 60}).json()
    assert len(own["hits"]) == 59
    assert own["milliseconds"]["encode"] > 0


def test_the_header_times_every_step(client: TestClient) -> None:
    answer = client.post("/search", files={"file": picture(1)})
    steps = dict(step.split(";dur=") for step in answer.headers["server-timing"].split(", "))
    assert {step: float(duration) for step, duration in steps.items()} == answer.json()["milliseconds"]


def test_a_picture_may_be_a_long_text_of_a_form(client: TestClient) -> None:
    """As long as a file may be, unlike any other text."""
    data = picture(1, width=200, height=200, format_="BMP")
    text = base64.b64encode(data).decode()
    assert len(text) > 2**17
    answer = client.post("/search", files={"image_base64": (None, text)})
    assert untimed(answer.json()) == untimed(client.post("/search", files={"file": data}).json())
    check_problem(client.post("/search", files={"id": (None, text)}), 400, "unparseable")


REFUSED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "two ways": {"id": ITEM, "items": [{"id": ITEM}]},
    "no Base64": {"image_base64": "canary-4711!"},
    "an unknown field": {"id": ITEM, "canary-4711": 1},
    "a number as text": {"id": ITEM, "k": "5"},
    "a crop beyond the edge": {"id": ITEM, "crop": {"x": 0.6, "y": 0, "width": 0.5, "height": 1}},
    "a crop of several": {"items": [{"id": ITEM}], "crop": {"x": 0, "y": 0, "width": 0.5, "height": 1}},
    "a face of a whole picture": {"id": ITEM, "face": 1},
    "no parts": {"items": []},
    "an empty part": {"items": [{"weight": 1}]},
    "a filter of nothing known": {"id": ITEM, "filter": {"canary-4711": 1}},
    "a range of two kinds": {"id": ITEM, "filter": {"attributes": {"canary-4711": {"gte": 1, "lt": "canary-4711"}}}},
    "a range without bounds": {"id": ITEM, "filter": {"label": {}}},
    "a not within a not": {"id": ITEM, "filter": {"label": {"not": {"not": "canary-4711"}}}},
    "an unknown group": {"id": ITEM, "group_by": "canary-4711"},
    "an offset too far": {"id": ITEM, "offset": 10_001},
    "a precision of fused ranks": {"id": ITEM, "metric": "fused", "min_precision": 0.9},
    "too many excluded": {"id": ITEM, "exclude": ["canary-4711"] * 201},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_answered_is_refused_and_explained(client: TestClient, name: str) -> None:
    check_problem(client.post("/search", json=REFUSED[name]), 422, "invalid_parameter")


def test_a_body_that_is_no_json_cannot_be_read(client: TestClient) -> None:
    headers = {"content-type": "application/json"}
    check_problem(client.post("/search", content=b'{"id": canary-4711}', headers=headers), 400, "unparseable")
    form = client.post("/search", files={"id": (None, ITEM), "filter": (None, "{canary-4711")})
    check_problem(form, 422, "invalid_parameter")


def test_numbers_beyond_every_number_are_compared_all_the_same(client: TestClient) -> None:
    """They fit no column of a database."""
    for huge, count in ((10**400, 0), (-(10**400), 20), (10**30, 0)):
        body = {"id": ITEM, "filter": {"attributes": {"stock": {"gt": huge}}}}
        answer = client.post("/search", json=body)
        assert answer.status_code in (200, 422), answer.text
        assert answer.status_code == 422 or len(answer.json()["hits"]) == count


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "fused"])
@pytest.mark.parametrize(("score", "has_hits"), [(3.3e128, False), (1e39, False), (-1e39, True), (1e-300, True)])
def test_a_score_beyond_all_is_an_answer(client: TestClient, metric: str, score: float, *, has_hits: bool) -> None:
    answer = ask(client, {"k": 4, "metric": metric, "min_score": score}, picture(1))
    assert bool(answer["hits"]) == has_hits
    assert answer["exact"] or metric == "fused"
