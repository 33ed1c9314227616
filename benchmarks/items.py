"""A catalogue of a million items over HTTP: what filters, groups, lists, counts and the start of the API take.

Each figure is held against a search in the same process without HTTP, measured in the same run. Requests are measured
by the processor time of the server, so that other work on the machine counts little, and by the clock. The pictures
are made up: vectors of 64 dims in 4,000 clusters, two clusters a label, with a price, a colour and more.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil
import requests

from benchmarks.serving import running
from benchmarks.setup import WORK, publish, table
from retrieval import bundle
from retrieval.agreement import agree
from retrieval.bundle.layout import bundle_path
from retrieval.catalogue import Attribute, Catalogue, Item
from retrieval.clusters import Clusters, Reach, Vectors
from retrieval.encoding.projection import Projection
from retrieval.filters import Filter, OneOf, Range
from retrieval.vectors.base import VectorStore
from retrieval.vectors.stores import EmbeddedStores
from tests.support.bundles import SIDE, write_encoder

ITEMS = 1_000_000
DIMS = 64
NAME = "million"
SEED = 0
COLOURS = ("red", "green", "blue", "white", "black", "brown", "grey", "yellow")
AUTO_PROBES = 32  # clusters
CALLS = 31  # of each request; the first one is told apart
IDLE_SECONDS = 4
IDLE_SHARE = 0.02  # of a processor: below it, what the server does beside the first requests is done
ADDED = 2_000  # items, to measure how fast they are written
HEADER = "request | before, at 1,000,000 | now | to reach"
BEFORE = {  # of commit 4c0cb74, measured once on a quiet machine of 2 cores
    "API start to /readyz": ("15.2 s", "4 s"),
    "resident memory": ("1,357 MB", "raw + 250 MB"),
    "search in process": ("0.68 ms", ""),
    "/search?id=": ("51 ms", "in process + 5 ms"),
    "/search?id=, a filter that leaves 1 in 2": ("1,793 ms", "3 x no filter"),
    "/search?id=, a filter that leaves 1 in 8": ("904 ms", "3 x no filter"),
    "/search?id=, a filter that leaves 1 in 1,148": ("198 ms", "3 x no filter"),
    "/search?id=, group_by=label": ("1,703 ms", "20 ms"),
    "/facets": ("3,785 ms", "50 ms"),
    "/clusters": ("4,015 ms", "50 ms"),
    "/labels": ("446 ms", "50 ms"),
    "/map": ("211 ms", "50 ms"),
    "/items": ("46 ms", "10 ms"),
    "/items, by attributes.price": ("991 ms", "10 ms"),
    "/items, with a filter": ("554 ms", "10 ms"),
}
FILTERS: dict[str, dict[str, Any]] = {
    "1 in 2": {"attributes": {"glazed": True}},
    "1 in 8": {"attributes": {"colour": "red"}},
    "1 in 1,148": {"attributes": {"price": {"gte": 500, "lt": 500 + 1000 / 1148}}},
}


def main(arguments: list[str] | None = None) -> None:
    """Make the catalogue, unless it is there, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: python -m benchmarks.items --items 100000")
    parser.add_argument("--items", type=int, default=ITEMS, help="how many; the table is written for a million only")
    count = parser.parse_args(arguments or []).items
    artifacts = WORK / f"items-{count}"
    if not (artifacts / "CURRENT").exists():
        make(artifacts, count)
    figures = {"search in process": in_process(artifacts), **over_http(artifacts), **writes(artifacts)}
    rows = [(name, BEFORE.get(name, ("", ""))[0], now, BEFORE.get(name, ("", ""))[1]) for name, now in figures.items()]
    text = table(HEADER, rows)
    if count == ITEMS:
        publish("items", text)
    else:
        print(text)


def make(artifacts: Path, count: int) -> None:
    """A bundle, and items with vectors, without pictures."""
    shutil.rmtree(artifacts, ignore_errors=True)
    artifacts.mkdir(parents=True)
    rng = np.random.default_rng(SEED)
    cells = max(8, count // 250)
    clusters = Clusters(rng.normal(size=(cells, DIMS)).astype(np.float32))
    own = rng.integers(cells, size=count)
    vectors = (clusters.centroids[own] + rng.normal(0, 0.4, (count, DIMS))).astype(np.float32)
    _write_bundle(artifacts, clusters, vectors, count)
    EmbeddedStores(artifacts).create(NAME, clusters, ids=[_id(number) for number in range(count)], vectors=vectors)
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        began = time.perf_counter()
        catalogue.replace_source(_items(own, rng))
        with closing(EmbeddedStores(artifacts).open(NAME, clusters)) as store:
            agree(store, catalogue, (), catalogue.state())  # as the trainer does
        print(f"{count:,} items written in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    bundle.publish(artifacts, NAME)


def _items(own: np.ndarray[Any, Any], rng: np.random.Generator) -> Iterator[Item]:
    prices, colours = rng.integers(0, 100_000, len(own)) / 100, rng.integers(8, size=len(own))
    glazed, stock = rng.random(len(own)) < 0.5, rng.integers(0, 500, len(own))
    now = datetime.now(UTC)
    for number, cluster in enumerate(own.tolist()):
        attributes: dict[str, Attribute] = {
            "price": float(prices[number]),
            "colour": COLOURS[colours[number]],
            "glazed": bool(glazed[number]),
            "stock": int(stock[number]),
        }
        label = f"label {cluster // 2:04}"
        place = f"pictures/{_id(number)}.jpg"
        yield Item(_id(number), place, f"{number:064x}", "image/jpeg", 400, 533, label, attributes, "source", now)


def _id(number: int) -> str:
    return f"item {number:07}"


def _write_bundle(artifacts: Path, clusters: Clusters, vectors: Vectors, count: int) -> None:
    training, model = artifacts / "training", artifacts / "encoder.onnx"
    training.mkdir()
    (training / "config.toml").write_text("# made up\n", encoding="utf-8")
    write_encoder(model, dims=DIMS)
    radii = Reach.nowhere(clusters).widened(vectors, clusters.assign(vectors)).radii
    encoder = {"name": "made up", "weights": "random", "height": SIDE, "width": SIDE, "dims": DIMS, "stage": "frozen"}
    description = {
        "id": NAME,
        "created": datetime.now(UTC),
        "encoder": encoder,
        "dims": DIMS,
        "counts": {"items": count, "labels": (len(clusters) + 1) // 2, "clusters": len(clusters)},
        "metrics": {},
        "versions": {},
    }
    bundle.write(
        artifacts,
        description,
        encoder=model,
        projection=Projection(np.zeros(DIMS, np.float32), np.eye(DIMS, dtype=np.float32)),
        clusters=clusters,
        radii=radii,
        auto_probes=AUTO_PROBES,
        training=training,
    )


def in_process(artifacts: Path) -> str:
    """Ten hits of stored vectors, without and with filters."""
    clusters = bundle.load(bundle_path(artifacts, NAME)).clusters
    store = EmbeddedStores(artifacts).open(NAME, clusters, auto_probes=AUTO_PROBES)
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, closing(store):
        some = [_id(37 * number) for number in range(200)]
        plain = _search_ms(store, some)
        filters = {
            "1 in 2": Filter(attributes={"glazed": OneOf((True,))}),
            "1 in 8": Filter(attributes={"colour": OneOf(("red",))}),
            "1 in 1,148": Filter(attributes={"price": Range(gte=500, lt=500 + 1000 / 1148)}),
        }
        row_cells = [f"{plain:.2f} ms"]
        for name, filter_ in filters.items():
            row_cells.append(f"{name}: {_search_ms(store, some, partial(catalogue.select, filter_)):.2f} ms")
    return "; ".join(row_cells)


def _search_ms(store: VectorStore, ids: list[str], select: Callable[[], Any] = lambda: None) -> float:
    times = []
    for item in ids:
        query = store.get(item)
        began = time.process_time()
        store.search(query, k=10, metric="cosine", only=select())
        times.append(time.process_time() - began)
    return 1000 * float(np.median(times[len(times) // 4 :]))


def over_http(artifacts: Path) -> dict[str, str]:
    """Every request of the table."""
    like = {"id": _id(4711), "k": "10"}
    requests_by_name = {
        "/search?id=": ("/search", like),
        **{
            f"/search?id=, a filter that leaves {name}": ("/search", like | {"filter": json.dumps(filter_)})
            for name, filter_ in FILTERS.items()
        },
        "/search?id=, group_by=label": ("/search", like | {"group_by": "label"}),
        "/facets": ("/facets", {}),
        "/clusters": ("/clusters", {}),
        "/labels": ("/labels", {}),
        "/map": ("/map", {}),
        "/items": ("/items", {}),
        "/items, by attributes.price": ("/items", {"order": "attributes.price"}),
        "/items, with a filter": ("/items", {"filter": json.dumps(FILTERS["1 in 8"])}),
    }
    with running(artifacts) as (address, seconds, process), requests.Session() as session:
        session.trust_env = False
        memory = process.memory_info().rss / 1e6
        figures = {"API start to /readyz": f"{seconds:.1f} s", "resident memory": f"{memory:.0f} MB"}
        figures["work beside the first requests"] = f"{_until_idle(process):.1f} s of CPU"
        for name, (path, fields) in requests_by_name.items():
            link = f"{address}{path}?{urlencode(fields)}"
            cpu = [_cpu_ms(process)]
            times = [_get_ms(session, link)]
            cpu.append(_cpu_ms(process))
            times += [_get_ms(session, link) for _ in range(CALLS - 1)]
            mean = (_cpu_ms(process) - cpu[1]) / (CALLS - 1)
            clock = f"by the clock {np.median(times[1:]):.1f}, the first one {times[0]:.0f}"
            figures[name] = f"{mean:.1f} ms of CPU, the first one {cpu[1] - cpu[0]:.0f}; {clock}"
        figures["resident memory after these"] = f"{process.memory_info().rss / 1e6:.0f} MB"
    return figures


def _until_idle(process: psutil.Process) -> float:
    """The processor seconds that a server takes for what it does once it is ready."""
    began = before = _cpu_ms(process)
    while True:
        time.sleep(IDLE_SECONDS)
        now = _cpu_ms(process)
        if now - before < 1000 * IDLE_SECONDS * IDLE_SHARE:
            return (now - began) / 1000
        before = now


def _cpu_ms(process: psutil.Process) -> float:
    """What a process has used up of the processors: other work on the machine counts little."""
    times = process.cpu_times()
    return 1000 * (times.user + times.system)


def _get_ms(session: requests.Session, address: str) -> float:
    began = time.perf_counter()
    answer = session.get(address, timeout=600)
    elapsed = 1000 * (time.perf_counter() - began)
    answer.raise_for_status()
    return elapsed


def writes(artifacts: Path) -> dict[str, str]:
    """Items added and deleted again, 50 in a transaction, as a batch does it; and how large the file is."""
    url = bundle.catalogue_url(artifacts)
    size = (artifacts / "catalogue.sqlite").stat().st_size / 1e6
    own = np.arange(ADDED) % 100
    new = [
        Item(f"new {number}", *(getattr(item, name) for name in Item.__dataclass_fields__ if name != "id"))
        for number, item in enumerate(_items(own, np.random.default_rng(1)))
    ]
    with closing(Catalogue(url)) as catalogue:
        began = time.perf_counter()
        for start in range(0, ADDED, 50):
            with catalogue.writing() as rows:
                rows.insert(new[start : start + 50])
        added = time.perf_counter() - began
        for start in range(0, ADDED, 50):
            with catalogue.writing() as rows:
                rows.delete([item.id for item in new[start : start + 50]])
    return {"rows added a second": f"{ADDED / added:,.0f}", "catalogue.sqlite": f"{size:,.0f} MB"}


if __name__ == "__main__":
    main(sys.argv[1:])
