"""Which language a visitor gets, and how to choose another one."""

import json
import re

import pytest
from flask.testing import FlaskClient

from tests.frontend.fake_api import FakeApi

NAMES = {"en": "Skip to the content", "de": "Zum Inhalt springen", "ja": "本文へ移動"}


def test_without_a_wish_it_is_english(page: FlaskClient) -> None:
    answer = page.get("/")
    assert NAMES["en"] in answer.text
    assert '<html lang="en"' in answer.text


@pytest.mark.parametrize(
    ("wish", "tag"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9", "de-AT"),
        ("DE-ch", "de-CH"),
        ("fr-FR,ja;q=0.5,en;q=0.1", "ja"),
        ("fr,nl;q=0.3", "en"),
        ("en-GB,de;q=0.2", "en-GB"),
        ("de-XX", "de"),
        ("de-" + "A" * 500, "de"),
        ("*", "en"),
        (";;;q=,", "en"),
    ],
)
def test_browser_names_the_language_and_its_region(page: FlaskClient, wish: str, tag: str) -> None:
    answer = page.get("/", headers={"Accept-Language": wish})
    assert NAMES[tag[:2]] in answer.text
    assert f'<html lang="{tag}"' in answer.text
    assert answer.headers["Content-Language"] == tag
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in answer.headers["Vary"].split(",")}


def test_choice_wins_over_the_browser_and_leads_back(page: FlaskClient) -> None:
    headers = {"Accept-Language": "ja", "Referer": "http://localhost/browse/?label=red"}
    answer = page.post("/language", data={"to": "de"}, headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/browse/?label=red")
    assert NAMES["de"] in page.get("/", headers={"Accept-Language": "ja"}).text


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "https://evil.example/browse/",
        "http://localhost//evil.example",
        "http://localhost/items/delete",  # only forms are sent there
        "http://localhost/no-such-page",
        "http://[",
    ],
)
def test_choice_leads_to_the_start_where_it_cannot_lead_back(page: FlaskClient, origin: str) -> None:
    headers = {"Referer": origin} if origin else {}
    assert page.post("/language", data={"to": "ja"}, headers=headers).headers["Location"] == "/"


def test_unknown_language_is_refused(page: FlaskClient) -> None:
    assert page.post("/language", data={"to": "fr"}).status_code == 400
    page.set_cookie("language", "<script>")
    page.set_cookie("time_zone", "../../etc/passwd")
    assert NAMES["en"] in page.get("/").text


def test_texts_of_scripts_are_kept_for_good(page: FlaskClient, api: FakeApi) -> None:
    assert "data-messages" not in page.get("/").text
    german = page.get("/", headers={"Accept-Language": "de"}).text
    address = re.search(r'data-messages="([^"]+)"', german)[1]
    answer = page.get(address)
    assert "immutable" in answer.headers["Cache-Control"]
    assert all(forms and all(forms) for forms in json.loads(answer.data).values())
    assert page.get(address.replace(".json", "0.json")).status_code == 404
    assert page.get("/messages/fr.0000000000000000.json").status_code == 404
