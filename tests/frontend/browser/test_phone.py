"""A phone: the camera first, targets for fingers, and photos that are sent small."""

import threading
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from frontend.app import create_app
from frontend.pages.search.verdict import UPLOAD_SIDE
from frontend.settings import Settings
from tests.frontend.fake_api import FakeApi
from tests.frontend.fake_catalogue import fill
from tests.support.marks import IN_MATRIX

TOO_SMALL = """() => [...document.querySelectorAll("a, button, select, summary, input, label.choose")]
    .filter((each) => each.checkVisibility() && !each.matches(".skip") && each.getBoundingClientRect().width > 1)
    .map((each) => each.matches("input[type=checkbox]") ? each.closest("label") ?? each : each)
    .filter((each) => { const box = each.getBoundingClientRect(); return box.height < 43.5 || box.width < 43.5; })
    .map((each) => each.outerHTML.slice(0, 120))"""


@pytest.fixture
def address(api: FakeApi) -> Iterator[str]:
    """A page that takes photos."""
    server = make_server("127.0.0.1", 0, create_app(Settings(api_url=api.url)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def phone(browser: Browser, address: str, api: FakeApi) -> Iterator[Page]:
    fill(api)
    with browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, base_url=address, locale="de"
    ) as context:
        yield context.new_page()


def photo(width: int, height: int, *, orientation: int = 1) -> bytes:
    """Of a camera: large, of little use as it is, and with its orientation in a tag."""
    random = np.random.default_rng(5)
    rough = Image.fromarray(random.integers(0, 255, (height // 20, width // 20, 3), np.uint8))
    grain = Image.effect_noise((width, height), 60).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = BytesIO()
    Image.blend(rough.resize((width, height)), grain, 0.2).save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


def sent(api: FakeApi) -> bytes:
    """The picture of the last search."""
    uploads = [each for each in api.requests if each.target == "/search" and b"filename" in each.body]
    return uploads[-1].form["file"]


PAGES = ["/browse/", "/add/", "/items/?id=one", "/duplicates/"]


@pytest.mark.parametrize("path", ["/", "/search?id=one", *(pytest.param(each, marks=IN_MATRIX) for each in PAGES)])
def test_targets_are_large_enough_for_fingers(phone: Page, path: str) -> None:
    phone.goto(path)
    for details in phone.locator("details").all():
        details.evaluate("(each) => { each.open = true; }")
    assert phone.evaluate(TOO_SMALL) == []
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_camera_comes_first(phone: Page) -> None:
    phone.goto("/")
    camera, file = (phone.locator(f"label[for={name}]").bounding_box() for name in ("camera", "file"))
    assert (camera["y"], camera["x"]) < (file["y"], file["x"])


@pytest.mark.parametrize(("orientation", "size"), [(1, (1280, 960)), (6, (960, 1280))])
def test_a_large_photo_is_sent_small_and_upright(
    phone: Page, api: FakeApi, orientation: int, size: tuple[int, int]
) -> None:
    original = photo(2400, 1800, orientation=orientation)
    phone.goto("/")
    phone.set_input_files("#camera", {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": original})
    expect(phone.locator("main.results:not([aria-busy])")).to_be_visible()
    copy = sent(api)
    assert max(size) == UPLOAD_SIDE
    assert Image.open(BytesIO(copy)).size == size
    assert len(copy) < len(original) / 4


def test_with_a_part_the_pixels_of_the_part_are_sent(phone: Page, api: FakeApi) -> None:
    phone.goto("/")
    phone.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo(2400, 1800)})
    expect(phone.locator("main.results:not([aria-busy])")).to_be_visible()
    form = phone.locator("main form.search")
    form.evaluate("(form) => { for (const side of ['width', 'height']) form.elements[side].value = 60; }")
    form.locator(".crop button").evaluate("(button) => button.click()")
    phone.wait_for_url("**/search?*width=60*")
    assert Image.open(BytesIO(sent(api))).size == (2133, 1600)


@pytest.mark.parametrize(("name", "kind"), [("small.jpg", "image/jpeg"), ("drawing.png", "image/png")])
def test_small_photos_and_other_pictures_are_sent_as_they_are(phone: Page, api: FakeApi, name: str, kind: str) -> None:
    file = BytesIO()
    Image.effect_noise((300, 200), 90).save(file, "JPEG" if kind == "image/jpeg" else "PNG")
    phone.goto("/")
    phone.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": file.getvalue()})
    expect(phone.locator("main.results:not([aria-busy])")).to_be_visible()
    assert sent(api) == file.getvalue()


def test_what_is_kept_is_sent_as_it_is(phone: Page, api: FakeApi) -> None:
    original = photo(700, 500)
    phone.goto("/add/")
    phone.set_input_files("#files", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": original})
    phone.get_by_role("button", name="1 Bild hinzufügen").click()
    expect(phone.locator("[data-counts]")).to_contain_text("1 von 1")
    assert any(original in request.body for request in api.requests)
