"""How sure the API is of its hits, and how it leaves out those it is not sure enough of."""

from collections.abc import Iterator

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from api.main import create_app
from api.settings import Settings
from retrieval.calibration import Calibration, Curve
from tests.api.conftest import Shop, until_ready
from tests.api.search.test_search import Metric, brute_force, delete_items, embed, measured
from tests.support.bundles import picture, pieces, write_artifacts

# Steps, slopes and a plateau, where the distances of this shop are.
CALIBRATION = Calibration(
    cosine=Curve(np.array([0.001, 0.004, 0.0041, 0.02, 0.08]), np.array([0.98, 0.9, 0.6, 0.6, 0.05])),
    euclidean=Curve(np.array([0.02, 0.08, 0.2]), np.array([0.9, 0.5, 0.1])),
    meaning="label",
    pairs=340,
)


@pytest.fixture(scope="module")
def sure_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Sixty pieces under a calibrated bundle; not to be changed."""
    artifacts, made = tmp_path_factory.mktemp("calibrated"), pieces(60)
    vectors = write_artifacts(artifacts, made, calibration=CALIBRATION)
    return Shop(artifacts, {piece.id: piece for piece in made}, vectors)


@pytest.fixture(scope="module")
def calibrated(sure_shop: Shop) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(artifacts=sure_shop.artifacts, workers=2))) as opened:
        yield until_ready(opened)


def probability(metric: Metric, measure: float) -> float:
    """The curve at a measure, a point at a time."""
    curve = CALIBRATION.curve(metric)
    distance = 1 - measure if metric == "cosine" else measure
    return float(np.interp(distance, curve.distances, curve.probabilities))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_every_hit_says_how_probable_it_is_by_the_metric_searched_with(calibrated: TestClient, metric: Metric) -> None:
    fields = {"k": "100", "metric": metric}
    answer = calibrated.post("/search", files={"file": picture(4000)}, data=fields).json()
    assert answer["calibration"] == {"meaning": "label", "pairs": 340}
    values = [hit["match_probability"] for hit in answer["hits"]]
    assert len(values) == 60
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8
    assert values[-1] < 0.5
    assert values == pytest.approx([probability(metric, hit[metric]) for hit in answer["hits"]], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(4000, 4100),
    k=st.integers(1, 100),
    metric=st.sampled_from(["cosine", "euclidean"]),
    probes=st.sampled_from(["auto", "all", "1", "2"]),
    min_precision=st.floats(0, 1) | st.sampled_from([0.05, 0.6, 0.9, 0.99]),
)
def test_only_hits_that_are_sure_enough_are_returned_and_all_of_them(
    calibrated: TestClient, sure_shop: Shop, seed: int, k: int, metric: Metric, probes: str, min_precision: float
) -> None:
    data = picture(seed)
    fields = {"k": k, "metric": metric, "probes": probes, "min_precision": min_precision}
    answer = calibrated.post("/search", files={"file": data}, data=fields).json()
    assert all(hit["match_probability"] >= min_precision for hit in answer["hits"])
    assert [hit["rank"] for hit in answer["hits"]] == list(range(1, len(answer["hits"]) + 1))
    assert answer["exact"] or probes.isdigit()
    everything = brute_force(embed(sure_shop, data), sure_shop.vectors, metric)
    # What lies within rounding of the threshold may be on either side of it.
    surely = [measure for measure in everything if probability(metric, measure) >= min_precision + 1e-3][:k]
    perhaps = [measure for measure in everything if probability(metric, measure) >= min_precision - 1e-3][:k]
    values = [hit[metric] for hit in answer["hits"]]
    assert len(values) <= len(perhaps)
    if answer["exact"]:
        assert len(values) >= len(surely)
        assert values == pytest.approx(perhaps[: len(values)], abs=1e-5)


def test_an_empty_list_is_an_answer(calibrated: TestClient, sure_shop: Shop) -> None:
    answer = calibrated.post("/search", files={"file": picture(1)}, data={"min_precision": "0.999"})
    assert answer.status_code == 200
    assert (answer.json()["hits"], answer.json()["exact"]) == ([], True)
    item_id, vector = next(iter(sure_shop.vectors.items()))
    fields = {"id": (None, item_id), "k": (None, "100"), "min_precision": (None, "0.7")}
    hits = calibrated.post("/search", files=fields).json()["hits"]
    others = {other: measured(vector, its, "cosine") for other, its in sure_shop.vectors.items() if other != item_id}
    assert {hit["id"] for hit in hits} == {
        other for other, cosine in others.items() if probability("cosine", cosine) >= 0.7
    }


def test_what_is_deleted_makes_room_for_what_is_sure_enough(own_shop: Shop) -> None:
    write_artifacts(own_shop.artifacts, list(own_shop.pieces.values()), bundle_id="sure", calibration=CALIBRATION)
    with TestClient(create_app(Settings(artifacts=own_shop.artifacts))) as client:
        until_ready(client)
        fields = {"k": "60", "min_precision": "0.6"}
        before = [hit["id"] for hit in client.post("/search", files={"file": picture(5)}, data=fields).json()["hits"]]
        assert 5 < len(before) < 60
        delete_items(own_shop, set(before[:3]))
        after = client.post("/search", files={"file": picture(5)}, data=fields | {"k": "4"}).json()["hits"]
        assert [hit["id"] for hit in after] == before[3:7]


def test_without_calibration_nothing_is_said_and_a_precision_cannot_be_promised(client: TestClient) -> None:
    answer = client.post("/search", files={"file": picture(1)}).json()
    assert answer["calibration"] is None
    assert {hit["match_probability"] for hit in answer["hits"]} == {None}
    for query in ({"file": picture(1)}, {"id": (None, "shelf 0/piece-000")}):
        refused = client.post("/search", files=query, data={"min_precision": "0.9"})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_parameter")
        assert "held out" in refused.json()["detail"]
