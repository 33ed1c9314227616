"""Whatever happens to a byte of a bundle, whichever file it is in, is found before the bundle serves an answer."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from retrieval import bundle
from retrieval.errors import BundleDamaged, BundleError
from tests.support.bundles import face_stage, portrait, some_calibration, write_bundle

DAMAGES = 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with everything that one can have. Whoever changes it puts it back."""
    artifacts, report = tmp_path_factory.mktemp("artifacts"), tmp_path_factory.mktemp("report")
    (report / "sheets").mkdir()
    (report / "index.html").write_text("<!doctype html><title>Report</title>")
    (report / "sheets" / "epoch-1.png").write_bytes(portrait(1))
    pictures = [portrait(n) for n in range(12)]
    write_bundle(artifacts, pictures, calibration=some_calibration(), faces=face_stage(), report=report)
    return bundle.bundle_path(artifacts, "tiny")


def test_a_thousand_flips_and_cuts_are_all_found_at_the_start(folder: Path) -> None:
    """Single bits, and ends cut off; each file as often as any other, however small."""
    random = np.random.default_rng(20261124)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) == 10
    survived: Counter[str] = Counter()
    for turn in range(DAMAGES):
        file = files[turn % len(files)]
        whole = file.read_bytes()
        damaged = bytearray(whole)
        place = int(random.integers(len(whole)))
        if random.integers(2):
            damaged[place] ^= 1 << int(random.integers(8))
        else:
            del damaged[place:]
        file.write_bytes(damaged)
        try:
            bundle.load(folder)
            survived[file.relative_to(folder).as_posix()] += 1
        except BundleError:
            pass
        file.write_bytes(whole)
    assert not survived
    bundle.load(folder)


def test_a_file_that_is_gone_is_found_and_named(folder: Path) -> None:
    sheet = folder / "report" / "sheets" / "epoch-1.png"
    whole = sheet.read_bytes()
    sheet.unlink()
    with pytest.raises(BundleDamaged, match=r"epoch-1\.png cannot be read"):
        bundle.load(folder)
    sheet.write_bytes(whole)
