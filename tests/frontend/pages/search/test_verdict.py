"""The verdict above the matches, and what is grey."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.frontend.fake_api import TALL_PNG, FakeApi, as_json, hit, matches

LABELLED = {"calibration": {"meaning": "label"}}
PICTURES = {"calibration": {"meaning": "picture"}}
SIZE = {"query": {"width": 300, "height": 400}}


def verdict(page: FlaskClient, api: FakeApi, best: dict[str, Any], path: str = "", **changes: Any) -> str:
    """The verdict on an upload, or on a link."""
    answer = as_json(matches(hit("one", **best), hit("two", 2, match_probability=0.01), **changes))
    api.replies |= {"POST /search": answer, "GET /search": answer}
    response = page.get(path) if path else page.post("/search", data={"file": (BytesIO(TALL_PNG), "a.png")})
    _, result, rest = response.text.partition('<p class="verdict')
    return rest.partition(">")[2].partition("</p>")[0] if result else ""


SURE = {"cosine": 1.0, "match_probability": 0.99}
SPACE = "\N{NO-BREAK SPACE}"
PHOTO = {"width": 4032, "height": 3024}
COPY = {"query": {"width": 1280, "height": 960}}  # which the script sends of such a photo
SMALL = {"query": {"width": 30, "height": 40}}


@pytest.mark.parametrize(
    ("best", "changes", "words"),
    [
        (SURE, LABELLED | SIZE, "This very picture is there in the catalogue: Round jug."),
        (SURE, LABELLED | SMALL, f"Round jug, 99{SPACE}% sure"),
        (SURE | PHOTO | {"cosine": 0.9985}, LABELLED | COPY, "This very picture is there in the catalogue: Round jug."),
        (SURE | PHOTO | {"cosine": 0.99}, LABELLED | COPY, f"Round jug, 99{SPACE}% sure"),
        ({"match_probability": 0.991, "label": "Mug 24"}, LABELLED | SIZE, f"Mug 24, 99{SPACE}% sure"),
        ({"match_probability": 0.98, "label": None}, LABELLED, f"A picture without a label, 98{SPACE}% sure"),
        ({"match_probability": 0.97}, PICTURES, f"The same picture, changed: Round jug, 97{SPACE}% sure"),
        ({"match_probability": 0.49}, LABELLED, "Nothing like it here; closest anyway:"),
        ({"cosine": 0.9}, {}, "Round jug: very close"),
        ({"cosine": 0.1}, {}, "Nothing like it here; closest anyway:"),
        ({"match_probability": 0.99}, LABELLED | {"offset": 20}, ""),
    ],
)
def test_each_search_has_a_verdict(
    page: FlaskClient, api: FakeApi, best: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    assert verdict(page, api, best, **changes) == words


def test_it_is_said_of_what_was_asked(page: FlaskClient, api: FakeApi) -> None:
    best = {"cosine": 1.0, "match_probability": 0.99}
    assert verdict(page, api, best, "/search?id=one", **LABELLED).startswith("This very picture is there again")
    assert verdict(page, api, best, "/search?id=one&like=two", **LABELLED) == ""
    unlike = {"match_probability": 0.1}
    assert verdict(page, api, unlike, "/search?id=one&label=jug", **LABELLED).startswith("Nothing like it among these")


def test_what_is_not_sure_is_grey(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(
        matches(hit("one", match_probability=0.5), hit("two", 2, match_probability=0.49, cosine=-0.001), **LABELLED)
    )
    html = page.get("/search?id=one").text
    assert html.count('<p class="score">') == 1
    assert html.count('<p class="score unsure">') == 1
    assert "-0.00" not in html


def test_no_match_is_no_closest_match(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(matches())
    html = page.get("/search?id=one").text
    assert "No matches" in html
    assert "0 closest" not in html
