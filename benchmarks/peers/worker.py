"""One engine measured in a process of its own, so that its memory is its own.

Times of single searches are processor time of the thread that searches: other work on the machine counts little.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.peers.engines import ENGINES, Effort, Engine, Vectors
from retrieval.encoding.projection import unit

K = 10
TURNS = 2
LEVELS = (0.9, 0.95, 0.99, 0.999)
"""Of recall."""
SHARES = (0.5, 0.1, 0.01, 0.001)
"""Of the vectors, that pass a filter."""
CHANGED = 0.2
"""Share of the vectors that are added, and that are then removed."""
BATCH = 1000  # added or removed at once
ROUNDING = 1e-5


def main() -> None:
    """Arguments: the engine's name, a file of vectors and queries, a folder to build in."""
    name, data, folder = sys.argv[1:]
    (engine,) = (each for each in ENGINES if each.name == name)
    with np.load(data) as arrays:
        print(json.dumps(measured(engine, Path(folder), arrays["vectors"], arrays["queries"])))


def measured(engine: Engine, folder: Path, vectors: Vectors, queries: Vectors) -> dict[str, Any]:
    """All figures of an engine, by name; the last vectors are those that are added later."""
    rng = np.random.default_rng(0)
    count = round(len(vectors) / (1 + CHANGED))
    result: dict[str, Any] = {"name": engine.name, "items": count}
    result["build_seconds"], result["build_cpu"] = seconds(lambda: engine.build(folder, vectors[:count]))
    result["disk"] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    before = psutil.Process().memory_info().rss
    result["open_seconds"], _ = seconds(lambda: engine.open(folder))
    alive = np.zeros(len(vectors), bool)
    alive[:count] = True
    result["ladder"] = [rung(engine, vectors, queries, effort, alive) for effort in engine.efforts]
    result["memory"] = psutil.Process().memory_info().rss - before
    enough = [each for each in result["ladder"] if each["recall"] >= 0.99]
    effort = min(enough, key=lambda each: each["mean"])["effort"] if enough else engine.efforts[-1]
    result["threads_qps"] = throughput(engine, queries, effort)
    result["filters"] = []
    for share in SHARES if engine.filters else ():
        rows = np.sort(rng.choice(count, round(count * share), replace=False))
        mask = np.zeros(len(vectors), bool)
        mask[rows] = True
        result["filters"].append({"share": share, **rung(engine, vectors, queries, effort, mask, engine.choose(rows))})
    added = np.arange(count, len(vectors))
    result["add_seconds"], _ = seconds(lambda: in_batches(added, lambda rows: engine.add(rows, vectors[rows])))
    alive[added] = True
    if engine.removes:
        removed = rng.choice(count, len(added), replace=False)
        result["remove_seconds"], _ = seconds(lambda: in_batches(removed, engine.remove))
        alive[removed] = False
    result["changed"] = rung(engine, vectors, queries, effort, alive)
    return result


def rung(
    engine: Engine, vectors: Vectors, queries: Vectors, effort: Effort, alive: NDArray[np.bool_], only: Any = None
) -> dict[str, Any]:
    """Recall at ten and milliseconds of a search with this effort, of those vectors [n] that are alive."""
    points, directions = unit(vectors[alive]), unit(queries)
    count = min(K, len(points))
    recalls, times = [], []
    for turn in range(TURNS):
        for query, direction in zip(queries, directions, strict=True):
            began = time.thread_time()
            rows = engine.search(query, K, effort, only)
            times.append(time.thread_time() - began)
            if turn == 0:
                least = np.partition(points @ direction, -count)[-count]
                rows = [row for row in rows if row >= 0]  # FAISS fills up with -1
                right = unit(vectors[rows]) @ direction >= least - ROUNDING
                recalls.append(min(int((right & alive[rows]).sum()), count) / count)
    milliseconds = np.array(times) * 1000
    p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99]).tolist()
    mean = float(milliseconds.mean())
    return {"effort": effort, "recall": float(np.mean(recalls)), "mean": mean, "p50": p50, "p95": p95, "p99": p99}


def throughput(engine: Engine, queries: Vectors, effort: Effort) -> float:
    """Searches in a second of as many threads as there are cores, each with one query at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        many = [query for _ in range(TURNS) for query in queries]
        took, _ = seconds(lambda: list(threads.map(lambda query: engine.search(query, K, effort), many)))
    return len(many) / took


def in_batches(rows: NDArray[np.int64], change: Callable[[NDArray[np.int64]], None]) -> None:
    """Change rows, some at a time."""
    for start in range(0, len(rows), BATCH):
        change(rows[start : start + BATCH])


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and of the processors."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - cpu


if __name__ == "__main__":
    main()
