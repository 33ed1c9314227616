"""The same picture in other bytes, found in a whole data set."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.evaluation.inputs.leaks import look_alike
from trainer.sources import pottery

pytestmark = pytest.mark.quality

DATA = Path(os.environ.get("LOOKALIKE_TEST_DATA", "nowhere"))


def recompressed(path: Path, to: Path, quality: int = 60) -> Path:
    buffer = io.BytesIO()
    Image.open(path).convert("RGB").save(buffer, "JPEG", quality=quality)
    to.write_bytes(buffer.getvalue())
    return to


def test_a_recompressed_picture_is_found_and_a_broken_file_is_passed_over(tmp_path: Path) -> None:
    pottery.make(tmp_path / "shop", pieces=4, photos=3, size=160)
    paths = sorted((tmp_path / "shop").rglob("*.jpg"))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(paths[0].read_bytes()[:500])
    again = recompressed(paths[5], tmp_path / "again.jpg")
    assert look_alike([broken, *paths, again, tmp_path / "missing.jpg"]) == [(6, len(paths) + 1)]


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "grocery").is_dir(), reason="LOOKALIKE_TEST_DATA names no folder that holds grocery/")
def test_fifty_test_pictures_recompressed_into_train_are_all_found(tmp_path: Path) -> None:
    train = sorted((DATA / "grocery" / "train").rglob("*.jpg"))
    test = sorted((DATA / "grocery" / "test").rglob("*.jpg"))
    leaked = [test[row] for row in np.random.default_rng(0).choice(len(test), 50, replace=False)]
    planted = [recompressed(path, tmp_path / f"{number}.jpg") for number, path in enumerate(leaked)]
    pairs = look_alike([*leaked, *train, *planted])
    result = {(first, second) for first, second in pairs if first < 50}
    assert result >= {(number, 50 + len(train) + number) for number in range(50)}
    assert len(result) <= 53  # whatever else of the test part looks like a training picture
