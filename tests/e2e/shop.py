"""What the tests of the catalogue's pages share: pictures that are new, and a look at the server behind them."""

from itertools import count

import requests
from playwright.sync_api import FilePayload, Page, expect

from tests.support.bundles import picture

PIECES = 70
"""How many pictures the shop has at first."""
OLD, NEW = "20261120-older", "20261124-newer"
"""Its two models; the older one is live."""

_seeds = count(1000)


def fresh(name: str = "new.jpg") -> FilePayload:
    """A picture that is not in the shop, as a file to choose."""
    return {"name": name, "mimeType": "image/jpeg", "buffer": picture(next(_seeds), width=200, height=150)}


def status(address: str) -> int:
    """Of what the page answers."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(address).status_code


def added(tab: Page, address: str) -> str:
    """The page of a picture that has just been added."""
    tab.goto(f"{address}/add/")
    tab.set_input_files("#files", [fresh()])
    tab.get_by_role("button", name="Add 1 picture").click()
    link = tab.locator(".added a").first
    expect(link).to_be_visible()
    tab.goto(address + (link.get_attribute("href") or ""))
    return tab.url
