"""The demo catalogue: photographs that depend on nothing but their plan, and in which the piece can be found again."""

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from trainer.sources import pottery
from trainer.sources.pottery.forms import MODELS, throw
from trainer.sources.pottery.glazes import Glaze, Palette, glazed
from trainer.sources.pottery.patterns import PATTERNS
from trainer.sources.pottery.scene import Scene, arrange, rays
from trainer.sources.pottery.solid import Solid, solid_of
from trainer.sources.pottery.trace import first_hits, light_reaching

PIECES, PHOTOS, SIZE = 6, 3, 72


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small shop, rendered once."""
    return pottery.make(tmp_path_factory.mktemp("shop"), pieces=PIECES, photos=PHOTOS, size=SIZE, workers=2).parent


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def view(solid: Solid, scene: Scene, size: int) -> NDArray[np.bool_]:
    """Where in the picture the piece is, [size, size]."""
    grid = ((np.arange(size, dtype=np.float32) + 0.5) * 2 / size - 1).astype(np.float32)
    x, y = np.meshgrid(grid, -grid)
    hits = first_hits(solid, scene.eye, rays(scene, x.ravel(), y.ravel()))
    return np.isfinite(hits).reshape(size, size)


# --- the plan


@settings(deadline=None)
@given(pieces=st.integers(1, 150), seed=st.integers(0, 5))
def test_every_piece_is_another_pair_of_form_and_glaze(pieces: int, seed: int) -> None:
    listing = pottery.plan(pieces, 1, seed)
    assert len(listing) == pieces
    assert len({photo.piece for photo in listing}) == pieces
    assert len({photo.label for photo in listing}) == pieces
    assert len({photo.path for photo in listing}) == pieces


def test_the_full_plan() -> None:
    listing = pottery.plan()
    assert len(listing) == 1200
    assert len({photo.path for photo in listing}) == 1200
    assert len({photo.label for photo in listing}) == 60
    assert {photo.shape for photo in listing} == {"vase", "bowl", "jug", "bottle", "plate", "mug"}
    assert {photo.glaze for photo in listing} == set(PATTERNS)
    assert all(photo.colour and photo.label[0].isupper() for photo in listing)
    for attribute in ("shape", "glaze", "colour"):  # one value per piece
        assert len({(photo.label, getattr(photo, attribute)) for photo in listing}) == 60


def test_some_pieces_share_a_form_and_some_a_glaze() -> None:
    pieces = list({photo.piece for photo in pottery.plan(photos=1)})
    pairs = list(combinations(pieces, 2))
    assert sum(one.form == other.form for one, other in pairs) >= 30
    assert sum(one.glaze == other.glaze for one, other in pairs) >= 30


# --- one picture


def test_a_picture_depends_on_its_plan_alone() -> None:
    photo, neighbour, *_ = pottery.plan(PIECES, PHOTOS)
    picture = pottery.render(photo, SIZE)
    assert picture.shape == (SIZE, SIZE, 3)
    assert picture.dtype == np.uint8
    assert not np.array_equal(pottery.render(neighbour, SIZE), picture)
    assert not np.array_equal(pottery.render(pottery.plan(PIECES, PHOTOS, seed=1)[0], SIZE), picture)
    assert np.array_equal(pottery.render(pottery.plan(PIECES, PHOTOS)[0], SIZE), picture)


def test_the_whole_piece_is_in_every_picture() -> None:
    for photo in pottery.plan(24, 2, seed=3):
        solid = solid_of(photo.piece.form)
        camera_view = view(solid, arrange(solid, np.random.default_rng(photo.seed)), SIZE)
        border = np.concatenate([camera_view[0], camera_view[-1], camera_view[:, 0], camera_view[:, -1]])
        assert 0.06 < camera_view.mean() < 0.6, photo.label
        assert not border.any(), photo.label


def test_the_piece_stands_out_from_what_is_behind_it(shop: Path) -> None:
    for photo in pottery.plan(PIECES, PHOTOS):
        solid = solid_of(photo.piece.form)
        camera_view = view(solid, arrange(solid, np.random.default_rng(photo.seed)), SIZE)
        with Image.open(shop / photo.path) as file:
            picture = np.asarray(file.convert("RGB"), np.float32)
        # Shape and light alone make a plain white pot on white paper vary more than the paper does.
        assert (
            picture[camera_view].std(0).max() > 8
            or np.ptp([picture[camera_view].mean(0), picture[~camera_view].mean(0)], 0).max() > 20
        )


def test_photographs_of_one_piece_are_more_alike_than_of_two(shop: Path) -> None:
    listing = pottery.plan(PIECES, PHOTOS)
    colours = []
    for photo in listing:
        solid = solid_of(photo.piece.form)
        camera_view = view(solid, arrange(solid, np.random.default_rng(photo.seed)), SIZE)
        with Image.open(shop / photo.path) as file:
            pixels = np.asarray(file.convert("RGB"))[camera_view]
        histogram, _ = np.histogramdd(pixels, bins=6, range=[(0, 256)] * 3)
        colours.append(histogram.ravel() / len(pixels))
    same: list[float] = []
    other: list[float] = []
    for i, k in combinations(range(len(listing)), 2):
        overlap = np.minimum(colours[i], colours[k]).sum()
        (same if listing[i].label == listing[k].label else other).append(overlap)
    assert np.mean(same) > 1.5 * np.mean(other)


# --- the folder


def test_the_table_lists_the_files(shop: Path) -> None:
    with (shop / "pottery.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert [tuple(row.values()) for row in rows] == [
        (photo.path, photo.label, photo.shape, photo.glaze, photo.colour) for photo in pottery.plan(PIECES, PHOTOS)
    ]
    assert set(files(shop)) == {row["path"] for row in rows} | {"pottery.csv"}
    for row in rows:
        with Image.open(shop / row["path"]) as file:
            assert (file.format, file.size) == ("JPEG", (SIZE, SIZE))


def test_one_worker_makes_the_same_files_as_two(shop: Path, tmp_path: Path) -> None:
    pottery.make(tmp_path, pieces=PIECES, photos=PHOTOS, size=SIZE, workers=1)
    assert files(tmp_path) == files(shop)


def test_an_interrupted_run_goes_on_where_it_stopped(shop: Path, tmp_path: Path) -> None:
    whole = files(shop)
    kept, *_, lost = pottery.plan(PIECES, PHOTOS)
    for path, content in whole.items():
        if path not in ("pottery.csv", lost.path):
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_bytes(b"kept" if path == kept.path else content)
    progress_steps: list[tuple[int, int]] = []
    pottery.make(
        tmp_path,
        pieces=PIECES,
        photos=PHOTOS,
        size=SIZE,
        workers=1,
        progress=lambda done, of: progress_steps.append((done, of)),
    )
    assert progress_steps == [(PIECES * PHOTOS, PIECES * PHOTOS)]
    assert files(tmp_path) == {**whole, kept.path: b"kept"}


# --- what the pictures rest on


@pytest.mark.parametrize("model", range(len(MODELS)), ids=lambda k: " ".join(MODELS[k][:2]))
def test_rays_agree_with_walking_them_in_small_steps(model: int) -> None:
    rng = np.random.default_rng(model)
    solid = solid_of(throw(model, rng))
    scene = arrange(solid, rng)
    directions = rays(scene, *rng.uniform(-0.9, 0.9, (2, 150)).astype(np.float32))
    result = first_hits(solid, scene.eye, directions)

    steps = np.arange(np.linalg.norm(scene.eye) - 1.5, np.linalg.norm(scene.eye) + 1.5, 0.002, dtype=np.float32)
    for direction, distance in zip(directions.T, result, strict=True):
        points = scene.eye[:, None] + direction[:, None] * steps
        depth = np.where(points[1] >= 0, solid.distance(points), np.inf)
        walked = steps[(depth < 0).argmax()] if (depth < 0).any() else np.inf
        if np.isfinite(distance):
            assert distance < walked + 0.02  # not through a wall
            assert solid.distance((scene.eye + direction * distance)[:, None])[0] < 0.02  # and at one
        else:
            assert depth.min() > -0.005  # at most a scratch


def test_no_light_below_the_foot_and_all_light_far_from_it() -> None:
    solid = solid_of(throw(0, np.random.default_rng(0)))
    lamp = np.array([0.6, 0.8, 0.0], np.float32)
    toward, away, under = [1.5, 0, 0], [-0.3, 0, 0], [0.05, 0, 0]
    points = np.array([toward, away, under], np.float32).T
    lit = light_reaching(solid, points, lamp, 0.2)
    assert lit[0] == 1
    assert lit[1] < 0.05
    assert lit[2] < 0.05


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("model", [0, 1, 4], ids=["vase", "bowl", "plate"])
def test_the_colour_in_words_covers_more_of_a_piece_than_the_accent(pattern: str, model: int) -> None:
    black_with_white = Palette("test", "black", "#000000", "#ffffff", "#000000")
    rng = np.random.default_rng(1)
    solid = solid_of(throw(model, rng))
    brightness = []
    for whim in (0.05, 0.35, 0.65, 0.95):
        scene = arrange(solid, rng)
        directions = rays(scene, *rng.uniform(-0.9, 0.9, (2, 3000)).astype(np.float32))
        distances = first_hits(solid, scene.eye, directions)
        hit = np.isfinite(distances)
        points = scene.eye[:, None] + distances[hit] * directions[:, hit]
        colour, _ = glazed(solid, Glaze(pattern, black_with_white, 0.9, whim), points)
        brightness.append(colour.mean())
    assert 0.005 < np.mean(brightness) < 0.5
