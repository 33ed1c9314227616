"""Every page in every language: nothing is left in English, and numbers and times are local."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.frontend.fake_api import FakeApi, as_json, hit, item, matches
from tests.frontend.fake_catalogue import ENTRIES, bin_page, fill
from tests.frontend.languages.test_catalogues import TRANSLATED

PAGES = (
    "/",
    "/search?id=one&label=jug&least.price=1.5&created_from=2026-11-01&sure=20",
    "/search?id=one&group=label&metric=euclidean&like=two",
    "/search?url=https://example.com/a.jpg&left=10&metric=fused&sure=50",
    "/search?text=red",
    "/search/filters?id=one",
    "/search?id=one&k=0",
    "/why?id=one&match=two",
    "/browse/?order=-created&label=jug",
    "/browse/clusters",
    "/browse/clusters/5",
    "/browse/map",
    "/bin/",
    "/wrong-labels/?done=kept&id=one",
    "/add/",
    "/items/?id=one&done=saved",
    "/duplicates/",
    "/duplicates/?tier=same_thing",
    "/duplicates/dismissed?done=undone",
    "/models/",
    "/models/compare",
    "/models/compare?id=one",
    "/wrong-labels/",
    "/nowhere",
)
FORMS: dict[str, dict[str, Any]] = {
    "/bin/delete": {"entry": list(ENTRIES)},
    "/items/delete": {"id": ["one", "two"]},
    "/selection/label": {"id": ["one", "two"], "new_label": "jug"},
    "/selection/delete": {"id": ["one", "two"]},
    "/items/change": {"id": "one", "name": "price", "kind": "number", "value": "cheap"},
    "/add/": {},
    "/search": {"k": "10"},
}
SHOWN = ("alt", "title", "aria-label", "aria-valuetext", "placeholder", "content")
DATA = {"Tall bottle", "Round jug", "bottle", "glazed", "jug", "price", "shape", "one", "two", "three", "red"}
# Names, values of the fake API, and what is the same in all three languages.
THE_SAME = re.compile(
    r"frozen|head|finetune|Lookalike|English|Deutsch|日本語|Name|JSON|CSV|width=device-width.*|light dark|https?://\S*"
    r"|\d+.kB|2026\d{4}-\w+( \(\w+\))?|mAP(@R)?|[PR]@\d+|overlap@.*|make demo.*|[\W\d_]*"
)


class Texts(HTMLParser):
    """The texts of a page that a person reads, of elements and attributes, except what is marked as English."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        skips = values.get("lang") == "en" and tag != "html"
        self._open.append(
            (tag, skips or tag in {"script", "style", "code", "kbd"} or (bool(self._open) and self._open[-1][1]))
        )
        if not self._open[-1][1]:
            self.texts += [text for name in SHOWN if (text := values.get(name))]
        if tag in {"img", "input", "meta", "link", "path", "use", "circle", "rect", "br"}:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not (self._open and self._open[-1][1]) and data.strip():
            self.texts.append(" ".join(data.split()))


@pytest.fixture(autouse=True)
def catalogue(api: FakeApi) -> None:
    fill(api)
    maps = {side: {"overlay_png_base64": "iVBORw0KGgo="} for side in ("query", "item")}
    api.replies["POST /explain"] = as_json({"cosine": 0.7, **maps})
    api.replies["GET /bin"] = as_json(bin_page([item("one")]))
    hits = (hit("one", label=None, match_probability=0.75), hit("two", rank=2, group="jug", more=1234))
    answer = matches(*hits, calibration={"meaning": "label"}, exact=False, recall_estimate=0.987)
    api.replies["POST /search"] = as_json(answer)


def texts(page: FlaskClient, language: str, path: str, form: dict[str, Any] | None = None) -> list[str]:
    headers = {"Accept-Language": language}
    answer = page.get(path, headers=headers) if form is None else page.post(path, data=form, headers=headers)
    assert answer.status_code != 500
    return Texts(answer.text).texts


def assert_translated(english: list[str], other: list[str]) -> None:
    """No text is in both, unless it is one of data or of names."""
    shared = {text.removesuffix(" · Lookalike").strip(": ") for text in set(english) & set(other)}
    assert sorted(text for text in shared - DATA if not THE_SAME.fullmatch(text)) == []


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("path", PAGES)
def test_no_english_is_left(page: FlaskClient, language: str, path: str) -> None:
    assert_translated(texts(page, "en", path), texts(page, language, path))


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("path", FORMS)
def test_no_english_is_left_after_a_form(page: FlaskClient, language: str, path: str) -> None:
    assert_translated(texts(page, "en", path, FORMS[path]), texts(page, language, path, FORMS[path]))
