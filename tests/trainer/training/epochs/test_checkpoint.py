"""The state of a stage in one file: what was kept comes back bit by bit, and nothing else ever does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from tests.support.marks import examples
from trainer.training.epochs.checkpoint import Checkpoint

KINDS = st.sampled_from([np.float32, np.float16, np.int64, np.uint32, np.bool_]).map(np.dtype)
ANY = KINDS.flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, min_side=0, max_side=3)))
STATE = {"history": [{"loss": 0.1, "recall": None}], "best": 3}


def some() -> dict[str, list[NDArray[np.float32]]]:
    return {"model": [np.arange(12, dtype=np.float32).reshape(3, 4), np.array([7], np.float32)], "best": []}


@settings(deadline=None, max_examples=examples(15))
@given(st.dictionaries(st.sampled_from(["model", "best", "kernels"]), st.lists(ANY, max_size=12)))
def test_what_was_kept_comes_back(
    tmp_path_factory: pytest.TempPathFactory, kept: dict[str, list[NDArray[Any]]]
) -> None:
    checkpoint = Checkpoint(tmp_path_factory.mktemp("kept") / "head.npz", "this")
    checkpoint.save(kept, STATE)
    result, state = checkpoint.load() or pytest.fail("nothing came back")
    assert state == STATE
    assert list(result) == list(kept)
    for name, several in kept.items():
        assert len(result[name]) == len(several)
        for one, other in zip(result[name], several, strict=True):
            assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


@given(st.floats(allow_nan=False))
def test_measures_come_back_to_the_last_bit(value: float) -> None:
    import json

    assert json.loads(json.dumps(value)) == value


def test_the_last_state_counts(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "head.npz", "this")
    for epoch in (1, 2, 3):
        checkpoint.save(some(), {"epoch": epoch})
    assert checkpoint.load()[1] == {"epoch": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["head.npz"]


def test_nothing_kept_is_nothing(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path / "head.npz", "this").load() is None


def test_the_state_of_another_run_is_not_taken_up(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "head.npz", "this").save(some(), STATE)
    assert Checkpoint(tmp_path / "head.npz", "other").load() is None


def test_a_half_written_file_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(tmp_path / "head.npz", "this")
    checkpoint.save(some(), {"epoch": 1})

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("retrieval.durable.sync", killed)
        checkpoint.save(some(), {"epoch": 2})
    assert list(tmp_path.iterdir()) == [checkpoint.path]
    (tmp_path / ".head.npz.part").write_bytes(b"half of it")  # what a process that is killed leaves
    assert checkpoint.load()[1] == {"epoch": 1}
    checkpoint.save(some(), {"epoch": 3})
    assert checkpoint.load()[1] == {"epoch": 3}


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "head.npz", "this")
    checkpoint.save(some(), STATE)
    whole = checkpoint.path.read_bytes()
    for length in (0, 1, 4, 30, len(whole) // 2, len(whole) - 1):
        checkpoint.path.write_bytes(whole[:length])
        assert checkpoint.load() is None, length
    start = whole.index(np.arange(12, dtype=np.float32).tobytes())
    checkpoint.path.write_bytes(whole[:start] + b"\xff" + whole[start + 1 :])
    assert checkpoint.load() is None
    np.savez(checkpoint.path, something=np.zeros(3))
    assert checkpoint.load() is None
    checkpoint.path.unlink()
    checkpoint.path.mkdir()
    assert checkpoint.load() is None
