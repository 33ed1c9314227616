"""Reasons of the API in other languages: by their codes, each of which is known."""

from typing import get_args

import pytest
from flask.testing import FlaskClient

from api.schemas.clusters import DriftCode
from frontend.reasons import TO_KEEP, TO_TRAIN
from retrieval.duplicates.keeping import Reason
from tests.frontend.fake_api import FakeApi, as_json, item
from tests.frontend.fake_catalogue import duplicates, fill

GERMAN = {"Accept-Language": "de"}


def test_every_code_of_the_api_has_words() -> None:
    assert set(TO_KEEP) == set(get_args(Reason))
    assert set(TO_TRAIN) == set(get_args(DriftCode)) - {"fits"}


def test_why_a_copy_is_kept_is_told_in_the_language_of_the_page(page: FlaskClient, api: FakeApi) -> None:
    members = [item("one"), item("two")]
    group = {"keep": "one", "why": "with a label, then the first", "members": members, "probability": None}
    for reasons, words in (
        (["label", "first"], "mit Etikett, dann das erste"),
        (["new"], group["why"]),
        ([], group["why"]),
    ):
        known = duplicates(members, total_groups=1, groups=[group | {"reasons": reasons}])
        api.replies["GET /duplicates"] = as_json(known)
        assert str(words) in page.get("/duplicates/", headers=GERMAN).text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("outside", "12% der Bilder"),
        ("grown", "1,5-mal so viele"),
        ("uneven", "ungleichmäßig"),
        (None, "Many are new."),
    ],
)
def test_why_to_train_is_told_in_the_language_of_the_page(
    page: FlaskClient, api: FakeApi, code: str | None, words: str
) -> None:
    fill(api)
    numbers = {"items": 1500, "trained_items": 1000, "outside_share": 0.12, "imbalance": 3}
    drift = {"retrain": True, "reason": "Many are new.", "code": code} | numbers
    api.replies["GET /clusters"] = as_json({"clusters": [], "drift": drift})
    assert words in page.get("/browse/clusters", headers=GERMAN).text
