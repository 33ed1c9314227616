"""What is no whole backup is not restored; what is there is not overwritten; and what is in use is not touched."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import free_port, run_trainer, serving
from tests.trainer.backup.test_round_trip import items, tree
from tests.trainer.releases.quiet import Quiet
from trainer.backup import restore as module
from trainer.backup.create import create
from trainer.backup.restore import restore
from trainer.errors import BackupError, PublisherBusy
from trainer.releases.lock import alone

ENCODER = "artifacts/bundles/second/encoder.onnx"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()  # it may be a second name for the original
    path.write_bytes(content)


def link(folder: Path) -> None:
    (folder / "artifacts" / "link").symlink_to("/etc/hostname")


def of_version(folder: Path, version: object) -> None:
    about = json.loads((folder / "backup.json").read_text())
    (folder / "backup.json").write_text(json.dumps(about | {"format_version": version}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: flip(folder / ENCODER), f"{ENCODER} has changed"),
        (lambda folder: flip(folder / "artifacts" / "catalogue.sqlite"), "catalogue.sqlite has changed"),
        (lambda folder: (folder / ENCODER).unlink(), f"{ENCODER} is missing"),
        (lambda folder: (folder / "artifacts" / "more").write_text("x"), "artifacts/more is not listed"),
        (lambda folder: flip(folder / "SHA256SUMS"), "SHA256SUMS has changed"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), "SHA256SUMS cannot be read"),
        (lambda folder: (folder / "backup.json").unlink(), "is no backup"),
        (lambda folder: (folder / "backup.json").write_text("{"), "no description of a backup"),
        (lambda folder: (folder / "backup.json").write_text('{"format_version": 1}'), "no description of a backup"),
        (lambda folder: of_version(folder, 2), "has the format version 2, and this Lookalike reads 1"),
        (link, "is a link"),
    ],
)
def test_a_damaged_or_foreign_backup_is_refused_and_nothing_changes(
    backup: Path, tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(backup)
    with pytest.raises(BackupError, match=message):
        restore(backup, tmp_path / "new", Quiet())
    assert not (tmp_path / "new").exists() or tree(tmp_path / "new") == {}


@pytest.mark.parametrize(
    "name", ["catalogue.sqlite", "bundles/x/manifest.json", "CURRENT", "images/ab/c.jpg", "vectors/x.sqlite"]
)
def test_whatever_is_there_is_not_overwritten(backup: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "new" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(BackupError, match=f"has a {Path(name).parts[0]} already"):
        restore(backup, tmp_path / "new", Quiet())
    assert path.read_bytes() == b"mine"
    restore(backup, tmp_path / "new", Quiet(), replacing=True)
    assert [(result.read_bytes()) for result in (tmp_path / "new").glob(f".replaced-*/{name}")] == [b"mine"]


def test_a_folder_that_an_api_serves_is_not_restored_into(artifacts: Path, backup: Path) -> None:
    port = free_port()
    with serving("api", port, "/readyz", artifacts=artifacts, api_port=port):
        done = run_trainer("restore", backup, "--artifacts", artifacts, "--replace")
        assert done.returncode == 1
        assert "Somebody is using" in done.stderr
        assert not list(artifacts.glob(".re*"))
    assert run_trainer("restore", backup, "--artifacts", artifacts, "--replace").returncode == 0


def test_nobody_publishes_meanwhile(artifacts: Path, backup: Path, tmp_path: Path) -> None:
    with alone(artifacts):
        with pytest.raises(PublisherBusy):
            create(artifacts, tmp_path / "other", Quiet())
        with pytest.raises(PublisherBusy):
            restore(backup, artifacts, Quiet(), replacing=True)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("place", ["file", "folder", "link"])
def test_a_backup_takes_nothings_place(artifacts: Path, tmp_path: Path, place: str) -> None:
    target = tmp_path / "taken"
    if place == "file":
        target.write_text("mine")
    elif place == "folder":
        target.mkdir()
        (target / "mine").write_text("mine")
    else:
        target.symlink_to(tmp_path)
    with pytest.raises(BackupError, match="is there already"):
        create(artifacts, target, Quiet())


def test_a_folder_without_a_catalogue_has_nothing_to_back_up(tmp_path: Path) -> None:
    done = run_trainer("backup", tmp_path / "backup", "--artifacts", tmp_path / "nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is nothing to back up" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("backup", "--undo")])
def test_restore_wants_a_backup_or_to_undo(arguments: tuple[str, ...]) -> None:
    done = run_trainer("restore", *arguments)
    assert done.returncode == 2
    assert "Name the folder of a backup, or --undo." in done.stderr


@pytest.mark.parametrize("at", [0, 3, 7, 11])
def test_a_restore_that_is_killed_loses_nothing(
    artifacts: Path, backup: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was there is there, or in the folder of what was replaced; and the same command ends it."""
    before, wanted = items(artifacts), tree(artifacts)
    moving = module._move
    moved: list[str] = []

    def move(source: Path, target: Path, name: str) -> None:
        if len(moved) == at:
            raise KeyboardInterrupt
        moved.append(name)
        moving(source, target, name)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, "_move", move)
        restore(backup, artifacts, Quiet(), replacing=True)
    left = {path.read_bytes() for path in artifacts.rglob("*") if path.is_file()}
    assert left >= set(wanted.values())
    restore(backup, artifacts, Quiet(), replacing=True)
    assert {name: data for name, data in tree(artifacts).items() if not name.startswith(".restored")} == wanted
    assert items(artifacts) == before
