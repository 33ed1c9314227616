"""Two APIs, HAProxy and PostgreSQL while APIs are killed, a bundle is swapped and the database crashes: the short form.

The long one is `python -m benchmarks.chaos`.
"""

from pathlib import Path

import pytest

from benchmarks.chaos.run import Plan, run
from tests.deploy.conftest import needs

pytestmark = [pytest.mark.slow, pytest.mark.crash]


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    plan = Plan(seconds=30, kill_every=6, swaps=1, writers=2, readers=2)
    report = run(tmp_path, needs("haproxy"), plan)
    assert report.faults == []
    assert report.added
    assert report.deleted
    assert report.searches
    assert report.kills
    assert report.swaps == 1
    assert set(report.by_bundle) == {"first", "second"}
