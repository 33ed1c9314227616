"""What axe-core (MPL-2.0, for tests alone) says of a page."""

from collections.abc import Sequence
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],  # passes are checked but not listed, which would take as long again
}
Scheme = Literal["light", "dark"]
BOTH: Sequence[Scheme] = ("light", "dark")


def violations(tab: Page, schemes: Sequence[Scheme] = BOTH) -> list[tuple[Any, Any, Any]]:
    """What breaks a rule on the page as it stands.

    Returns the colour scheme, the rule's id and the element's HTML of each violation, one row for each element.
    """
    elements = []
    for scheme in schemes:
        tab.emulate_media(color_scheme=scheme)
        for each in Axe().run(tab, options=RULES).response["violations"]:
            elements += [(scheme, each["id"], node["html"]) for node in each["nodes"]]
    return elements
