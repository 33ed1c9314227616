"""What the gate says: against a slow version written from the formulas, and on pictures that are there no more."""

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import bundle
from tests.support.bundles import picture, write_bundle
from tests.support.marks import examples
from tests.trainer.releases.quiet import Quiet
from trainer.errors import ReleaseError
from trainer.releases import gate, pinned, replay
from trainer.releases.pinned import Pin, choose
from trainer.releases.replay import PinnedVectors


def pin(number: int, label: str, folder: Path = Path("/nowhere"), *, query: bool = True) -> Pin:
    data = picture(number)
    return Pin(folder / f"{number}.jpg", label, sha256(data).hexdigest(), query)


def slow_answers(vectors: np.ndarray, matches: list[bool], labels: list[str]) -> list[tuple[float, int]]:
    """Average precision and first hit of each picture among all others, one pair after the other."""
    lengths = np.linalg.norm(vectors, axis=1)
    answers = []
    for query in range(len(vectors)):
        others = [row for row in range(len(vectors)) if row != query]
        near = {row: float(vectors[query] @ vectors[row] / (lengths[query] * lengths[row])) for row in others}
        ranked = sorted((row for row in others if matches[row]), key=lambda row: (-near[row], row))
        wanted = sum(labels[row] == labels[query] for row in others)
        if not matches[query] or not ranked:
            answers.append((0.0, -1))
            continue
        precision, hits = 0.0, 0
        for rank, row in enumerate(ranked, start=1):
            if labels[row] == labels[query]:
                hits += 1
                precision += hits / rank
        answers.append((precision / max(1, wanted), ranked[0]))
    return answers


@given(st.integers(0, 10_000), st.integers(4, 20), st.floats(0, 0.5))
@settings(max_examples=examples(40), deadline=None)
def test_answers_agree_with_the_formula(seed: int, count: int, lost: float) -> None:
    rng = np.random.default_rng(seed)
    vectors, matches = rng.normal(size=(count, 5)).astype(np.float32), rng.random(count) >= lost
    labels = np.array([f"label {number % 3}" for number in range(count)])
    rows = np.arange(count)
    answerable = np.flatnonzero([np.count_nonzero(labels == label) > 1 for label in labels])
    precision, first = gate._answers(PinnedVectors(vectors, matches, ~matches), rows, labels, answerable)
    wanted = [slow_answers(vectors, matches.tolist(), labels.tolist())[row] for row in answerable]
    np.testing.assert_allclose(precision, [answer[0] for answer in wanted], atol=1e-6)
    assert first.tolist() == [answer[1] for answer in wanted]


def test_queries_are_spread_over_labels_and_prefer_what_was_held_out() -> None:
    pins = [Pin(Path(f"/{n}"), f"label {n % 30}", f"{n:064x}") for n in range(3_000)]
    pins += [Pin(Path("/single"), "single", "f" * 64)]
    held_out = frozenset(f"{n:064x}" for n in range(2_000, 2_150))
    selection = choose(pins, held_out)
    queries = [pin for pin in selection if pin.query]
    assert len(queries) == pinned.MAX_QUERIES
    assert len(selection) == pinned.MAX_QUERIES + pinned.MAX_PICTURES
    assert held_out <= {pin.sha256 for pin in queries}
    counts = np.unique([pin.label for pin in queries], return_counts=True)[1]
    assert len(counts) == 30
    assert counts.max() - counts.min() <= 1
    assert "single" not in {pin.label for pin in queries}
    assert choose(reversed(pins), held_out) == selection


def test_every_query_of_many_labels_has_something_to_find() -> None:
    pins = [Pin(Path(f"/{n}"), f"label {n % 2_500}", f"{n:064x}") for n in range(10_000)]
    selection = choose(pins, frozenset())
    queries = [pin for pin in selection if pin.query]
    labels = [pin.label for pin in selection]
    assert len({pin.label for pin in queries}) == len(queries) == pinned.MAX_QUERIES
    assert all(labels.count(pin.label) == 4 for pin in queries)


def test_a_file_that_is_there_twice_is_pinned_once() -> None:
    pins = [pin(n % 4, f"label {n % 2}") for n in range(8)]
    assert len(choose(pins, frozenset())) == 4


def test_what_is_pinned_is_read_again(tmp_path: Path) -> None:
    elsewhere = replace(pin(1, "d", Path("/elsewhere"), query=False), origin="source")
    pins = [pin(0, "a, b\nc", tmp_path / "inside"), elsewhere]
    assert pinned.read(tmp_path) is None
    pinned.write(tmp_path, pins)
    assert pinned.read(tmp_path) == pins
    assert (tmp_path / "pinned.csv").read_text().splitlines()[1].startswith("inside/0.jpg,")
    moved = shutil.copytree(tmp_path, tmp_path.parent / "moved")
    assert pinned.read(moved)[0].path == moved / "inside" / "0.jpg"


@pytest.mark.parametrize("text", ["path,label\na,b\n", "path,label,sha256,role,from\na,b,c,judge,items\n", "\x00"])
def test_a_table_that_is_none_says_how_to_mend_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "pinned.csv").write_text(text + "x\n")
    with pytest.raises(ReleaseError, match="--pin SOURCE"):
        pinned.read(tmp_path)


@pytest.fixture
def pins(tmp_path: Path) -> list[Pin]:
    """Twelve pictures of three labels, beside a bundle "tiny"."""
    write_bundle(tmp_path, [picture(n) for n in range(12)])
    (tmp_path / "vectors").mkdir()
    for n in range(12):
        (tmp_path / f"{n}.jpg").write_bytes(picture(n))
    return [pin(n, f"label {n % 3}", tmp_path) for n in range(12)]


def test_what_was_embedded_is_not_embedded_again(pins: list[Pin], tmp_path: Path) -> None:
    loaded = bundle.load(bundle.bundle_path(tmp_path, "tiny"))
    first = replay.replay(tmp_path, loaded, pins, lambda _done, _total: None)
    for one in pins:
        one.path.unlink()
    again = replay.replay(tmp_path, loaded, pins, lambda _done, _total: None)
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert again.available.all()
    cache = replay.cache_path(tmp_path, "tiny")
    for damaged in (b"", cache.read_bytes()[:200], bytes(len(cache.read_bytes()))):
        cache.write_bytes(damaged)
        assert replay.replay(tmp_path, loaded, pins, lambda _done, _total: None).vanished.all()


def test_what_is_gone_is_left_out_and_counted_and_what_is_refused_counts_against_a_bundle(
    pins: list[Pin], tmp_path: Path
) -> None:
    pins[0].path.unlink()
    pins[1].path.write_bytes(picture(77))
    broken = pins[2].path
    broken.write_bytes(picture(2)[:300])
    pins[2] = replace(pins[2], sha256=sha256(broken.read_bytes()).hexdigest())
    loaded = bundle.load(bundle.bundle_path(tmp_path, "tiny"))
    change = gate.compare(tmp_path, loaded, loaded, pins, Quiet())
    assert change is not None
    assert change.missing == 2
    assert change.queries == 10
    replayed = replay.replay(tmp_path, loaded, pins, lambda _done, _total: None)
    assert replayed.available.tolist() == [False, False, False, *[True] * 9]
    assert replayed.vanished.tolist() == [True, True, *[False] * 10]


def test_without_a_query_that_can_be_answered_nothing_is_said(pins: list[Pin], tmp_path: Path) -> None:
    loaded = bundle.load(bundle.bundle_path(tmp_path, "tiny"))
    alone = [replace(one, label=str(number)) for number, one in enumerate(pins)]
    assert gate.compare(tmp_path, loaded, loaded, alone, Quiet()) is None
    assert gate.compare(tmp_path, loaded, loaded, [replace(one, query=False) for one in pins], Quiet()) is None
