"""Texts that would run or change the page if they were taken for markup, in a real browser and wherever text is shown.

The whole set is slow: all texts, with the Content-Security-Policy and without. A few of them run in every test run.
"""

from functools import partial
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Dialog, expect

from tests.frontend.attack_texts import ATTACKS
from tests.frontend.browser.conftest import files
from tests.frontend.fake_api import TALL_PNG, FakeApi, as_json, hit, item, matches, problem
from tests.frontend.fake_catalogue import cluster, drift, duplicates, fill
from tests.support.marks import IN_MATRIX

FULL = [*IN_MATRIX, pytest.mark.security]
CASES = [
    pytest.param(True, ATTACKS[::10], id="some without the policy"),
    pytest.param(True, ATTACKS, id="all without the policy", marks=FULL),
    pytest.param(False, ATTACKS, id="all with the policy", marks=FULL),
]


def _note_and_dismiss(dialogs: list[str], dialog: Dialog) -> None:
    dialogs.append(dialog.message)
    dialog.dismiss()


@pytest.mark.parametrize(("bypass_csp", "attacks"), CASES)
def test_no_text_runs_on_the_search_pages(
    browser: Browser, address: str, api: FakeApi, bypass_csp: bool, attacks: list[str]
) -> None:
    """All at once, as ids, labels, names and values of attributes, bundles, file names and errors."""
    shown = [(attack, {"label": attack, "attributes": {attack: attack}}) for attack in attacks]
    api.replies["GET /items"] = as_json(
        {"items": [item(attack, **words) for attack, words in shown], "total": len(attacks)}
    )
    hits = [hit(attack, rank, group=attack, more=2, **words) for rank, (attack, words) in enumerate(shown, start=1)]
    api.replies["POST /search"] = api.replies["GET /search"] = as_json(matches(*hits, bundle=attacks[0]))
    facet = {"values": [{"value": attack, "count": 1} for attack in attacks], "distinct": len(attacks)}
    api.replies["GET /facets"] = as_json({"facets": [facet | {"attribute": attack} for attack in attacks[::10]]})
    api.replies["GET /labels"] = as_json({"labels": facet["values"], "distinct": len(attacks)})
    context = browser.new_context(base_url=address, bypass_csp=bypass_csp)
    page = context.new_page()
    dialogs: list[str] = []
    page.on("dialog", partial(_note_and_dismiss, dialogs))
    page.goto("/")
    page.set_input_files(
        "#file", {"name": "'\"><img src=x onerror=alert(1)>.png", "mimeType": "image/png", "buffer": TALL_PNG}
    )
    expect(page.locator(".hits .label").last).to_have_text(attacks[-1])
    page.get_by_text("Filters", exact=True).click()
    expect(page.locator(".box", has_text=attacks[-1]).first).to_be_visible()
    page.locator("[data-view]").nth(2).click()
    page.evaluate(
        """(times) => {
            const press = () => new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true });
            for (let n = 0; n < times; n += 1) document.activeElement.dispatchEvent(press());
        }""",
        len(attacks),
    )
    expect(page.get_by_role("dialog")).to_contain_text(attacks[2])
    page.keyboard.press("Escape")
    page.locator("[data-add=unlike]").nth(3).click()
    expect(page.get_by_role("list", name="Also unlike")).to_be_visible()
    for attack in attacks[::10]:
        api.everything(problem(422, title=attack, detail=attack))
        page.goto("/search?" + urlencode({"id": attack, "label": attack}))
        expect(page.get_by_role("heading", level=1)).to_have_text("This search could not be done")
    page.wait_for_load_state("networkidle")
    assert not page.frames[1:], "no frame was opened"
    context.close()
    assert dialogs == []


@pytest.mark.parametrize(("bypass_csp", "attacks"), CASES)
def test_no_text_runs_on_the_catalogue_pages(
    browser: Browser, address: str, api: FakeApi, bypass_csp: bool, attacks: list[str]
) -> None:
    """All at once, as ids, labels, attributes, reasons and bundles, also where scripts show them."""
    fill(api, attacks[0])
    shown = [item(attack, label=attack, attributes={attack: attack}) for attack in attacks]
    points = [{"id": each["id"], "x": n, "y": n % 9, "label": each["label"]} for n, each in enumerate(shown)]
    groups = [{"keep": each["id"], "why": each["id"], "members": [each, each], "probability": None} for each in shown]
    hits = [hit(attack, n, label=attack) for n, attack in enumerate(attacks[:100], start=1)]
    clusters = [cluster(n, each) for n, each in enumerate(shown)]
    api.replies |= {
        "POST /items/list": as_json({"items": shown, "total": len(attacks), "next_cursor": "NEXT"}),
        "GET /map": as_json({"points": points, "total": len(attacks)}),
        "GET /clusters": as_json({"clusters": clusters, "drift": drift(attacks[1])}),
        "GET /duplicates": as_json(duplicates(shown, total_groups=len(attacks), groups=groups)),
        "POST /search": as_json(matches(*hits, bundle=attacks[2])),
        "POST /items": problem(422, title=attacks[3], detail=attacks[4]),
    }
    context = browser.new_context(base_url=address, bypass_csp=bypass_csp)
    tab = context.new_page()
    dialogs: list[str] = []
    tab.on("dialog", partial(_note_and_dismiss, dialogs))
    tab.goto("/browse/")
    expect(tab.locator(".tile")).to_have_count(len(attacks))
    tab.get_by_role("link", name="Show more").click()
    expect(tab.locator(".tile")).to_have_count(2 * len(attacks))
    for path in ("/browse/clusters", "/items/?id=one", "/duplicates/", "/models/", "/models/compare?id=one&k=50"):
        tab.goto(path)
    tab.goto("/browse/map")
    expect(tab.locator(".nearest a")).to_have_count(10)
    tab.locator("canvas").hover()
    for button in tab.locator(".legend button").all():
        button.click()
    tab.goto("/add/")
    tab.set_input_files("#files", files("<img src=x onerror=alert(1)>.png"))
    tab.get_by_role("button", name="Add 1 picture").click()
    expect(tab.locator(".refused")).to_contain_text("<img src=x")
    expect(tab.locator(".refused")).to_contain_text(attacks[4])
    tab.wait_for_load_state("networkidle")
    assert not tab.frames[1:], "no frame was opened"
    context.close()
    assert dialogs == []
