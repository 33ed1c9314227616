"""Numbers as people type them: each is read as its language writes it, and what is shown is read as it was."""

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from frontend.app import create_app
from frontend.languages.numbers import number_entry, parse_number
from frontend.languages.texts import local_number
from frontend.settings import Settings
from tests.frontend.fake_api import FakeApi
from tests.frontend.fake_catalogue import fill

PAGE = create_app(Settings(api_url="http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("de", "1.234,5", 1234.5),
        ("de", "1.234", 1234),
        ("de", "1234.5", 1234.5),
        ("de", "-0,25", -0.25),
        ("de", "1 234,5", 1234.5),
        ("de", "12.34", 12.34),
        ("de-CH", "1'234.5", 1234.5),
        ("de-AT", "1\xa0234,5", 1234.5),
        ("en", "1,234.5", 1234.5),
        ("en", "1,234", 1234),
        ("en", "1,5", 1.5),
        ("en", "1.234,5", 1234.5),
        ("en", "\N{MINUS SIGN}3", -3),
        ("en", "1e-3", 0.001),
        ("ja", "\uff11\uff12\uff13\uff0e\uff15", 123.5),
        (None, "1234.5", 1234.5),
        (None, "1.234", 1.234),
    ],
)
def test_numbers_are_read_as_they_are_meant(language: str | None, text: str, number: float) -> None:
    assert parse_number(text, language) == number
    assert type(parse_number(text, language)) is type(number)


@pytest.mark.parametrize("language", ["de", "en", "ja", None, "xx-unknown", "../../de"])
@pytest.mark.parametrize(
    "text", ["", "-", ",", ".", "1,2,3", "1.2.3", "12,34.56", "nan", "inf", "1e999", "0x10", "9" * 41, "½"]
)
def test_what_is_no_number_is_refused(language: str | None, text: str) -> None:
    with pytest.raises(ValueError, match=r"number|language"):
        parse_number(text, language)


@given(
    number=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**14), 10**14),
    language=st.sampled_from(["en", "de", "de-CH", "ja"]),
)
def test_what_stands_in_a_field_is_read_as_it_was(number: float, language: str) -> None:
    with PAGE.test_request_context(headers={"Accept-Language": language}):
        assert parse_number(number_entry(number), language) == number
        shown = local_number(round(number, 3))
        assert parse_number(shown, language) == pytest.approx(round(number, 3), rel=1e-5)


def test_a_german_filter_asks_the_api_for_the_number(page: FlaskClient, api: FakeApi) -> None:
    fill(api)
    html = page.get("/browse/?least.price=1.234,5&numbers=de", headers={"Accept-Language": "de"}).text
    assert any(b'"price": {"gte": 1234.5}' in request.body for request in api.requests)
    assert "least.price=1234.5&amp;" in html, "links are the same in every language"


def test_german_attributes_are_saved_as_numbers_and_truths(page: FlaskClient, api: FakeApi) -> None:
    fill(api)
    form = {
        "id": "one",
        "numbers": "de",
        "name": ["price", "glazed"],
        "kind": ["number", "truth"],
        "value": ["1.234,5", "Ja"],
    }
    page.post("/items/change", data=form, headers={"Accept-Language": "de"})
    assert api.requests[-1].json["attributes"] == {"price": 1234.5, "glazed": True}


def test_a_mistaken_number_is_explained(page: FlaskClient, api: FakeApi) -> None:
    answer = page.get("/browse/?least.price=viel&numbers=de", headers={"Accept-Language": "de"})
    assert answer.status_code == 400
    assert "12 oder 3,5" in answer.text
