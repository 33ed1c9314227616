"""Languages in a real browser: the choice, texts of scripts, the time zone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.frontend.browser.conftest import files
from tests.frontend.fake_api import FakeApi, as_json, hit, matches
from tests.frontend.fake_catalogue import fill
from tests.support.accessibility import violations
from tests.support.marks import IN_MATRIX


@pytest.fixture
def german(browser: Browser, address: str, api: FakeApi, width: int) -> Iterator[Page]:
    """An empty tab of someone in Vienna. Script errors and too wide pages fail the test."""
    fill(api)
    context = browser.new_context(
        viewport={"width": width, "height": 850}, base_url=address, locale="de-AT", timezone_id="Europe/Vienna"
    )
    tab, mistakes = context.new_page(), []
    tab.on("pageerror", lambda error: mistakes.append(str(error)))
    tab.on("console", lambda line: mistakes.append(line.text) if "Security Policy" in line.text else None)
    yield tab
    context.close()
    assert mistakes == []


def test_scripts_speak_the_language(german: Page, api: FakeApi) -> None:
    german.goto("/duplicates/")
    expect(german.locator("[data-delete]")).to_have_text("2 ausgewählte Bilder löschen")
    german.locator("[data-delete]").click()
    expect(german.get_by_text("2 Bilder werden in 8 Sekunden gelöscht.")).to_be_visible()
    german.goto("/add/")
    text: FilePayload = {"name": "c.txt", "mimeType": "text/plain", "buffer": b"c"}
    german.set_input_files("#files", [*files("a.png", "b.png"), text])
    expect(german.get_by_role("button", name="2 Bilder hinzufügen")).to_be_enabled()
    expect(german.get_by_text("Übersprungen: 1 kein Bild in einem bekannten Format")).to_be_visible()


def test_the_choice_keeps_the_picture_that_was_searched_with(german: Page, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(matches(hit("one"), calibration={"meaning": "label"}))
    german.goto("/")
    german.set_input_files("#file", files("a.png"))
    expect(german.get_by_role("heading", name="1 ähnlichster Treffer")).to_be_visible()
    german.get_by_role("button", name="English").click()
    expect(german.get_by_role("heading", name="1 closest match")).to_be_visible()
    expect(german.get_by_alt_text("The picture you searched with")).to_be_visible()
    german.goto("/bin/")
    expect(german.get_by_role("heading", name="Bin", exact=True)).to_be_attached()


def test_without_a_script_the_choice_works_as_well(browser: Browser, address: str, api: FakeApi) -> None:
    fill(api)
    with browser.new_context(java_script_enabled=False, base_url=address) as context:
        tab = context.new_page()
        tab.goto("/browse/?order=-created")
        tab.get_by_role("button", name="日本語").click()
        expect(tab).to_have_url(f"{address}/browse/?order=-created")
        expect(tab.get_by_role("navigation", name="一覧の種類")).to_be_visible()


def test_times_are_those_of_the_browser_at_once_and_afterwards(german: Page) -> None:
    for _ in range(2):
        german.goto("/items/?id=one")
        expect(german.locator("time[data-moment]").first).to_have_text("24.11.2026, 19:05")


PAGES = ["/browse/", "/add/", "/items/?id=one", "/duplicates/", "/models/", "/bin/"]


@pytest.mark.parametrize("path", ["/", *(pytest.param(each, marks=IN_MATRIX) for each in PAGES)])
@pytest.mark.parametrize("width", [320, 390])
def test_long_words_fit_on_a_phone(german: Page, path: str) -> None:
    german.goto(path)
    assert german.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if path == "/":
        assert violations(german, ["light", "dark"]) == []
