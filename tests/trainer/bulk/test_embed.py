"""Many pictures embedded at once: every one counted, found afterwards, and the same whoever embeds them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from retrieval import bundle
from retrieval.catalogue import Catalogue
from tests.conftest import free_port
from tests.support.bundles import picture, pieces, write_artifacts
from tests.trainer.releases.quiet import Quiet
from trainer.bulk import embed as embedding
from trainer.bulk import parts, workers
from trainer.bulk.embed import Outcome, embed_source
from trainer.bulk.shards import read_shard
from trainer.bulk.workers import Workers
from trainer.bundles import load_current, open_store, search_picture
from trainer.cli import app
from trainer.errors import BulkError

FIRST, COUNT = 100, 30  # beyond those of the shop


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """A published bundle with 60 items."""
    write_artifacts(tmp_path / "artifacts", pieces(60))
    return tmp_path / "artifacts"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of pictures that the bundle does not know, and one that is broken."""
    folder = tmp_path / "pictures"
    for number in range(FIRST, FIRST + COUNT):
        path = folder / ("cups" if number % 2 else "jugs") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(number))
    (folder / "jugs" / "broken.png").write_bytes(picture(1)[:60])
    return folder


def embed(source: Path, artifacts: Path, *, count: int = 1, shards: Path | None = None) -> Outcome:
    return embed_source(str(source), artifacts, Workers(count), Quiet(), shards=shards, adds=shards is None)


def vectors_of(folder: Path) -> dict[str, bytes]:
    """The vector of each id in a folder of shards."""
    shards = [read_shard(path) for path in sorted(folder.glob("*.parquet"))]
    return {
        file.picture.id: vector.tobytes()
        for shard in shards
        for file, vector in zip(shard.files, shard.vectors, strict=True)
    }


def test_every_picture_is_counted_and_found(artifacts: Path, source: Path) -> None:
    outcome = embed(source, artifacts)
    assert (outcome.pictures, outcome.items, len(outcome.skipped)) == (COUNT + 1, COUNT, 1)
    assert outcome.skipped[0].place.endswith("broken.png")
    assert (outcome.added.new, outcome.added.existing) == (COUNT, 0)
    hit, cosine, _ = search_picture(artifacts, source / "cups" / "101.png", 1, "cosine").hits[0]
    assert (hit.label, hit.origin) == ("cups", "source")
    assert cosine == pytest.approx(1, abs=1e-5)
    assert not any(artifacts.rglob("*.parquet"))
    again = embed(source, artifacts)
    assert (again.items, again.added.new, again.added.existing) == (COUNT, 0, COUNT)


def test_an_item_with_another_picture_stays_and_is_told(artifacts: Path, source: Path) -> None:
    embed(source, artifacts)
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        before = {item.id: item.sha256 for item in catalogue.items()}
    (source / "cups" / "101.png").write_bytes(picture(200))
    outcome = embed(source, artifacts)
    assert (outcome.items, outcome.added.new, outcome.added.existing, len(outcome.skipped)) == (COUNT, 0, COUNT - 1, 2)
    assert "another picture" in outcome.skipped[-1].reason
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        assert {item.id: item.sha256 for item in catalogue.items()} == before
    cosine = search_picture(artifacts, source / "cups" / "101.png", 1, "cosine").hits[0][1]
    assert cosine < 0.9999  # the vector is still that of the picture that the item has


def test_items_that_lost_their_vectors_get_them_again(artifacts: Path, source: Path) -> None:
    embed(source, artifacts)
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        ids = [item.id for item in catalogue.items() if item.label == "cups"]
    loaded = load_current(artifacts)
    with closing(open_store(artifacts, loaded)) as store:
        vectors = store.get_many(ids)
        store.delete(ids[:3])
    assert embed(source, artifacts).added.existing == COUNT
    with closing(open_store(artifacts, loaded)) as store:
        again = store.get_many(ids)
    np.testing.assert_array_equal(again.vectors[np.argsort(again.ids)], vectors.vectors[np.argsort(vectors.ids)])


def test_what_was_stopped_goes_on(
    artifacts: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "divide", partial(parts.divide, size=8))
    calls: list[parts.Part] = []

    def stop_at_the_third(part: parts.Part) -> int:
        calls.append(part)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return parts.embed_part(part)

    monkeypatch.setattr(embedding, "embed_part", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        embed(source, artifacts, shards=tmp_path / "shards")
    assert embed(source, artifacts, shards=tmp_path / "shards").items == COUNT
    assert len(calls) == 3 + 2
    whole = embed(source, artifacts, shards=tmp_path / "whole")
    assert whole.items == COUNT
    assert vectors_of(tmp_path / "shards") == vectors_of(tmp_path / "whole")


def test_a_shard_is_a_table_that_other_programs_read(artifacts: Path, source: Path, tmp_path: Path) -> None:
    embed(source, artifacts, shards=tmp_path / "shards")
    (path,) = (tmp_path / "shards").glob("*.parquet")
    table = pq.read_table(path)
    assert {"id", "path", "sha256", "label", "attributes", "vector"} <= set(table.column_names)
    assert table.num_rows == COUNT
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BulkError, match="Delete it"):
        read_shard(path)
    assert embed(source, artifacts, shards=tmp_path / "shards").items == COUNT  # it is written anew
    assert pq.read_table(path).num_rows == COUNT


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--no-add",), "--shards"),
        (("--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), "Leave one out"),
        (("--scheduler", "tcp://127.0.0.1:1"), "No Dask scheduler answers"),
        (("--scheduler", "nonsense://"), "No Dask scheduler answers"),
    ],
)
def test_mistakes_are_told(
    artifacts: Path, source: Path, arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONNECT_SECONDS", 0.5)
    outcome = CliRunner().invoke(app, ["embed", str(source), "--artifacts", str(artifacts), *arguments])
    assert isinstance(outcome.exception, BulkError)
    assert message in str(outcome.exception)


def test_a_source_of_nothing_but_broken_pictures_is_a_mistake(artifacts: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "1.png").write_bytes(picture(1)[:60])
    outcome = CliRunner().invoke(app, ["embed", str(tmp_path / "broken"), "--artifacts", str(artifacts)])
    assert isinstance(outcome.exception, BulkError)
    assert "can be used, so nothing was embedded" in str(outcome.exception)


@contextmanager
def dask(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A scheduler or a worker as a process of its own."""
    command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
def test_two_workers_of_which_one_is_killed_give_what_one_process_gives(
    artifacts: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "divide", partial(parts.divide, size=2))
    address = f"tcp://127.0.0.1:{free_port()}"
    host, port = "--host=127.0.0.1", address.rpartition(":")[2]
    options = ("--no-dashboard", "--nthreads=1", "--no-nanny", host)
    shards = tmp_path / "shards"
    with (
        dask("scheduler", host, f"--port={port}", "--no-dashboard"),
        dask("worker", address, *options),
        dask("worker", address, *options) as victim,
    ):

        class Killer(Quiet):
            """Kills a worker once some shards are there."""

            def step(self, title: str):  # type: ignore[no-untyped-def]
                return kill_at_the_third() if title == "Embedding pictures" else super().step(title)

        @contextmanager
        def kill_at_the_third():  # type: ignore[no-untyped-def]
            def progress(done: int, total: int) -> None:
                if done >= 6 and victim.poll() is None:
                    os.killpg(victim.pid, signal.SIGKILL)

            yield progress

        outcome = embed_source(str(source), artifacts, Workers(scheduler=address), Killer(), shards=shards, adds=False)
        assert victim.poll() is not None
    assert (outcome.items, len(outcome.skipped)) == (COUNT, 1)
    embed(source, artifacts, shards=tmp_path / "local")
    assert vectors_of(shards) == vectors_of(tmp_path / "local")
    assert embed(source, artifacts, count=2).added.new == COUNT
