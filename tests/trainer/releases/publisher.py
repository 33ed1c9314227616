"""A publisher as a process of its own, which may be told to die."""

import os
import pickle
import signal
from pathlib import Path

import faiss

from tests.trainer.releases.disk import Recording, look
from tests.trainer.releases.shim import Operation, watch
from tests.trainer.releases.shops import NEW, Shop


def publish(home: Path) -> None:
    faiss.omp_set_num_threads(1)  # several would wait for each other where the machine is busy
    Shop(home).run(NEW)


def publish_until(home: Path, last: int) -> None:
    """Publish, and die just before the operation of that number."""
    done = 0

    def count(_operation: Operation) -> None:
        nonlocal done
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1

    watch(home / "artifacts", count)
    publish(home)


def publish_recorded(home: Path, bundle_id: str, result: Path) -> None:
    """Publish, and write down every operation and how things were before it."""
    folder, recording = home / "artifacts", Recording()

    def record(operation: Operation) -> None:
        if operation.kind != "sql":
            recording.moments.append(look(folder))
            recording.operations.append(operation)

    recording.moments.append(look(folder))
    recording.operations.append(Operation("start", ""))
    watch(folder, record)
    faiss.omp_set_num_threads(1)
    Shop(home).run(bundle_id)
    recording.moments.append(look(folder))
    result.write_bytes(pickle.dumps(recording))
    os._exit(0)
