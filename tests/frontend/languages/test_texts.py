"""Texts with values: numbers, times and plural forms of a language; errors of the API by their codes."""

import re
from typing import get_args

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.errors import PROBLEMS, Code
from frontend.error_texts import EXPLANATIONS
from frontend.formatting import attribute, file_size, probability_words, two_digits
from frontend.languages.texts import gettext, ngettext
from tests.frontend.conftest import AppFor
from tests.frontend.fake_api import FakeApi, as_json, hit, matches, problem
from tests.frontend.fake_catalogue import fill


@pytest.fixture
def app(app_for: AppFor) -> Flask:
    return app_for("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["1,234.5", "0.83", "yes", "12\xa0kB", "88\xa0% sure", "1 picture", "2 pictures"]),
        ("de", ["1.234,5", "0,83", "ja", "12\xa0kB", "88\xa0% sicher", "1 Bild", "2 Bilder"]),
        ("de-CH", ["1'234.5", "0.83", "ja", "12\xa0kB", "88\xa0% sicher", "1 Bild", "2 Bilder"]),
        ("ja", ["1,234.5", "0.83", "はい", "12\xa0kB", "確度 88%", "1 枚", "2 枚"]),
    ],
)
def test_values_are_local(app: Flask, language: str, texts: list[str]) -> None:
    with app.test_request_context(headers={"Accept-Language": language}):
        shown = [attribute(1234.5), two_digits(0.832), attribute(True), file_size(12_345), probability_words(0.88)]
        assert [*shown, *(ngettext("%(num)s picture", "%(num)s pictures", count) for count in (1, 2))] == texts


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.1, "0,1"), (-3.25, "-3,25"), (1e-9, "1E-9"), (2.5e20, "2,5E20"), (1e15, "1E15"), (2024, "2024"), (0.0, "0")],
)
def test_numbers_of_any_size_are_local(app: Flask, number: float, text: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert attribute(number) == text


def test_values_are_never_read_as_html(page: FlaskClient, api: FakeApi) -> None:
    evil = "%(name)s<script>%%"
    api.replies["POST /search"] = as_json(matches(hit("one", label=evil)))
    html = page.get("/search?id=one", headers={"Accept-Language": "de"}).text
    assert "Treffer 1: %(name)s&lt;script&gt;%%" in html
    assert "<script>" not in html


def test_times_are_those_of_the_time_zone(page: FlaskClient, api: FakeApi) -> None:
    fill(api)
    german = {"Accept-Language": "de"}
    assert "24.11.2026, 18:05 UTC" in page.get("/items/?id=one", headers=german).text
    page.set_cookie("time_zone", "Asia/Tokyo")
    assert "25.11.2026, 03:05</time>" in page.get("/items/?id=one", headers=german).text


def test_each_code_of_the_api_has_an_explanation() -> None:
    assert set(EXPLANATIONS) == set(get_args(Code))


@pytest.mark.parametrize("code", get_args(Code))
def test_errors_of_the_api_are_told_by_their_codes(page: FlaskClient, api: FakeApi, code: Code) -> None:
    status, detail = PROBLEMS[code]
    api.everything(problem(status, code=code, detail=detail))
    english, german = (page.get("/search?id=one", headers={"Accept-Language": each}).text for each in ("en", "de"))
    titles = [re.search("<h1>(.*?)</h1>", html)[1] for html in (english, german)]
    assert titles[0] != titles[1]
    assert detail not in re.sub(r'<p lang="en">.*?</p>', "", german)


def test_an_unknown_code_keeps_its_english_words_marked_as_such(page: FlaskClient, api: FakeApi) -> None:
    api.everything(problem(422, code="new_in_2030", detail="The picture is too blue."))
    html = page.get("/search?id=one", headers={"Accept-Language": "ja"}).text
    assert '<p lang="en">The picture is too blue.</p>' in html


def test_an_empty_text_is_not_the_header_of_a_catalogue(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert gettext("") == ""
