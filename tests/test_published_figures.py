"""What we claim of the real pictures, measured again: minutes, so it runs with `make test-all`."""

from pathlib import Path

import pytest

from benchmarks import quality, search, setup
from tests.conftest import run_trainer
from trainer.lookup import load_current

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(setup.test_data() is None, reason="LOOKALIKE_TEST_DATA names no folder that holds grocery/"),
]


@pytest.fixture(scope="module", autouse=True)
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the tests' own, so that nothing trained earlier is measured."""
    setup.WORK = tmp_path_factory.mktemp("benchmarks")
    return setup.WORK


def test_frozen_figures_agree_with_the_reference() -> None:
    plain, reduced = quality.measure("frozen", projected=False), quality.measure("frozen")
    for found, expected in (
        (plain.precision_at_1, 0.570),
        (plain.precision_at_10, 0.490),
        (plain.map, 0.360),
        (plain.map_at_r, 0.253),
        (reduced.precision_at_1, 0.574),
        (reduced.precision_at_10, 0.497),
        (reduced.map, 0.381),
        (reduced.map_at_r, 0.270),
    ):
        assert found == pytest.approx(expected, abs=0.01)


def test_the_tuned_head_reaches_its_figures() -> None:
    tuned = quality.measure("demo")
    assert tuned.precision_at_1 >= 0.72
    assert tuned.map >= 0.72


def test_certified_answers_open_at_most_a_fifth_of_the_clusters() -> None:
    for row in search.measure("demo"):
        _vectors, _metric, certified, opened, *_rest = row
        assert certified == "100%"
        assert float(opened.rstrip("%")) <= 20


def test_clothing_from_its_csv(tmp_path: Path) -> None:
    data = setup.test_data()
    assert data is not None
    done = run_trainer("run", "--source", data / "clothing" / "images.csv", "--artifacts", tmp_path)
    assert done.returncode == 0, done.stderr
    manifest = load_current(tmp_path).manifest
    assert manifest.counts.items == 966
    assert manifest.counts.labels == 17
    assert manifest.metrics["head"]["map"] > manifest.metrics["frozen"]["map"]
