"""What servers that share a database know of each other."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from retrieval.catalogue import Catalogue, Shared


@pytest.fixture
def shared(postgres_url: str) -> Iterator[Shared]:
    with closing(Catalogue(postgres_url)) as catalogue:
        assert catalogue.shared is not None
        yield catalogue.shared


def test_a_job_has_one_owner_until_its_lease_ends(shared: Shared) -> None:
    assert shared.take_lease("bin", "one", 60)
    assert shared.take_lease("bin", "one", 60), "it may go on"
    assert not shared.take_lease("bin", "two", 60)
    assert shared.take_lease("other", "two", 60)
    shared.drop_lease("bin", "two")
    assert not shared.take_lease("bin", "two", 60), "it was not two's to drop"
    shared.drop_lease("bin", "one")
    assert shared.take_lease("bin", "two", 0)
    assert shared.take_lease("bin", "one", 60), "two was killed, and its time is over"


def test_of_many_at_once_one_gets_the_lease(shared: Shared) -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda owner: shared.take_lease("backfill", f"server {owner}", 60), range(8)))
    assert sum(taken) == 1


def test_servers_are_there_as_long_as_they_report(shared: Shared) -> None:
    shared.report("b", {"loaded": ["old"], "failed": {}}, 60)
    shared.report("a", {"loaded": [], "failed": {"new": "broken"}}, 60)
    shared.report("gone", {"loaded": [], "failed": {}}, 0)
    assert [each.name for each in shared.replicas()] == ["a", "b"]
    shared.report("b", {"loaded": ["old", "new"], "failed": {}}, 60)
    assert shared.replicas()[1].state == {"loaded": ["old", "new"], "failed": {}}
    shared.leave("a")
    assert [each.name for each in shared.replicas()] == ["b"]


def test_a_rate_is_that_of_all_servers_together(shared: Shared) -> None:
    with ThreadPoolExecutor(4) as threads:
        waits = list(threads.map(lambda _: shared.take_token("key", 10), range(14)))
    refused = [wait for wait in waits if wait]
    assert len(refused) in (3, 4), "one may flow in meanwhile"
    assert all(0 < wait <= 6 for wait in refused)
    assert shared.take_token("another", 10) == 0
    while shared.take_token("fast", 120) == 0:
        pass
    time.sleep(0.6)
    assert shared.take_token("fast", 120) == 0, "one flows in within half a second"
