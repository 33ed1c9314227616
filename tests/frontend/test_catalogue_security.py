"""The pages of the catalogue: text from outside stays text, and their scripts need no exception from the policy."""

import json
import re
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.frontend.attack_texts import ATTACKS
from tests.frontend.fake_api import TALL_PNG, FakeApi, as_json, hit, item, matches, problem
from tests.frontend.fake_catalogue import fill
from tests.frontend.web.test_security import HARMLESS, POLICY, STEPS, Skeleton

pytestmark = pytest.mark.security

PATHS = (
    "/browse/",
    "/browse/clusters",
    "/browse/clusters/5",
    "/browse/map",
    "/items/?id=one",
    "/add/",
    "/duplicates/",
    "/duplicates/dismissed",
    "/bin/",
    "/wrong-labels/",
    "/models/",
    "/models/compare",
    "/models/compare?id=one",
)
INSIDE = re.compile(r"/(?!/)|#(main|status|icon-[a-z]+)$|data:image/png;base64,")


def pages_saying(text: str, page: FlaskClient, api: FakeApi) -> list[str]:
    """Every page, with this text wherever text comes from outside, or was written and is refused."""
    api.reset()
    fill(api, text)
    words: dict[str, Any] = {"label": text, "attributes": {text: text}}
    api.fallback = lambda _: as_json(item(text, **words))
    api.replies["POST /search"] = as_json(matches(hit(text, **words), bundle=text))
    said = {"id": "one", "label": text, "name": text, "kind": "number", "value": text, "back": f"/{text}"}
    filters = {"label": text, f"has.{text}": json.dumps(text), "order": f"attributes.{text}"}
    answers = [page.get(path) for path in PATHS]
    answers += [page.get("/browse/", query_string=filters), page.post("/items/delete", data=said)]
    answers += [page.post("/items/change", data=said), page.post("/add/", data=said | file_named(text))]
    api.replies["POST /items"] = problem(422, title=text, detail=text)
    answers.append(page.post("/add/", data={"label": text} | file_named(text)))
    api.everything(problem(422, title=text, detail=text))
    answers += [page.get(path) for path in ("/browse/", "/duplicates/", "/models/")]
    return [answer.text for answer in answers]


def file_named(text: str) -> dict[str, object]:
    return {"file": (BytesIO(TALL_PNG), text.replace('"', "") + ".png", "image/png")}


@pytest.mark.parametrize("step", STEPS)
def test_no_text_becomes_markup(page: FlaskClient, api: FakeApi, step: int) -> None:
    expected = [Skeleton(html).tags for html in pages_saying(HARMLESS, page, api)]
    for attack in ATTACKS[::step]:
        result = [Skeleton(html) for html in pages_saying(attack, page, api)]
        assert [skeleton.tags for skeleton in result] == expected, attack
        for skeleton in result:
            assert all(map(INSIDE.match, skeleton.targets)), attack


@pytest.mark.parametrize("path", [*PATHS, "/browse/map/points"])
def test_every_page_carries_the_headers(page: FlaskClient, api: FakeApi, path: str) -> None:
    fill(api)
    headers = page.get(path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["Cache-Control"] == "no-cache"
