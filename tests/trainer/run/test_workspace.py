"""The folder of unfinished work: who takes it up, who removes it, and who leaves it alone."""

from pathlib import Path

import pytest
from filelock import FileLock

from trainer.config import Config
from trainer.run.workspace import LOCK, workspace

CONFIG, OTHER = Config(), Config(seed=1)


def stop(artifacts: Path, source: str = "pictures", config: Config = CONFIG, *, resume: bool = False) -> Path:
    """A run that is stopped; its folder, with a file that says so."""
    with pytest.raises(KeyboardInterrupt), workspace(artifacts, source, config, resume=resume) as (folder, _resumed):
        (folder / "head.npz").write_text("half the work")
        raise KeyboardInterrupt
    return folder


def left(artifacts: Path) -> list[Path]:
    return sorted((artifacts / "work").iterdir())


def test_a_finished_run_leaves_nothing(tmp_path: Path) -> None:
    with workspace(tmp_path / "new", "pictures", CONFIG, resume=False) as (folder, resumed):
        assert folder.parent == tmp_path / "new" / "work"
        assert not resumed
        (folder / "training").mkdir()
        (folder / "training" / "pca.joblib").write_text("x")
    assert left(tmp_path / "new") == []


def test_a_stopped_run_goes_on_in_its_folder(tmp_path: Path) -> None:
    stopped = stop(tmp_path)
    with workspace(tmp_path, "pictures", CONFIG, resume=True) as (folder, resumed):
        assert (folder, resumed) == (stopped, True)
        assert (folder / "head.npz").read_text() == "half the work"
    assert left(tmp_path) == []


def test_it_can_be_stopped_again(tmp_path: Path) -> None:
    assert stop(tmp_path) == stop(tmp_path, resume=True) == stop(tmp_path, resume=True)


@pytest.mark.parametrize(("source", "config"), [("others", CONFIG), ("pictures", OTHER)])
def test_another_run_is_not_gone_on_with(source: str, config: Config, tmp_path: Path) -> None:
    stopped = stop(tmp_path)
    with workspace(tmp_path, source, config, resume=True) as (folder, resumed):
        assert folder != stopped
        assert not resumed
        assert not (folder / "head.npz").exists()


def test_the_last_of_several_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "work"
    stopped = stop(tmp_path)
    for name in ("19990101-000000-aaaa", "29990101-000000-aaaa"):
        (home / name).mkdir()
        (home / name / "run.json").write_bytes((stopped / "run.json").read_bytes())
    with workspace(tmp_path, "pictures", CONFIG, resume=True) as (folder, _resumed):
        assert folder.name == "29990101-000000-aaaa"
        assert left(tmp_path) == [folder]  # the others are swept


def test_without_resume_what_stopped_runs_left_is_swept(tmp_path: Path) -> None:
    stop(tmp_path)
    stop(tmp_path, "others")
    (tmp_path / "work" / "of an older version").mkdir()
    with workspace(tmp_path, "pictures", CONFIG, resume=False) as (folder, resumed):
        assert left(tmp_path) == [folder]
        assert not resumed


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_is_still_going_is_left_alone(resume: bool, tmp_path: Path) -> None:
    with workspace(tmp_path, "pictures", CONFIG, resume=False) as (going, _):
        (going / "head.npz").write_text("at work")
        with workspace(tmp_path, "pictures", CONFIG, resume=resume) as (folder, resumed):
            assert folder != going
            assert not resumed
        assert left(tmp_path) == [going]
        assert (going / "head.npz").read_text() == "at work"


def test_a_lock_that_a_killed_run_left_behind_holds_nobody_up(tmp_path: Path) -> None:
    stopped = stop(tmp_path)
    with FileLock(stopped / LOCK):
        pass
    (stopped / LOCK).touch()
    assert stop(tmp_path, resume=True) == stopped


def test_a_run_that_was_killed_after_it_had_published_is_done(tmp_path: Path) -> None:
    stopped = stop(tmp_path)
    (tmp_path / "CURRENT").write_text(stopped.name)
    with workspace(tmp_path, "pictures", CONFIG, resume=True) as (folder, resumed):
        assert left(tmp_path) == [folder]
        assert folder != stopped
        assert not resumed


@pytest.mark.parametrize("content", ["", "{", "[]", '{"source": "pictures"}'])
def test_a_folder_that_does_not_say_what_it_is_from_is_not_taken_up(content: str, tmp_path: Path) -> None:
    stopped = stop(tmp_path)
    (stopped / "run.json").write_text(content)
    with workspace(tmp_path, "pictures", CONFIG, resume=True) as (folder, resumed):
        assert folder != stopped
        assert not resumed


def test_a_stray_file_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".DS_Store").touch()
    stop(tmp_path)
    assert stop(tmp_path, resume=True).is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["work"]
