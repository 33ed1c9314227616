"""What a first visit of the page loads, and a second one, in Chromium: requests, and kB as they are sent.

The catalogue is of real pictures; the network is a small one with random weights, which changes nothing of this.
"""

import argparse
import shutil
import tempfile
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.setup import grocery, publish, table
from tests.conftest import free_port, serving
from tests.support.bundles import Piece, some_calibration, write_artifacts

PICTURES = 60
PAGES = {"start": "/", "matches": "/search?id=piece-0", "browse": "/browse/"}
DEVICES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
HEADER = "page | window | requests | kB | of it pictures, kB | second visit: requests | kB"


@dataclass
class Traffic:
    """What came over the network, by the id of the request."""

    urls: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def requests(self) -> str:
        """How many responses came over the network."""
        return str(sum(self.sizes.get(key, 0) > 0 for key in self.urls))

    def response(self, event: dict[str, Any]) -> None:
        """Remember a response, unless the browser had it."""
        if not event["response"]["fromDiskCache"]:
            self.urls[event["requestId"]] = event["response"]["url"]

    def finished(self, event: dict[str, Any]) -> None:
        """Remember how many bytes were sent."""
        self.sizes[event["requestId"]] = int(event["encodedDataLength"])

    def kilobytes(self, part: str = "") -> str:
        """What was sent from addresses with this part."""
        return f"{sum(self.sizes.get(key, 0) for key, url in self.urls.items() if part in url) / 1000:.0f}"


def main(arguments: list[str] | None = None) -> None:
    """Open each page twice at two widths."""
    argparse.ArgumentParser(description=__doc__, epilog="Example: python -m benchmarks first_visit").parse_args(
        arguments or []
    )
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    files = islice(sorted(grocery("train").rglob("*.jpg")), PICTURES)
    shop = [
        Piece(f"piece-{number}", file.read_bytes(), f"label-{number % 10}", {}) for number, file in enumerate(files)
    ]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_artifacts(Path(folder), shop, calibration=some_calibration())
        api_port, ui_port = free_port(), free_port()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with (
            serving("api", api_port, "/readyz", artifacts=Path(folder), api_port=api_port) as api,
            serving("frontend", ui_port, "/readyz", api_url=api, ui_port=ui_port) as address,
        ):
            rows = [measure(browser, address, page, window) for page in PAGES for window in DEVICES]
        browser.close()
    publish("first visit", table(HEADER, rows))


def measure(browser: Browser, address: str, page: str, window: str) -> tuple[str, ...]:
    """A row: the page in a new browser, and once more."""
    width, height = DEVICES[window]["width"], DEVICES[window]["height"]
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        tab = context.new_page()
        first, second = (visit(tab, address + PAGES[page]) for _ in range(2))
    sums = (first.requests, first.kilobytes(), first.kilobytes("/pictures/"))
    return (page, window, *sums, second.requests, second.kilobytes())


def visit(tab: Page, address: str) -> Traffic:
    """What one visit brings."""
    traffic, session = Traffic(), tab.context.new_cdp_session(tab)
    session.send("Network.enable")
    session.on("Network.responseReceived", traffic.response)
    session.on("Network.loadingFinished", traffic.finished)
    tab.goto(address)
    tab.wait_for_load_state("networkidle")
    session.detach()
    return traffic


if __name__ == "__main__":
    main()
