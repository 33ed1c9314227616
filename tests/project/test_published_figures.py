"""What we claim of the real pictures, measured again: minutes, so it runs with `make test-all`."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.settings import Settings
from benchmarks import calibration, faces, new_labels, quality, search, setup
from tests.api.conftest import until_ready
from tests.conftest import run_trainer
from trainer.bundles import load_current

pytestmark = [
    pytest.mark.quality,
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
    for result, expected in (
        (plain.precision_at_1, 0.570),
        (plain.precision_at_10, 0.490),
        (plain.map, 0.360),
        (plain.map_at_r, 0.253),
        (reduced.precision_at_1, 0.574),
        (reduced.precision_at_10, 0.497),
        (reduced.map, 0.381),
        (reduced.map_at_r, 0.270),
    ):
        assert result == pytest.approx(expected, abs=0.01)


def test_the_tuned_head_reaches_its_figures() -> None:
    tuned = quality.measure("demo")
    assert tuned.precision_at_1 >= 0.73
    assert tuned.map >= 0.73


def test_tuning_without_labels_reaches_its_figure() -> None:
    assert quality.measure("unlabelled").map >= 0.43


def test_a_head_for_labels_it_has_never_seen() -> None:
    before, after = (
        new_labels.mean([new_labels.measure(config, seed) for seed in new_labels.SEEDS])
        for config in ("frozen", "newlabels")
    )
    assert before.map == pytest.approx(0.52, abs=0.01)
    assert after.map >= 0.62
    assert after.precision_at_1 >= before.precision_at_1 - 0.005


def test_stated_probabilities_hold_on_pictures_nobody_has_seen() -> None:
    for result in calibration.measure(setup.trained("demo")):
        assert result.ece <= 0.03
        for kept in result.kept:
            assert kept.right is not None
            assert kept.right >= kept.asked - 0.03
            assert kept.kept > 0.05


def test_sure_matches_are_right_as_often_as_was_asked_for() -> None:
    """Over HTTP, with all the pictures that neither the network nor its calibration has seen."""
    right, wanted = [], {"k": "20", "min_precision": "0.9", "probes": "all"}
    with TestClient(create_app(Settings(artifacts=setup.trained("demo")))) as opened:
        api = until_ready(opened)
        for picture in sorted(setup.grocery("test").glob("*/*.jpg")):
            answer = api.post("/search", files={"file": picture.read_bytes()}, data=wanted)
            assert answer.status_code == 200, answer.text
            right += [hit["label"] == picture.parent.name for hit in answer.json()["hits"]]
    assert len(right) > 500
    assert sum(right) / len(right) == pytest.approx(0.9, abs=0.03)


def test_people_are_found_by_their_faces() -> None:
    assert faces.measure("none", encoder="dlib").precision_at_1 == pytest.approx(0.9725, abs=0.01)
    assert faces.measure("mtcnn", encoder="dlib").precision_at_1 >= 0.98
    assert faces.measure("haar", encoder="dlib").precision_at_1 >= 0.98


def test_every_person_is_found_by_sface_through_the_written_bundle() -> None:
    for projected in (True, False):
        scores = faces.measure("yunet", projected=projected)
        assert scores.precision_at_1 >= 0.9995
        assert scores.map >= 0.9995


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
