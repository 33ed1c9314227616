"""Colours of every colour space, as files describe it, become those of sRGB."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from retrieval import images
from retrieval.images.profiles import adobe_rgb, matrix_profile, profile_of_codes
from tests.support.pictures import SRGB, as_light, encode, jpeg, png_chunk, png_with, scene, with_gamma

SCENE = scene()
GREY = SCENE.convert("L")
P3, ADOBE = profile_of_codes(12, 13), adobe_rgb()
WIDE = matrix_profile(((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), 1.8)  # ProPhoto's
PROFILES = {"Display P3": P3, "Adobe RGB": ADOBE, "ProPhoto": WIDE, "linear Rec. 2020": profile_of_codes(9, 8)}


def in_space(profile: bytes, picture: Image.Image = SCENE, mode: str = "RGB") -> Image.Image:
    """The same colours, stored in another space: by Little CMS, as the way back, but with the profile as output."""
    opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    return ImageCms.profileToProfile(picture, ImageCms.ImageCmsProfile(SRGB), opened, outputMode=mode)


def grey_profile(exponent: float) -> bytes:
    """A grey ICC profile of version 2.1, with a gamma curve."""
    white = (63190, 65536, 54061)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"g\0" + bytes(80),
        b"wtpt": struct.pack(">4s4x3i", b"XYZ ", *white),
        b"kTRC": struct.pack(">4s4xIH2x", b"curv", 1, round(256 * exponent)),
    }
    table, content, first = b"", b"", 132 + 12 * len(tags)
    for name, tag in tags.items():
        table += struct.pack(">4s2I", name, first + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    body = struct.pack(">I", len(tags)) + table + content
    fields = (128 + len(body), 0x02100000, b"mntr", b"GRAY", b"XYZ ", b"acsp", 0, *white)
    return struct.pack(">I4xI4s4s4s12x4s4x4x4x8xI3I", *fields).ljust(128, b"\0") + body


def difference(data: bytes, wanted: Image.Image = SCENE) -> float:
    """Of 255 levels, in the mean."""
    return float(np.abs(images.decode(data).astype(int) - np.asarray(wanted.convert("RGB"))).mean())


FORMATS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 98, "subsampling": 0}, "PNG": {}, "WEBP": {"lossless": True}, "TIFF": {},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
}  # fmt: skip


@pytest.mark.parametrize("space", PROFILES)
@pytest.mark.parametrize("format_", FORMATS)
def test_embedded_profiles_are_applied(format_: str, space: str) -> None:
    stored = in_space(PROFILES[space])
    assert np.abs(np.asarray(stored, int) - np.asarray(SCENE)).mean() > 5  # so much is wrong without the profile
    assert difference(encode(stored, format_, icc_profile=PROFILES[space], **FORMATS[format_])) < 4


def test_gif_and_bmp_have_profiles_too() -> None:
    stored = in_space(ADOBE)
    gif = encode(stored.quantize(256), "GIF")
    place = gif.index(b",\0\0\0\0")
    blocks = b"".join(bytes([len(ADOBE[n : n + 255])]) + ADOBE[n : n + 255] for n in range(0, len(ADOBE), 255))
    assert len(ADOBE) > 255  # more than one block
    assert difference(gif[:place] + b"!\xff\x0bICCRGBG1012" + blocks + b"\0" + gif[place:]) < 2.5
    pixels = encode(stored, "BMP")[54:]
    fields = (124, 160, 120, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    header = struct.pack("<I2i2HI5I", *fields) + struct.pack("<16x4s52x2I4x", b"DEBM", 124 + len(pixels), len(ADOBE))
    bmp = b"BM" + struct.pack("<I4xI", 138 + len(pixels) + len(ADOBE), 138) + header + pixels + ADOBE
    assert difference(bmp) < 1


def test_profiles_of_grey_apply_to_grey_of_any_depth() -> None:
    light = as_light(GREY)
    bright = Image.fromarray(np.round(255 * light ** (1 / 1.4)).astype(np.uint8))
    deep = Image.fromarray(np.round(65535 * light).astype(np.uint16))
    for format_ in ("PNG", "TIFF", "JPEG"):
        assert difference(encode(bright, format_, icc_profile=grey_profile(1.4)), GREY) < 1
    for format_ in ("PNG", "TIFF"):
        assert difference(encode(deep, format_, icc_profile=grey_profile(1.0)), GREY) < 1
    clear = Image.merge("LA", (bright, Image.new("L", bright.size, 255)))
    assert difference(encode(clear, "PNG", icc_profile=grey_profile(1.4)), GREY) < 1


def test_alpha_palettes_and_cmyk_keep_their_profiles() -> None:
    stored = in_space(ADOBE)
    assert difference(encode(stored.convert("RGBA"), "PNG", icc_profile=ADOBE)) < 1
    assert difference(encode(stored.quantize(256), "PNG", icc_profile=ADOBE)) < 2.5
    lab = in_space(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), mode="LAB")
    assert difference(encode(lab, "TIFF")) < 1.5
    inks = Image.merge(
        "CMYK", [*(Image.eval(channel, lambda v: 255 - v) for channel in SCENE.split()), Image.new("L", SCENE.size)]
    )
    for format_ in ("JPEG", "TIFF"):
        assert difference(encode(inks, format_, icc_profile=ADOBE)) < 1  # a profile of RGB says nothing of inks


BROKEN = {
    "rubbish": b"rubbish" * 99,
    "cut short": ADOBE[:300],
    "of grey": grey_profile(1.8),
    "empty": b"",
    "zeros": bytes(3144),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("format_", FORMATS)
def test_a_profile_that_cannot_be_used_is_passed_over(format_: str, name: str) -> None:
    assert difference(encode(SCENE, format_, icc_profile=BROKEN[name], **FORMATS[format_])) < 1.5


def test_a_profile_of_srgb_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(SRGB).tobytes()
    assert difference(encode(SCENE, "PNG", icc_profile=profile)) == 0


def numbers(*values: float) -> bytes:
    return struct.pack(f">{len(values)}I", *(round(100_000 * value) for value in values))


def embedded(profile: bytes) -> bytes:
    return png_chunk(b"iCCP", b"k\0\0" + zlib.compress(profile))


GAMMA_1, GAMMA_18, SRGB_CHUNK = (
    png_chunk(b"gAMA", numbers(1)),
    png_chunk(b"gAMA", numbers(1 / 1.8)),
    png_chunk(b"sRGB", b"\0"),
)
CORNERS = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
LINEAR, SCENE_18 = with_gamma(SCENE, 1), with_gamma(SCENE, 1.8)
ADOBE_LIGHT = in_space(matrix_profile((CORNERS[2:4], CORNERS[4:6], CORNERS[6:]), CORNERS[:2], None))
CHUNKS = {
    "gAMA": (LINEAR, [GAMMA_1]),
    "gAMA of old Macs": (SCENE_18, [GAMMA_18]),
    "gAMA of sRGB": (SCENE, [png_chunk(b"gAMA", numbers(0.45455))]),
    "gAMA of nothing": (SCENE, [png_chunk(b"gAMA", numbers(0))]),
    "cHRM": (ADOBE_LIGHT, [png_chunk(b"cHRM", numbers(*CORNERS)), png_chunk(b"gAMA", numbers(0.45455))]),
    "cHRM of zeros": (SCENE, [png_chunk(b"cHRM", bytes(32))]),
    "cHRM of one colour": (SCENE, [png_chunk(b"cHRM", numbers(*[0.3] * 8))]),
    "cHRM beyond colour": (SCENE, [png_chunk(b"cHRM", b"\xff" * 32)]),
    "sRGB above gAMA": (SCENE, [GAMMA_1, SRGB_CHUNK]),
    "iCCP above sRGB": (in_space(P3), [embedded(P3), SRGB_CHUNK, GAMMA_1]),
    "gAMA below a broken iCCP": (LINEAR, [png_chunk(b"iCCP", b"k\0\0rubbish"), GAMMA_1]),
    "cICP above all": (in_space(P3), [png_chunk(b"cICP", bytes([12, 13, 0, 1])), embedded(ADOBE), SRGB_CHUNK]),
    "cICP of sRGB above iCCP": (SCENE, [png_chunk(b"cICP", bytes([1, 13, 0, 1])), embedded(ADOBE)]),
    "cICP of nothing": (SCENE, [png_chunk(b"cICP", bytes([99, 13, 0, 1]))]),
}  # fmt: skip


@pytest.mark.parametrize("name", CHUNKS)
def test_png_says_its_colours_in_many_ways(name: str) -> None:
    stored, chunks = CHUNKS[name]
    assert difference(png_with(*chunks, data=encode(stored, "PNG"))) < 1


def test_high_dynamic_range_is_seen_as_on_a_usual_screen() -> None:
    power = (as_light(SCENE) * 203 / 10_000) ** (2610 / 16384)  # SMPTE ST 2084, white at 203 cd/m2
    quantizer = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** (2523 / 32)
    light = as_light(SCENE) * 0.26496256  # ITU-R BT.2100, white at a signal of 0.75
    gamma = np.where(
        light <= 1 / 12, np.sqrt(3 * light), 0.17883277 * np.log(np.maximum(12 * light - 0.28466892, 1e-9)) + 0.55991073
    )
    for transfer, signal in ((16, quantizer), (18, gamma)):
        stored = encode(Image.fromarray(np.round(255 * signal).astype(np.uint8)), "PNG")
        assert difference(png_with(png_chunk(b"cICP", bytes([1, transfer, 0, 1])), data=stored)) < 1


@pytest.mark.parametrize(
    ("exif", "is_adobe"),
    [
        ({ExifTags.Base.ColorSpace: 2}, True),
        ({ExifTags.Base.ColorSpace: 0xFFFF, ExifTags.IFD.Interop: {1: "R03"}}, True),
        ({ExifTags.Base.ColorSpace: 0xFFFF, ExifTags.IFD.Interop: {1: "R98"}}, False),
        ({ExifTags.Base.ColorSpace: 1, ExifTags.IFD.Interop: {1: "R03"}}, False),
    ],
)
def test_a_camera_set_to_adobe_rgb_says_so_in_exif(exif: dict[int, object], is_adobe: bool) -> None:
    block = Image.Exif()
    block[ExifTags.IFD.Exif] = exif
    assert difference(jpeg(in_space(ADOBE) if is_adobe else SCENE, exif=block)) < 1
    assert difference(jpeg(SCENE, exif=block, icc_profile=ImageCms.ImageCmsProfile(SRGB).tobytes())) < 1


def test_thumbnails_and_parts_are_in_srgb() -> None:
    data = encode(in_space(WIDE), "PNG", icc_profile=WIDE)
    small = Image.open(BytesIO(images.thumbnail(data, 160)))
    assert "icc_profile" not in small.info
    assert np.abs(np.asarray(small.convert("RGB"), int) - np.asarray(SCENE)).mean() < 4
    part = Image.open(BytesIO(images.cut(data, 0, 0, 0.5, 0.5)))
    assert np.abs(np.asarray(part, int) - np.asarray(SCENE.crop((0, 0, 80, 60)))).mean() < 1
