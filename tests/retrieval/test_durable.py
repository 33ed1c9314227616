"""A file or a folder is written as a whole or not at all, whatever ends the writing."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retrieval import durable
from retrieval.durable import write_atomically


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("made_durable", [False, True])
def test_the_new_file_takes_the_place_of_the_old_one_at_the_end(
    tmp_path: Path, several: bool, made_durable: bool
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with write_atomically(path, several=several, durable=made_durable) as draft:
        assert draft.parent == tmp_path
        draft.write_text("new")
        assert path.read_text() == "old"
    assert (path.read_text(), names(tmp_path)) == ("new", ["a.txt"])


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_all_is_as_before(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), write_atomically(path) as draft:
        draft.write_text("half")
        raise error
    with pytest.raises(FileNotFoundError), write_atomically(path):
        pass  # nothing was written
    assert (path.read_text(), names(tmp_path)) == ("old", ["a.txt"])


def test_a_folder_with_all_that_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    with write_atomically(path) as draft:
        (draft / "deep" / "er").mkdir(parents=True)
        (draft / "deep" / "er" / "a.txt").write_text("a")
    assert (path / "deep" / "er" / "a.txt").read_text() == "a"
    with pytest.raises(OSError, match="not empty"), write_atomically(path) as draft:
        draft.mkdir()
    with pytest.raises(ZeroDivisionError), write_atomically(tmp_path / "other") as draft:
        (draft / "deep").mkdir(parents=True)
        raise ZeroDivisionError
    assert names(tmp_path) == ["bundle"]


@pytest.mark.parametrize(
    "leave", [lambda path: path.write_text("half"), lambda path: (path / "deep").mkdir(parents=True)]
)
def test_what_a_killed_process_left_is_overwritten(tmp_path: Path, leave: Callable[[Path], object]) -> None:
    leave(tmp_path / ".a.txt.part")
    with write_atomically(tmp_path / "a.txt") as draft:
        assert not draft.exists()
        draft.write_text("whole")
    assert names(tmp_path) == ["a.txt"]


def test_several_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    def write(number: int) -> None:
        with write_atomically(tmp_path / "a.txt", several=True) as draft:
            draft.write_text(str(number) * 1000)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(10)))
    assert len(set((tmp_path / "a.txt").read_text())) == 1
    assert names(tmp_path) == ["a.txt"]


def test_the_content_is_synced_before_the_rename_and_the_folder_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[tuple[str, bool]] = []
    path = tmp_path / "folder"

    def note(synced: Path) -> None:
        states.append((os.path.relpath(synced, tmp_path), path.exists()))

    monkeypatch.setattr(durable, "sync", note)
    with write_atomically(path) as draft:
        draft.mkdir()
        (draft / "a").write_text("a")
    assert states == [(".folder.part/a", False), (".folder.part", False), (".", True)]
    states.clear()
    with write_atomically(tmp_path / "b", durable=False) as draft:
        draft.write_text("b")
    assert states == []
