"""Text from outside stays text, and the headers forbid what would be left."""

import json
import re
from html.parser import HTMLParser
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

import frontend
from frontend.app import create_app
from frontend.settings import Settings
from tests.frontend.attack_texts import ATTACKS
from tests.frontend.fake_api import TALL_PNG, FakeApi, as_json, hit, item, matches, problem

pytestmark = pytest.mark.security

HARMLESS = "harmless"
FULL = [pytest.mark.slow, pytest.mark.security]
STEPS = [pytest.param(13, id="every 13th text"), pytest.param(1, id="all texts", marks=FULL)]
NUL = "a\x00b<b>"
POLICY = (
    "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
TEMPLATES = Path(frontend.__file__).parent / "templates"


class Skeleton(HTMLParser):
    """A page without its text: its tags, the names of their attributes, and where they point to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[str]]] = []
        self.targets: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, [name for name, _ in attrs]))
        self.targets += [value or "" for name, value in attrs if name in {"href", "src", "action", "srcset"}]


def pages_saying(text: str, page: FlaskClient, api: FakeApi) -> list[str]:
    """Every page, with this text wherever text comes from outside."""
    words: dict[str, Any] = {"label": text, "attributes": {text: text}}
    api.reset()
    api.fallback = lambda _: as_json(item(text, **words))
    api.replies["GET /items"] = as_json({"items": [item(text, **words)], "total": 1})
    api.replies["POST /search"] = as_json(matches(hit(text, **words), bundle=text))
    upload = {"file": (BytesIO(TALL_PNG), text.replace('"', "") + ".png", "image/png")}
    api.replies["GET /labels"] = as_json({"labels": [{"value": text, "count": 1}], "distinct": 1})
    facet = {"attribute": text, "values": [{"value": text, "count": 1}], "distinct": 1, "least": None, "most": None}
    api.replies["GET /facets"] = as_json({"facets": [facet]})
    maps = {side: {"overlay_png_base64": "iVBORw0KGgo="} for side in ("query", "item")}
    api.replies["POST /explain"] = as_json({"cosine": 0.5, **maps})
    said = {
        "id": "one",
        "like": text if text.isprintable() else HARMLESS,
        "label": text,
        f"has.{text}": json.dumps(text),
        "group": f"attributes.{text}",
    }
    well = [
        page.get("/"),
        page.get("/search", query_string=said),
        page.post("/search", data=upload),
        page.get("/search", query_string={"url": f"https://{text}"}),
        page.get("/search/filters", query_string=said),
        page.get("/why", query_string=said | {"match": said["like"]}),
    ]
    api.everything(problem(422, title=text, detail=text))
    ill = [page.get("/search?id=one"), page.get("/" + quote(text))]
    return [answer.text for answer in well + ill]


@pytest.mark.parametrize("step", STEPS)
def test_no_text_becomes_markup(page: FlaskClient, api: FakeApi, step: int) -> None:
    expected = [Skeleton(html).tags for html in pages_saying(HARMLESS, page, api)]
    for attack in (*ATTACKS[::step], NUL):
        result = [Skeleton(html) for html in pages_saying(attack, page, api)]
        assert [skeleton.tags for skeleton in result] == expected, attack
        for target in chain.from_iterable(skeleton.targets for skeleton in result):
            assert re.match(r"/(?!/)|#(main|status|icon-[a-z]+)$|data:image/png;base64,", target), attack


def test_every_answer_carries_the_headers(page: FlaskClient, api: FakeApi) -> None:
    paths = ("/", "/search?id=one", "/search", "/nowhere", "/livez", "/static/css/tokens.css", "/pictures/full?id=one")
    for path in paths:
        with page.get(path) as answer:
            headers = answer.headers
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Cache-Control" in headers


@pytest.mark.parametrize("template", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_templates_need_no_exception_from_the_policy(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|\|safe|autoescape", text)
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", text))


def test_the_request_does_not_choose_the_api(page: FlaskClient, api: FakeApi) -> None:
    evil = {"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "10.0.0.1"}
    assert page.get("/", headers=evil).status_code == 200
    assert api.requests[-1].headers["Host"] == api.url.removeprefix("http://")
    assert page.get("/?api_url=http://evil.example").status_code == 422


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("[::1]:5000", True),
        ("mybox", True),
        ("search.example.com", True),
        ("evil.example:5000", False),
        ("127.0.0.1.evil.example", False),
        ("[", False),
    ],
)
def test_no_domain_of_a_stranger_leads_here(api: FakeApi, host: str, known: bool) -> None:
    app = create_app(Settings(api_url=api.url, ui_hosts=("search.example.com",)))
    answer = app.test_client().get("/", headers={"Host": host})
    assert answer.status_code == (200 if known else 403)
    assert known or ("LOOKALIKE_UI_HOSTS" in answer.text and api.requests == [])
