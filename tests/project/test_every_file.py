"""One scene in every file that people bring finds itself: in a folder to train on, by /search and by /items."""

import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from fastapi.testclient import TestClient
from PIL import Image, ImageCms

from api.main import create_app
from api.settings import Settings
from retrieval.encoding.encoder import OnnxEncoder
from retrieval.images.profiles import adobe_rgb, matrix_profile
from tests.api.conftest import until_ready
from tests.support.bundles import pieces, write_artifacts
from tests.support.pictures import (
    SRGB,
    encode,
    jpeg,
    jpeg_segment,
    jpeg_with,
    png_chunk,
    png_with,
    scene,
    turned,
    with_gamma,
)
from trainer.config.encoder import EncoderConfig
from trainer.data.features import Views, compute
from trainer.networks.encoders import frozen
from trainer.sources.folder import read_folder

HERE = Path(__file__).parents[1]
HEIC = [file for file in (HERE / "retrieval" / "images" / "heic").glob("*.heic") if file.stem not in {"grey", "alpha"}]
PROPHOTO = matrix_profile(((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), 1.8)


def in_space(picture: Image.Image, profile: bytes) -> Image.Image:
    opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    return ImageCms.profileToProfile(picture, ImageCms.ImageCmsProfile(SRGB), opened)


def on_its_side(picture: Image.Image, format_: str, **options: Any) -> bytes:
    stored, exif = turned(picture)
    return encode(stored, format_, exif=exif, **options)


def bmp_with_unused_alpha(picture: Image.Image) -> bytes:
    pixels = np.asarray(picture.convert("RGBA"))[::-1, :, [2, 1, 0, 3]].copy()
    pixels[..., 3] = 0
    fields = (124, picture.width, picture.height, 1, 32, 3, 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<I2i2HI20x4I", *fields).ljust(124, b"\0")
    return b"BM" + struct.pack("<I4xI", 138 + pixels.size, 138) + header + pixels.tobytes()


def exact(picture: Image.Image) -> dict[str, bytes]:
    """Files that keep the picture as it is, or nearly so."""
    png, photo, adobe = encode(picture, "PNG"), jpeg(picture), adobe_rgb()
    return {
        "plain.png": png,
        "plain.jpg": photo,
        "no-end.jpg": photo[:-2],
        "wrong-length.jpg": jpeg_with(jpeg_segment(0xE5, b"", length=0), data=photo),
        "side.jpg": on_its_side(picture, "JPEG", quality=98, subsampling=0),
        "progressive.jpg": jpeg(picture, progressive=True),
        "long-text.png": png_with(png_chunk(b"tEXt", b"k\0" + b"a" * 3_000_000), data=png),
        "wrong-checksum.png": png_with(png_chunk(b"pHYs", b"\0\0\1\0\0\0\1\0\1", checksum=1), data=png),
        "adobe-rgb.png": encode(in_space(picture, adobe), "PNG", icc_profile=adobe),
        "gamma.png": png_with(
            png_chunk(b"gAMA", struct.pack(">I", 55556)), data=encode(with_gamma(picture, 1.8), "PNG")
        ),
        "packed.tif": encode(picture, "TIFF", compression="tiff_lzw"),
        "side.tiff": on_its_side(picture, "TIFF"),
        "unused-alpha.bmp": bmp_with_unused_alpha(picture),
        "lossless.webp": encode(picture, "WEBP", lossless=True),
        "picture.ppm": encode(picture, "PPM"),
        "fine.avif": encode(picture, "AVIF", quality=98, subsampling="4:4:4"),
    }


def quantised(picture: Image.Image) -> dict[str, bytes]:
    """Files of few colours, of few levels of each (a wide space in 8 bits), or that lose what the eye hardly sees."""
    few = picture.quantize(256)
    return {
        "256-colours.gif": encode(few, "GIF"),
        "256-colours.png": encode(few, "PNG"),
        "prophoto.jpg": encode(in_space(picture, PROPHOTO), "JPEG", quality=100, subsampling=0, icc_profile=PROPHOTO),
        "usual.jpg": encode(picture, "JPEG", quality=75),
        "good.webp": encode(picture, "WEBP", quality=90),
    }


MASTER = encode(scene(), "PNG")
FILES = exact(scene()) | quantised(scene()) | {path.name: path.read_bytes() for path in HEIC}
BAD = {"empty.jpg": b"", "page.jpg": b"<!DOCTYPE html>", "cut.jpg": jpeg(scene())[:4000], "cut.png": MASTER[:300]}


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    """The real network, EfficientNet-Lite0, as it comes."""
    return frozen(EncoderConfig(), mirror=False).onnx


def test_every_file_in_a_folder_is_seen_as_the_same_picture(encoder: OnnxEncoder, tmp_path: Path) -> None:
    """A photograph: to the network, a drawing of few colours becomes one of another kind when it is compressed."""
    photograph = Image.fromarray(skimage.data.coffee())
    fine = exact(photograph) | {"phone.heic": (HERE / "support" / "coffee.heic").read_bytes()}
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, data in (fine | quantised(photograph) | BAD).items():
        (folder / name).write_bytes(data)
    listing = read_folder(folder)
    features = compute(
        listing.pictures, encoder, views=Views(), seed=0, cache=tmp_path / "cache", progress=lambda _done, _of: None
    )
    assert {Path(entry.place).name for entry in (*listing.skipped, *features.skipped)} == set(BAD)
    names = [file.picture.path.name for file in features.files]
    rows = features.values[:, 0] / np.linalg.norm(features.values[:, 0], axis=1, keepdims=True)
    result = dict(zip(names, (rows @ rows[names.index("plain.png")]).tolist(), strict=True))
    assert result.keys() == (fine | quantised(photograph)).keys()
    assert {name: cosine for name, cosine in result.items() if cosine < (0.999 if name in fine else 0.985)} == {}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The API over sixty other pictures and the scene."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    write_artifacts(artifacts, pieces(60))
    with TestClient(create_app(Settings(artifacts=artifacts, workers=2))) as opened:
        until_ready(opened)
        assert opened.post("/items", files={"file": ("a", MASTER)}, data={"id": "master"}).status_code == 201
        yield opened


@pytest.mark.parametrize("name", FILES)
def test_search_finds_the_scene_first_whatever_file_it_is_in(client: TestClient, name: str) -> None:
    answer = client.post("/search", files={"file": (name, FILES[name])}, data={"k": "1"})
    assert answer.json()["hits"][0]["id"] == "master"


@pytest.mark.parametrize("name", FILES)
def test_every_file_becomes_an_item_that_is_the_scene(client: TestClient, name: str) -> None:
    added = client.post("/items", files={"file": (name, FILES[name])}, data={"id": name})
    assert (added.status_code, added.json()["width"], added.json()["height"]) == (201, 160, 120)
    shown = client.get("/item/thumbnail", params={"id": name, "size": 160})
    pixels = np.asarray(Image.open(BytesIO(shown.content)).convert("RGB"), int)
    assert np.abs(pixels - np.asarray(scene())).mean() < 8
    assert client.delete("/item", params={"id": name}).status_code == 204


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("path", ["/search", "/items"])
def test_what_is_no_picture_is_refused(client: TestClient, name: str, path: str) -> None:
    assert client.post(path, files={"file": (name, BAD[name])}).status_code in {415, 422}
