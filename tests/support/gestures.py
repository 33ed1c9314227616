"""What people do on the page, for its tests in a browser."""

import base64
import time
from collections.abc import Callable
from typing import Literal

from playwright.sync_api import Page, expect

WITH_FILE = """([picture, name, type]) => {
    const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    document.body.dispatchEvent(%s);
}"""
PASSING_OVER = {
    "drop": WITH_FILE % 'new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })',
    "paste": WITH_FILE % 'new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })',
}


def pass_over(page: Page, way: Literal["drop", "paste"], data: bytes, name: str, media_type: str) -> None:
    """Drop or paste a picture."""
    page.evaluate(PASSING_OVER[way], [base64.b64encode(data).decode(), name, media_type])


def refine(page: Page) -> None:
    """Open the settings, which on a phone are folded away; what is folded is known once the page's styles are there."""
    page.wait_for_load_state()
    summary = page.get_by_text("Settings and filters")
    if summary.is_visible() and not page.locator("details.refine").evaluate("(details) => details.open"):
        summary.click()
    page.locator("main details.measure").evaluate("(details) => { details.open = true; }")


def wait_until(there: Callable[[], bool]) -> None:
    """For what happens on the server, where no browser can see it."""
    for _ in range(600):
        if there():
            return
        time.sleep(0.05)
    raise AssertionError("it does not happen")


def draw(tab: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A box on the query, from one corner to the other, as fractions of the picture."""
    picture_box = tab.locator(".canvas > img")
    picture_box.scroll_into_view_if_needed()
    expect(tab.locator(".canvas.drawable")).to_be_visible()
    box = picture_box.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    tab.mouse.move(*places[0])
    tab.mouse.down()
    tab.mouse.move(*places[1], steps=4)
    tab.mouse.up()
