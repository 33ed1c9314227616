"""/docs in a real browser: "Try it out" with a file works as it stands, for every operation that takes one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.api.conftest import Serve, Shop
from tests.support.bundles import Piece, face_stage, picture, portrait, write_artifacts

ITEM = "shelf 1/piece-021"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1300, "height": 2000})
    yield context.new_page()
    context.close()


def try_out(page: Page, port: int, operation: str, file: bytes | None, **fields: str) -> int:
    """The status of what comes of selecting a file, filling in these fields, and pressing Execute."""
    page.goto(f"http://127.0.0.1:{port}/docs")
    block = page.locator(f'.opblock[id$="-{operation}"]')
    block.locator(".opblock-summary-control").click()
    block.locator(".try-out__btn").click()
    if file is not None:
        picker = block.locator("input[type=file]")
        expect(picker).to_have_count(1)
        picker.set_input_files(FilePayload(name="query.jpg", mimeType="image/jpeg", buffer=file))
    for name, text in fields.items():
        block.locator(f'tr[data-param-name="{name}"], tr:has(.parameter__name:text-is("{name}"))').locator(
            "input:not([type=checkbox])"
        ).first.fill(text)
    button = block.locator("button.execute")
    with page.expect_response(lambda response: response.request.resource_type == "fetch") as answered:
        button.click()  # files of the page, such as its icon, may still be on their way
    return answered.value.status


def test_a_search_is_tried_out(page: Page, serve: Serve) -> None:
    assert try_out(page, serve(), "search", picture(321)) == 200


@pytest.mark.slow
def test_every_other_operation_with_a_picture_is_tried_out(page: Page, own_shop: Shop, serve: Serve) -> None:
    port, data = serve(own_shop.artifacts), picture(321)
    assert try_out(page, port, "explain", data, item=ITEM) == 200
    assert try_out(page, port, "add_item", data) == 201
    assert try_out(page, port, "replace_picture", picture(322), id=ITEM) == 200
    assert try_out(page, port, "list_items", None) == 200
    assert try_out(page, port, "list_facets", None) == 200


@pytest.mark.slow
def test_a_portrait_is_tried_out(page: Page, serve: Serve, tmp_path: Path) -> None:
    write_artifacts(tmp_path, [Piece(f"{n}", portrait(n), None, {}) for n in range(12)], faces=face_stage())
    assert try_out(page, serve(tmp_path), "find_faces", portrait(20)) == 200
