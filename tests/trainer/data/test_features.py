"""Features, computed once and kept: what is computed, what is not, and what is said of pictures that cannot be read."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from retrieval.images import decode
from tests.support.bundles import picture
from trainer.data import features
from trainer.data.augment import augment, detail, generator
from trainer.data.features import FeatureCache, Features, Views, compute
from trainer.sources.base import Picture


class CountingEncoder:
    """The mean colour of a picture, its contrast, and nothing else; counts its calls, and may give up."""

    height, width, dims = 12, 16, 4

    def __init__(self, *, stops_after: int | None = None) -> None:
        self.calls = 0
        self.stops_after = stops_after

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self.calls == self.stops_after:
            raise KeyboardInterrupt
        self.calls += 1
        assert images.shape[1:] == (self.height, self.width, 3)
        assert images.dtype == np.uint8
        colours = images.mean(axis=(1, 2), dtype=np.float32)
        return np.column_stack([colours, images.std(axis=(1, 2, 3), dtype=np.float32)])


@pytest.fixture
def shop(tmp_path: Path) -> list[Picture]:
    """Different pictures, in no order that a folder would have."""
    paths = [tmp_path / f"{number * 7 % 10}.jpg" for number in range(10)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(number))
    return [Picture(path.stem, path, "cup") for path in paths]


def run(
    pictures: Sequence[Picture],
    cache: Path,
    encoder: CountingEncoder | None = None,
    *,
    views: Views = Views(2),  # noqa: B008 - it cannot change
    seed: int = 0,
    steps: list[tuple[int, int]] | None = None,
) -> tuple[Features, int]:
    """Features, and how often the network was asked for them."""
    counting = encoder or CountingEncoder()
    steps = [] if steps is None else steps
    progress = steps.append
    result = compute(
        pictures, counting, views=views, seed=seed, cache=cache, progress=lambda done, of: progress((done, of))
    )
    return result, counting.calls


def test_a_row_for_each_picture_in_order_the_clean_view_first(shop: list[Picture], tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    result, calls = run(shop, tmp_path / "cache.sqlite", steps=steps)
    assert result.values.shape == (10, 3, 4)
    assert result.values.dtype == np.float32
    assert [opened.picture for opened in result.files] == shop
    assert calls == 10
    assert steps == [(done, 10) for done in range(1, 11)]
    for opened, rows in zip(result.files, result.values, strict=True):
        data = opened.picture.path.read_bytes()
        small = Image.fromarray(decode(data, min_side=16)).resize((16, 12), Image.Resampling.BICUBIC)
        np.testing.assert_allclose(rows[:1], CountingEncoder().encode(np.asarray(small)[None]), rtol=1e-6)
        assert opened.sha256 == sha256(data).hexdigest()
        assert (opened.info.width, opened.info.height, opened.info.media_type) == (60, 44, "image/jpeg")
        assert not np.array_equal(rows[1], rows[2])


def test_a_second_run_computes_nothing_wherever_the_files_are_now(shop: list[Picture], tmp_path: Path) -> None:
    first, _ = run(shop, tmp_path / "deep" / "cache.sqlite")
    moved = []
    for number, entry in enumerate(reversed(shop)):
        path = entry.path.rename(tmp_path / f"moved-{number}.jpg")
        moved.append(Picture(f"moved-{number}", path))
    again, calls = run(moved, tmp_path / "deep" / "cache.sqlite")
    assert calls == 0
    np.testing.assert_array_equal(again.values, first.values[::-1])
    assert [opened.info for opened in again.files] == [opened.info for opened in reversed(first.files)]


def test_a_changed_picture_is_computed_anew(shop: list[Picture], tmp_path: Path) -> None:
    first, _ = run(shop, tmp_path / "cache.sqlite")
    shop[3].path.write_bytes(picture(99))
    again, calls = run(shop, tmp_path / "cache.sqlite")
    assert calls == 1
    changed = (again.values != first.values).any(axis=(1, 2))
    assert np.flatnonzero(changed).tolist() == [3]


def test_a_run_that_was_stopped_goes_on_where_it_was(shop: list[Picture], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(shop, tmp_path / "cache.sqlite", CountingEncoder(stops_after=6))
    result, calls = run(shop, tmp_path / "cache.sqlite")
    assert calls == 4
    whole, _ = run(shop, tmp_path / "other.sqlite")
    np.testing.assert_array_equal(result.values, whole.values)


def test_doubled_pictures_are_computed_once(shop: list[Picture], tmp_path: Path) -> None:
    doubled = [*shop[:3], *shop[:3], *shop]
    result, calls = run(doubled, tmp_path / "cache.sqlite")
    assert calls == 10
    np.testing.assert_array_equal(result.values[:3], result.values[3:6])
    np.testing.assert_array_equal(result.values[:3], result.values[6:9])


def test_a_picture_that_cannot_be_read_is_skipped_with_the_reason(shop: list[Picture], tmp_path: Path) -> None:
    shop[1].path.write_bytes(b"not a picture")
    shop[4].path.write_bytes(shop[4].path.read_bytes()[:300])
    shop[6].path.unlink()
    shop[7].path.unlink()
    shop[7].path.mkdir()
    for _run in range(2):  # the second from the cache
        result, _ = run(shop, tmp_path / "cache.sqlite")
        assert [opened.picture for opened in result.files] == [shop[row] for row in (0, 2, 3, 5, 8, 9)]
        assert result.values.shape == (6, 3, 4)
        reasons = {Path(entry.place).name: entry.reason for entry in result.skipped}
        assert list(reasons) == [shop[row].path.name for row in (1, 4, 6, 7)]
        unknown, cut, absent, folder = reasons.values()
        assert unknown == "this is a text file, not a picture"
        assert cut.startswith("this JPEG is damaged or cut short")
        assert absent == "No such file or directory"
        assert folder == "Is a directory"


def test_no_readable_picture_is_no_row(tmp_path: Path) -> None:
    result, calls = run([Picture("0", tmp_path / "absent.jpg")], tmp_path / "cache.sqlite", views=Views(3))
    assert (result.values.shape, len(result.files), len(result.skipped), calls) == ((0, 4, 4), 0, 1, 0)


def test_without_views_there_is_only_the_clean_picture(shop: list[Picture], tmp_path: Path) -> None:
    bare, _ = run(shop, tmp_path / "bare.sqlite", views=Views())
    result, _ = run(shop, tmp_path / "cache.sqlite", views=Views(2))
    assert bare.values.shape == (10, 1, 4)
    np.testing.assert_array_equal(bare.values[:, 0], result.values[:, 0])


def test_views_and_detail_are_those_of_the_picture(shop: list[Picture], tmp_path: Path) -> None:
    result, _ = run(shop, tmp_path / "cache.sqlite", views=Views(2, detail=True))
    assert (result.values.shape, result.details.shape) == ((10, 3, 4), (10, 4))
    plain, _ = run(shop, tmp_path / "plain.sqlite")
    np.testing.assert_array_equal(result.values, plain.values)
    assert plain.details is None
    for number, opened in enumerate(result.files[:3]):
        rgb, rng = decode(opened.picture.path.read_bytes(), min_side=32), generator(0, opened.sha256)
        inputs = [augment(rgb, 12, 16, rng), augment(rgb, 12, 16, rng), detail(rgb, 12, 16, 0, opened.sha256)]
        rows = CountingEncoder().encode(np.stack(inputs))
        np.testing.assert_allclose(result.values[number, 1:], rows[:2], rtol=1e-5)
        np.testing.assert_allclose(result.details[number], rows[2], rtol=1e-5)
    again, calls = run(shop, tmp_path / "cache.sqlite", views=Views(2, detail=True))
    assert calls == 0
    np.testing.assert_array_equal(again.details, result.details)


def test_views_depend_on_content_and_seed_alone(shop: list[Picture], tmp_path: Path) -> None:
    one, _ = run(shop, tmp_path / "1.sqlite")
    again, _ = run(shop[::-1], tmp_path / "2.sqlite")
    other, _ = run(shop, tmp_path / "3.sqlite", seed=1)
    np.testing.assert_array_equal(again.values[::-1], one.values)
    np.testing.assert_array_equal(other.values[:, 0], one.values[:, 0])
    assert (other.values[:, 1:] != one.values[:, 1:]).any(axis=(1, 2)).all()


def test_pictures_are_not_all_augmented_alike(tmp_path: Path) -> None:
    paths = [tmp_path / f"same.{kind}" for kind in ("png", "bmp")]  # of the same pixels, but other bytes
    for path in paths:
        path.write_bytes(picture(0, format_=path.suffix[1:].upper()))
    result, _ = run([Picture(path.name, path) for path in paths], tmp_path / "cache.sqlite")
    png, bmp = result.values
    np.testing.assert_array_equal(png[0], bmp[0])
    assert (png[1:] != bmp[1:]).any(axis=1).all()


@pytest.mark.parametrize(("seconds", "kept"), [(0.0, True), (1000.0, False)])
def test_a_killed_run_keeps_what_was_committed(
    seconds: float, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "COMMIT_SECONDS", seconds)
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    with FeatureCache(tmp_path / "cache.sqlite") as writing, FeatureCache(tmp_path / "cache.sqlite") as other:
        writing.put("digest", rows)
        result = other.get("digest", 3)  # sees what would be there after a power cut
        assert (result is not None) == kept
    with FeatureCache(tmp_path / "cache.sqlite") as later:
        np.testing.assert_array_equal(later.get("digest", 3), rows)


@pytest.mark.parametrize(
    ("name", "size", "times"), [("small.jpg", (40, 30), 1), ("large.png", (600, 440), 1), ("large.jpg", (600, 440), 2)]
)
def test_a_picture_is_decoded_anew_for_its_views_only_where_that_gives_more_pixels(
    name: str, size: tuple[int, int], times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)).save(path)
    sides: list[int] = []

    def opener(data: bytes, side: int) -> NDArray[np.uint8]:
        sides.append(side)
        return decode(data, min_side=side)

    monkeypatch.setattr(features, "open_whole", opener)
    arguments: dict[str, Any] = {"views": Views(2), "seed": 0, "progress": lambda _done, _of: None}
    compute([Picture("0", path)], CountingEncoder(), cache=tmp_path / "c.sqlite", opener=opener, **arguments)
    assert sides == [16, 32][:times]
