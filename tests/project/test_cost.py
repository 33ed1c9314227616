"""The model of costs: it fits the lines that are there, tells how far it is off, and says what it computes."""

import re

import pytest

from benchmarks.cost import EARLIER, HEADER, LARGE
from benchmarks.cost_model import Engine, Line, Prices, compared, error_of_prediction, fit, need
from tests.conftest import ROOT


def test_a_line_is_found_again() -> None:
    line = fit([(x, 3 + 0.25 * x) for x in (1, 10, 200, 5000)])
    assert (line.base, line.slope) == pytest.approx((3, 0.25))
    assert error_of_prediction([(x, 3 + 0.25 * x) for x in (1, 10, 1000)]) == pytest.approx(0)
    assert error_of_prediction([(1, 1), (2, 2), (4, 8)]) == pytest.approx(-0.5), "half of what it was"


@pytest.mark.parametrize("points", [[(1, 5), (2, 11), (4, 30)], [(1, 5), (2, 4), (4, 1)]])
def test_nothing_is_ever_below_zero(points: list[tuple[float, float]]) -> None:
    line = fit(points)
    assert min(line.base, line.slope) >= 0


def test_what_a_search_compares() -> None:
    assert compared(1_000_000, 64) == 16_000
    assert compared(100, 64) == 100, "never more than there are"


def test_a_need_adds_up() -> None:
    engine = Engine("one", Line(0, 200), Line(1, 0.001), 0.5)
    needed = need(engine, 1e9, 100, Prices(core=10, memory_gb=2, disk_gb=1))
    assert (needed.disk_gb, needed.memory_gb) == (200, 100)
    assert needed.milliseconds == pytest.approx(1 + 0.001 * compared(1e9))
    assert needed.cores == 102  # 507 ms of a core for each of 100 searches, half busy
    assert needed.dollars == pytest.approx(102 * 10 + 100 * 2 + 200)


def test_the_tables_are_those_of_the_command() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    (rows,) = re.findall(r"<!-- cost: .*?-->\n(.*?)<!-- /cost -->", page, re.DOTALL)
    assert rows.startswith(f"| {HEADER} |")
    for size in LARGE:
        assert rows.count(f"| {size:,} |") == 5
    (errors,) = re.findall(r"<!-- cost errors: .*?-->\n(.*?)<!-- /cost errors -->", page, re.DOTALL)
    assert all(f"time, {name} " in errors for name in EARLIER)
