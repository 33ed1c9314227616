"""Pictures of every format are added, searched with and shown; what is none is named, with what to do."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from retrieval import images
from tests.api.conftest import OpenApi, Shop
from tests.support.pictures import encode, scene

HEIC = Path(__file__).parents[2] / "retrieval" / "images" / "heic" / "turned.heic"
NOT_IN_BROWSERS = {"HEIC", "TIFF", "PBM/PGM/PPM"}


def files() -> dict[str, bytes]:
    """The scene in every format, by name."""
    names = {"JPEG": "JPEG", "PNG": "PNG", "WebP": "WEBP", "GIF": "GIF", "BMP": "BMP", "AVIF": "AVIF", "TIFF": "TIFF"}
    made = {name: encode(scene(), format_) for name, format_ in names.items()}
    return made | {"HEIC": HEIC.read_bytes(), "PBM/PGM/PPM": encode(scene(), "PPM")}


@pytest.fixture
def api(own_shop: Shop, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=own_shop.artifacts)


def test_every_format_is_added_found_and_shown(api: TestClient, own_shop: Shop) -> None:
    assert set(files()) == {kind.name for kind in images.FORMATS}
    for kind in images.FORMATS:
        data, name = files()[kind.name], kind.name.lower().replace("/", "-")
        assert api.post("/items", files={"file": ("a", data)}, data={"id": name}).status_code == 201
        assert list(own_shop.artifacts.glob(f"images/*/*{kind.extensions[0]}"))
        hit = api.post("/search", files={"file": ("a", data)}, data={"k": "1", "metric": "cosine"}).json()["hits"][0]
        assert hit["cosine"] > 0.999
        item = api.get("/item", params={"id": name}).json()
        assert (item["width"], item["height"]) == (160, 120)
        thumbnail = api.get("/item/thumbnail", params={"id": name, "size": 160})
        assert Image.open(BytesIO(thumbnail.content)).size == (160, 120)
        check_image(api, name, data, kind)


def check_image(api: TestClient, name: str, data: bytes, kind: images.Format) -> None:
    """The file as it came is served unless a browser could not show it and asks for what it can."""
    original = api.get("/item/image", params={"id": name})
    assert (original.content, original.headers["content-type"]) == (data, kind.media_type)
    shown = api.get("/item/image", params={"id": name, "format": "browser"})
    assert (kind.name in NOT_IN_BROWSERS) == (shown.content != data)
    assert shown.headers["content-type"] == ("image/webp" if kind.name in NOT_IN_BROWSERS else kind.media_type)
    pixels = np.asarray(Image.open(BytesIO(shown.content)).convert("RGB"), int)
    assert np.abs(pixels - np.asarray(scene())).mean() < 8


def test_a_copy_for_browsers_is_cached_apart_from_the_file(api: TestClient) -> None:
    api.post("/items", files={"file": ("a", HEIC.read_bytes())}, data={"id": "a"})
    url = "/item/image?id=a&format="
    tags = {api.get(url + name).headers["etag"] for name in ("original", "browser")}
    assert len(tags) == 2
    assert api.get(f"{url}jpeg").json()["code"] == "invalid_parameter"


REFUSED = {
    b"": "an empty file",
    b"<!DOCTYPE html><html>": "a web page",
    b"<svg/>": "an SVG drawing",
    b"%PDF-1.4": "a PDF document",
    b"\xff\x0a\x11\x22": "JPEG XL",
    b"PK\3\4" + bytes(40): "a ZIP archive",
    b"\0\0\0\x18ftypcrx " + bytes(20): "a raw file of a camera",
    b"\x93\x94\xff\xfe": images.SUPPORTED,
}


@pytest.mark.parametrize("data", REFUSED)
@pytest.mark.parametrize("path", ["/search", "/items"])
def test_what_is_no_picture_is_named(client: TestClient, path: str, data: bytes) -> None:
    answer = client.post(path, files={"file": ("a.jpg", data)})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_format")
    assert REFUSED[data] in answer.json()["detail"]
