"""`python -m benchmarks.peers [--items 1000000]`: measure each engine, and renew the tables and plots of the docs."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.engines import ENGINES
from benchmarks.peers.worker import CHANGED, LEVELS
from benchmarks.scale import crowd
from benchmarks.setup import ROOT, publish, table, test_data, trained, vectors_of

QUERIES = 100
ITEMS = 100_000
DIMS = 64
MAX_EXACT = 200_000
"""Vectors up to which an engine takes part that compares with everything."""
SLOW = "Qdrant, local"
NOTHING = "-"
Figures = dict[str, Any]


def main() -> None:
    """One process for each engine, one after the other."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        epilog="Example: LOOKALIKE_TEST_DATA=../shared/data python -m benchmarks.peers --items 1000000",
    )
    parser.add_argument("--items", type=int, default=ITEMS, help=f"vectors to search among (default: {ITEMS:,})")
    parser.add_argument("--engines", nargs="+", metavar="NAME", help="only these, such as Lookalike and hnswlib")
    arguments = parser.parse_args()
    items, wanted = arguments.items, arguments.engines
    known = [engine.name for engine in ENGINES]
    if unknown := set(wanted or ()).difference(known):
        parser.error(f"there is no engine {min(unknown)!r}; there are {', '.join(known)}")
    if test_data() is None:
        sys.exit("Vectors are made of real pictures: set LOOKALIKE_TEST_DATA to the folder that holds grocery/.")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        write_vectors(data, items)
        names = [name for name in wanted or known if name != SLOW or items <= MAX_EXACT]
        report(items, [measured(name, data) for name in names])


def write_vectors(path: Path, items: int) -> None:
    """Grocery's vectors grown to so many and a fifth more, and unseen pictures to search with; the first DIMS axes."""
    artifacts = trained("frozen")
    gallery, labels = vectors_of(artifacts, "train")
    tests, _ = vectors_of(artifacts, "test")
    rng = np.random.default_rng(0)
    vectors = crowd(gallery[:, :DIMS].copy(), labels, round(items * (1 + CHANGED)), rng)
    np.savez(path, vectors=vectors, queries=tests[rng.choice(len(tests), QUERIES, replace=False), :DIMS])


def measured(name: str, data: Path) -> Figures:
    """What the worker says of an engine."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.peers.worker", name, str(data), folder]
        answer = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    figures: Figures = json.loads(answer.stdout.splitlines()[-1])
    print(f"{name}: {figures['build_cpu']:.0f} s to build, {figures['ladder'][-1]}", file=sys.stderr)
    return figures


def report(items: int, engines: Sequence[Figures]) -> None:
    """The tables and the plot of one size."""
    raw = items * 4 * DIMS / 1e6
    cost = [
        (
            each["name"],
            f"{each['build_cpu']:.0f} s",
            f"{each['disk'] / 1e6:.0f} MB",
            f"{each['memory'] / 1e6:.0f} MB",
            f"{each['open_seconds']:.2f} s",
            f"{each['threads_qps']:,.0f}",
        )
        for each in engines
    ]
    header = (
        f"{items:,} vectors ({raw:.0f} MB raw) | build (processor time) | disk | memory | open | searches/s, all cores"
    )
    levels = [(each["name"], *(at_level(each, level) for level in LEVELS)) for each in engines]
    changes = [
        (
            each["name"],
            *(filter_cell(each, place) for place in range(4)),
            f"{each['items'] * CHANGED / each['add_seconds']:,.0f}/s",
            f"{each['items'] * CHANGED / each['remove_seconds']:,.0f}/s" if "remove_seconds" in each else NOTHING,
            f"{each['changed']['p50']:.2f} ms ({each['changed']['recall']:.3f})",
        )
        for each in engines
    ]
    names = " | ".join(f"recall {level:g}" for level in LEVELS)
    tables = [
        table(header, cost),
        table(f"one thread, p50 / p95 / p99 ms (searches/s) | {names}", levels),
        table(
            "filter leaves, p50 (recall) | 50 % | 10 % | 1 % | 0.1 % | 20 % added | 20 % removed | search then", changes
        ),
        f"![Searches per second against recall, {items:,} vectors](images/peers-{items}.svg)",
    ]
    plot(ROOT / "docs" / "images" / f"peers-{items}.svg", engines, items)
    publish(f"peers {items}", "\n\n".join(tables))


def at_level(engine: Figures, level: float) -> str:
    """The cheapest way of an engine to this recall."""
    ways = [way for way in engine["ladder"] if way["recall"] >= level]
    if not ways:
        return NOTHING
    way = min(ways, key=lambda each: each["mean"])
    return f"{way['p50']:.2f} / {way['p95']:.2f} / {way['p99']:.2f} ({1000 / way['mean']:,.0f})"


def filter_cell(engine: Figures, place: int) -> str:
    """Milliseconds and recall with a filter."""
    if not engine["filters"]:
        return NOTHING
    way = engine["filters"][place]
    return f"{way['p50']:.2f} ms ({way['recall']:.3f})"


def plot(path: Path, engines: Sequence[Figures], items: int) -> None:
    """Searches per second of one thread against recall, as SVG."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "peers"
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for engine in engines:
        ways = sorted((way["recall"], 1000 / way["mean"]) for way in engine["ladder"] if way["recall"] >= 0.5)
        axes.plot([recall for recall, _ in ways], [rate for _, rate in ways], marker="o", label=engine["name"])
    axes.set(xlabel="recall@10 of unseen queries", ylabel="searches per second, one thread", yscale="log")
    axes.set_title(f"{items:,} vectors of {DIMS} numbers, cosine")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
