"""A backup holds everything; restored elsewhere, or over something else, it is what there was."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue, Dismissals, Item
from tests.conftest import free_port, run_trainer, serving
from tests.support.bundles import picture
from tests.test_upgrade import GOLDEN, Api
from tests.trainer.releases.quiet import Quiet
from trainer.backup.create import create
from trainer.backup.restore import restore, undo
from trainer.errors import BackupError
from trainer.releases import pinned
from trainer.releases.pinned import Pin


def tree(folder: Path) -> dict[str, bytes]:
    """Every file, but for the databases and what a restore leaves aside."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".sqlite" not in path.name and ".replaced-" not in str(path)
        if path.name != "publish.lock"
    }


def items(folder: Path) -> list[Item]:
    with closing(Catalogue(bundle.catalogue_url(folder))) as catalogue:
        return list(catalogue.items())


def rows(folder: Path, table: str, name: str = "catalogue.sqlite") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / name)) as database:
        return sorted(database.execute(f"SELECT * FROM {table}"), key=str)  # noqa: S608


def test_the_folder_of_0_1_0_comes_back_from_a_backup_and_is_served(tmp_path: Path) -> None:
    """By the command line, from start to end."""
    artifacts = shutil.copytree(GOLDEN, tmp_path / "artifacts")
    done = run_trainer("backup", tmp_path / "backup", "--artifacts", artifacts)
    assert done.returncode == 0, done.stderr
    assert "Backed up 25 items with 25 pictures and 2 bundles" in done.stdout
    assert "The backup is whole: 88 files, 25 items, 2 bundles." in run_trainer("verify", tmp_path / "backup").stdout
    shutil.rmtree(artifacts)
    done = run_trainer("restore", tmp_path / "backup", "--artifacts", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert "Restored 25 items and 2 bundles" in done.stdout
    assert "replaced" not in done.stdout
    for table in ("replies", "dismissals"):
        assert rows(tmp_path / "new", table) == rows(GOLDEN, table)
    assert (tmp_path / "new" / "PUBLISHED").read_bytes() == (GOLDEN / "PUBLISHED").read_bytes()
    port = free_port()
    with serving("api", port, "/readyz", artifacts=tmp_path / "new", api_port=port) as address:
        api = Api(address)
        assert api.ids() == {str(row[0]) for row in rows(GOLDEN, "items")}
        assert api.all_are_hits_of_themselves()


def test_everything_is_as_it_was(artifacts: Path, tmp_path: Path) -> None:
    pinned.write(artifacts, [Pin(artifacts / items(artifacts)[0].location, "a", "0" * 64, True)])
    (artifacts / "pending").mkdir()
    (artifacts / "pending" / "first.jsonl").write_text('{"items": 0}\n')
    with closing(Dismissals(bundle.catalogue_url(artifacts))) as dismissals:
        dismissals.dismiss([each.id for each in items(artifacts)[:2]])
    before, rows_before = tree(artifacts), {name: rows(artifacts, name) for name in ("items", "dismissals")}
    about = create(artifacts, tmp_path / "backup", Quiet())
    assert (about.items, about.pictures, about.bundles, about.live, about.missing) == (12, 12, 2, "second", ())
    assert tree(artifacts) == before
    restored = restore(tmp_path / "backup", tmp_path / "new", Quiet())
    assert (restored.about, restored.replaced) == (about, None)
    assert tree(tmp_path / "new") == before
    assert {name: rows(tmp_path / "new", name) for name in rows_before} == rows_before
    for name in ("first", "second"):
        store = f"vectors/{name}.sqlite"
        assert rows(tmp_path / "new", "vectors", store) == rows(artifacts, "vectors", store)
    assert {each.id: each.created for each in items(tmp_path / "new")} == {
        each.id: each.created for each in items(artifacts)
    }


def test_what_was_there_is_put_aside_and_comes_back(artifacts: Path, tmp_path: Path) -> None:
    create(artifacts, tmp_path / "backup", Quiet())
    backed_up = tree(artifacts)
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as changes:
        changes.delete([items(artifacts)[0].id])
    bundle.publish(artifacts, "first")
    shutil.rmtree(artifacts / "bundles" / "second")
    own = artifacts / "cache" / "features.sqlite"  # of no backup, and so left alone
    own.parent.mkdir()
    own.write_bytes(b"features")
    (artifacts / items(artifacts)[0].location).write_bytes(b"another picture")
    before, items_before = tree(artifacts), items(artifacts)

    with pytest.raises(BackupError, match=r"has a catalogue\.sqlite already\. With --replace"):
        restore(tmp_path / "backup", artifacts, Quiet())
    assert tree(artifacts) == before
    restored = restore(tmp_path / "backup", artifacts, Quiet(), replacing=True)
    assert tree(artifacts) == backed_up
    assert (len(items(artifacts)), own.read_bytes()) == (12, b"features")
    assert restored.replaced is not None
    assert undo(artifacts) is not None
    assert tree(artifacts) == before
    assert items(artifacts) == items_before
    undo(artifacts)  # of what was undone
    assert tree(artifacts) == backed_up


def test_nothing_to_undo_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="No restore has replaced anything"):
        undo(tmp_path)


def test_pictures_outside_the_folder_are_taken_along(artifacts: Path, tmp_path: Path) -> None:
    photos = tmp_path / "my photos"
    photos.mkdir()
    places = [photos / name for name in ("there still.JPG", "gone ü.jpg", "changed\n.jpg")]
    template = items(artifacts)[0]
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as changes:
        for number, place in enumerate(places):
            place.write_bytes(picture(100 + number))
            changes.insert([replace(template, id=place.name.strip(), location=str(place))] if number != 2 else [])
        changes.insert([replace(template, id="changed", location=str(places[2]))])
    pinned.write(artifacts, [Pin(place, "a", "0" * 64) for place in places])
    assert create(artifacts, tmp_path / "backup", Quiet()).missing == ()
    places[1].unlink()
    places[2].write_bytes(picture(200))
    restore(tmp_path / "backup", tmp_path / "new", Quiet())
    locations = {each.id: each.location for each in items(tmp_path / "new")}
    assert locations["there still.JPG"] == str(places[0])
    for id_, number in (("gone ü.jpg", 1), ("changed", 2)):
        assert locations[id_].startswith("pictures/")
        assert (tmp_path / "new" / locations[id_]).read_bytes() == picture(100 + number)
    pins = pinned.read(tmp_path / "new") or []
    assert [pin.path.read_bytes() for pin in pins] == [picture(100 + number) for number in range(3)]


def test_items_whose_pictures_are_gone_are_told_and_stay(artifacts: Path, tmp_path: Path) -> None:
    lost = items(artifacts)[3]
    (artifacts / lost.location).unlink()
    done = run_trainer("backup", tmp_path / "backup", "--artifacts", artifacts)
    assert done.returncode == 0
    assert f"Without its picture: {lost.id} ({lost.location}: No such file or directory)" in done.stderr
    assert "1 items have no picture" in done.stderr
    assert "Backed up 12 items with 11 pictures" in done.stdout
    restore(tmp_path / "backup", tmp_path / "new", Quiet())
    assert lost in items(tmp_path / "new")


def test_files_that_never_change_take_no_room_twice(artifacts: Path, tmp_path: Path) -> None:
    create(artifacts, tmp_path / "backup", Quiet())
    name = "bundles/second/encoder.onnx"
    assert (artifacts / name).samefile(tmp_path / "backup" / "artifacts" / name)
    restore(tmp_path / "backup", tmp_path / "new", Quiet())
    assert not (tmp_path / "new" / name).samefile(tmp_path / "backup" / "artifacts" / name)


def test_sha256sum_reads_the_checksums(artifacts: Path, tmp_path: Path) -> None:
    template = items(artifacts)[0]
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as changes:
        for number, name in enumerate(["new\nline.jpg", "back\\slash.jpg", "\\n.jpg", "both\\\n.jpg", "ü .jpg"]):
            (artifacts / name).write_bytes(picture(number))
            changes.insert([replace(template, id=f"odd {number}", location=name)])
    create(artifacts, tmp_path / "backup", Quiet())
    check = ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path / "backup", check=False).returncode == 0
    restore(tmp_path / "backup", tmp_path / "new", Quiet())
    assert tree(tmp_path / "new") == tree(artifacts)
