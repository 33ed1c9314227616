"""A power cut at any moment of a publish: whatever the file system has lost, the old or the new bundle is served whole.

And no fsync is there in vain: with any one of them taken out, some power cut leaves neither.
"""

import pickle
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.trainer.releases.disk import Recording, Tree, build, crashes
from tests.trainer.releases.shops import NEW, make_shop, starts_with

pytestmark = pytest.mark.crash


class Trials:
    """States of the disk, each started from once."""

    def __init__(self, home: Path, *, first: bool) -> None:
        self._home = home
        self._first = first
        self._known: dict[tuple[bool, str], str] = {}

    def problem(self, finished: bool, tree: Tree) -> str:
        """What is wrong with starting from it; nothing if it is empty."""
        key = (finished, sha256(repr(sorted(tree.items())).encode()).hexdigest())
        if key not in self._known:
            self._known[key] = self._start(finished, tree)
        return self._known[key]

    def __len__(self) -> int:
        return len(self._known)

    def _start(self, finished: bool, tree: Tree) -> str:
        folder = self._home / "crashed"
        build(tree, folder)
        try:
            starts_with(folder, finished=finished, first=self._first)
        except Exception as error:  # whatever it is, it is a broken start
            return f"{type(error).__name__}: {error}"
        finally:
            shutil.rmtree(folder)
        return ""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recorded")


@pytest.fixture(scope="module")
def first(home: Path) -> tuple[Recording, Trials]:
    """A publish into an empty folder, and what is known of its crashes."""
    return _recorded(home / "first", published=False), Trials(home, first=True)


@pytest.fixture(scope="module")
def second(home: Path) -> tuple[Recording, Trials]:
    """A publish over another bundle."""
    return _recorded(home / "second", published=True), Trials(home, first=False)


def _recorded(home: Path, *, published: bool) -> Recording:
    make_shop(home, published=published)
    code = (
        "import sys, pathlib; from tests.trainer.releases.publisher import publish_recorded; "
        f"publish_recorded(pathlib.Path(sys.argv[1]), {NEW!r}, pathlib.Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", code, home, home / "log"], cwd=ROOT, check=True)
    recording: Recording = pickle.loads((home / "log").read_bytes())  # noqa: S301  # written a moment ago
    return recording


@pytest.mark.parametrize("publish", ["first", pytest.param("second", marks=pytest.mark.slow)])
def test_every_state_that_a_power_cut_can_leave_starts(publish: str, request: pytest.FixtureRequest) -> None:
    recording, trials = request.getfixturevalue(publish)
    for finished, tree in crashes(recording):
        problem = trials.problem(finished, tree)
        assert not problem, (problem, {name: content and len(content) for name, content in tree.items()})
    assert len(trials) > 100


@pytest.mark.slow
def test_no_fsync_can_be_left_out(first: tuple[Recording, Trials], second: tuple[Recording, Trials]) -> None:
    """In one of the two publishes at least: where folders are there already, their entries are safe.

    Except for the entry of a block of vectors: a new store syncs the folder once more for its SQLite file. Where the
    block of a store is written anew, nothing else does.
    """
    needed, all_of_them = set(), set()
    for recording, trials in (first, second):
        for at, operation in enumerate(recording.operations):
            is_block_entry = operation.path == "vectors" and operation.site.startswith("Block.write,")
            if operation.kind != "fsync" or is_block_entry:
                continue
            what = (operation.site, Path(operation.path).name if operation.path.startswith("bundles/") else "")
            all_of_them.add(what)
            if any(trials.problem(finished, tree) for finished, tree in crashes(recording, without=at)):
                needed.add(what)
    assert len(all_of_them) > 15
    assert all_of_them - needed == set()
