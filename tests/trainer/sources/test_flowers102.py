"""Oxford 102 Flowers, from a small tree in the publisher's format."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from trainer.errors import SourceError
from trainer.sources import flowers102


def fill(folder: Path, labels: list[int], kind: type = np.uint8) -> Path:
    """As published: `labels` [1, n]; three sets of picture numbers, each [1, m]; pictures by number."""
    (folder / "jpg").mkdir()
    for number in range(1, len(labels) + 1):
        (folder / "jpg" / f"image_{number:05d}.jpg").touch()
    savemat(folder / "imagelabels.mat", {"labels": np.array([labels], kind)})
    sets = {"trnid": [[1, 4]], "valid": [[2]], "tstid": [[3, 5]]}
    savemat(folder / "setid.mat", {name: np.array(numbers, np.uint16) for name, numbers in sets.items()})
    return folder


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_labels_and_parts_of_every_picture(kind: type, tmp_path: Path) -> None:
    listing = flowers102.read(fill(tmp_path, [77, 73, 1, 102, 77], kind))
    assert [(p.id, p.label, p.part) for p in listing.pictures] == [
        ("image_00001", "passion flower", "train"),
        ("image_00002", "water lily", "validation"),
        ("image_00003", "pink primrose", "test"),
        ("image_00004", "blackberry lily", "train"),
        ("image_00005", "passion flower", "test"),
    ]
    assert listing.pictures[0].path == tmp_path / "jpg" / "image_00001.jpg"
    assert not listing.skipped


def test_there_are_102_different_names() -> None:
    assert len(flowers102.NAMES) == len(set(flowers102.NAMES)) == 102
    assert all(name == name.strip() and name for name in flowers102.NAMES)
    assert [flowers102.NAMES[number - 1] for number in (21, 51, 102)] == ["fire lily", "petunia", "blackberry lily"]


def test_a_picture_that_is_not_there_is_skipped(tmp_path: Path) -> None:
    (fill(tmp_path, [1, 2, 3, 4, 5]) / "jpg" / "image_00002.jpg").unlink()
    listing = flowers102.read(tmp_path)
    assert [p.id[-1] for p in listing.pictures] == ["1", "3", "4", "5"]
    assert [Path(entry.place).name for entry in listing.skipped] == ["image_00002.jpg"]


def test_labels_out_of_range_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"imagelabels\.mat holds labels other than 1 to 102"):
        flowers102.read(fill(tmp_path, [1, 103, 1, 1, 1]))


def test_a_file_without_the_variable_is_an_error(tmp_path: Path) -> None:
    fill(tmp_path, [1, 2, 3, 4, 5])
    savemat(tmp_path / "setid.mat", {"trnid": [1]})
    with pytest.raises(SourceError, match=r"setid\.mat is not a MATLAB file with trnid, valid, tstid"):
        flowers102.read(tmp_path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.integers(0, 300).map(lambda size: b"MATLAB 5.0 MAT-file".ljust(124) + bytes(size)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "imagelabels.mat").write_bytes(content)
    with pytest.raises(SourceError, match=r"imagelabels\.mat"):
        flowers102.read(tmp_path)
