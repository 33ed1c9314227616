"""Picture every page at two widths, light and dark, and in German: run `make demo`, then `make screenshots`.

Everything goes to artifacts/screenshots; the best ones, scaled for the documentation, to docs/images.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "artifacts" / "screenshots"
WIDTHS = {390: 844, 1440: 900}
FADE_MILLISECONDS = 800
SEARCH_MILLISECONDS = 600_000  # for duplicates
PAGES = {
    "/browse/": "browse",
    "/browse/clusters": "clusters",
    "/browse/map": "map",
    "/add/": "add",
    "/duplicates/": "duplicates",
    "/models/": "models",
}
BEST = {  # in docs/images: which pictures, side by side, and how high there, in pixels
    "page": (["match-1440-light"], 675),
    "why": (["why-1440-light"], 450),
    "map": (["map-1440-dark"], 450),
    "phone": (["results-390-light", "results-390-dark"], 450),
}
Scheme = Literal["light", "dark"]
SCHEMES: dict[str, tuple[Scheme, ...]] = {"en": ("light", "dark"), "de": ("light",)}
"""By language; what is not English has it in the name of the picture."""
ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]


def main() -> None:
    """Every page, every width, both colour schemes, and German."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: make screenshots")
    parser.add_argument("--page", default="http://127.0.0.1:5000", help="address of the running page")
    parser.add_argument("--query", type=Path, help="picture to search with; one of the pottery shop unless given")
    options = parser.parse_args()
    query = options.query or next((ROOT / "artifacts" / "pottery").glob("*bottle*/04.jpg"), None)
    chromium = os.environ.get("LOOKALIKE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if query is None:
        sys.exit("Needs a query: run make demo first, or name --query.")
    TARGET.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        path = chromium or playwright.chromium.executable_path  # the last is Playwright's own, if it was installed
        if not Path(path).exists():
            sys.exit("Needs Chromium: run make browser first.")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for width, height in WIDTHS.items():
            for language, schemes in SCHEMES.items():
                for scheme in schemes:
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, color_scheme=scheme, locale=language
                    )
                    suffix = "" if language == "en" else f"-{language}"
                    take(context.new_page(), options.page, query, f"{width}-{scheme}{suffix}")
                    context.close()
        browser.close()
    for name, (shown, height) in BEST.items():
        beside([TARGET / f"{each}.png" for each in shown], height).save(
            ROOT / "docs" / "images" / f"{name}.webp", quality=86
        )
    print(f"Pictures are in {TARGET}; those of the README are renewed.")


def beside(paths: list[Path], height: int) -> Image.Image:
    """Pictures of one size side by side, scaled to this height."""
    pictures = [Image.open(path).convert("RGB") for path in paths]
    width = pictures[0].width * height // pictures[0].height
    row = Image.new("RGB", (width * len(pictures), height))
    for place, picture in enumerate(pictures):
        row.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (place * width, 0))
    return row


def take(tab: Page, page: str, query: Path, name: str) -> None:
    """The start page, an upload's results, one of its matches with why it is one, and the pages beside the search."""
    tab.goto(page)
    shoot(tab, f"start-{name}")
    tab.set_input_files("#file", query)
    tab.wait_for_selector("main.results:not([aria-busy])")
    shoot(tab, f"results-{name}")
    tab.locator(".hits a.frame").nth(6).click()
    tab.wait_for_url("**/search?**")
    shoot(tab, f"match-{name}")
    tab.locator(".tile").nth(1).locator("[data-why]").click()
    tab.locator("dialog .maps img").last.wait_for()
    shoot(tab, f"why-{name}")
    for path, shown in PAGES.items():
        tab.goto(page + path)
        tab.locator("[data-running]").wait_for(state="hidden", timeout=SEARCH_MILLISECONDS)
        shoot(tab, f"{shown}-{name}")


def shoot(tab: Page, name: str) -> None:
    """What is in view, once every picture there has come and faded in."""
    tab.wait_for_load_state("networkidle")
    tab.wait_for_function(
        "() => [...document.images].filter(i => i.checkVisibility() && i.getBoundingClientRect().top < innerHeight)"
        ".every(i => i.complete)"
    )
    tab.wait_for_timeout(FADE_MILLISECONDS)
    tab.screenshot(path=TARGET / f"{name}.png")


if __name__ == "__main__":
    main()
