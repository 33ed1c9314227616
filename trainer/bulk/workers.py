"""Who embeds the parts: this process, workers of its own, or those of a Dask scheduler on other hosts."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from trainer.errors import BulkError
from trainer.threads import SETTING, usable_cores

CONNECT_SECONDS = 20

Task = TypeVar("Task")


@dataclass(frozen=True, slots=True)
class Workers:
    """`count` processes on this host, or those of a `scheduler`, such as tcp://10.0.0.5:8786; neither: this process."""

    count: int = 1
    scheduler: str | None = None

    def run(self, function: Callable[[Task], int], tasks: Sequence[Task]) -> Iterator[int]:
        """`function` of each task, as they end, in any order.

        A part whose worker dies is done again by another one. Raises BulkError where the scheduler cannot be reached,
        has no worker, or where a task has failed; what `function` raises, where it runs in this process.
        """
        if self.scheduler is None and self.count == 1:
            yield from map(function, tasks)
            return
        yield from self._distribute(function, tasks)

    def _distribute(self, function: Callable[[Task], int], tasks: Sequence[Task]) -> Iterator[int]:
        from distributed import KilledWorker, as_completed

        with self._client() as client:
            futures = client.map(function, tasks, pure=False, batch_size=100)
            for future in as_completed(futures):
                try:
                    yield future.result()
                except KilledWorker as error:
                    raise BulkError(
                        "The workers died again and again at the same pictures, most likely for want of memory. Give "
                        "them more of it, or start fewer on a host. The shards that are written are kept."
                    ) from error
                except Exception as error:  # whatever the host of the worker lacks
                    raise BulkError(
                        f"A worker failed: {type(error).__name__}: {error}. Every host needs the same version of "
                        "Lookalike, and must see the pictures, the artifacts folder and the shards by the same paths."
                    ) from error

    @contextmanager
    def _client(self) -> Iterator["distributed.Client"]:  # type: ignore[name-defined]  # noqa: F821  # imported late
        from distributed import Client, LocalCluster

        if self.scheduler is None:
            local = LocalCluster(
                n_workers=self.count,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=None,
                env={SETTING: str(max(1, usable_cores() // self.count))},
                silence_logs=logging.CRITICAL,
            )
            with local, Client(local) as client:
                yield client
            return
        try:
            client = Client(self.scheduler, timeout=CONNECT_SECONDS)
        except (OSError, TimeoutError, ValueError) as error:
            raise BulkError(
                f"No Dask scheduler answers at {self.scheduler} ({error}). Start one: dask scheduler; and on each "
                f"host: dask worker {self.scheduler}"
            ) from error
        with client:
            if not client.scheduler_info(n_workers=-1)["workers"]:
                raise BulkError(
                    f"The scheduler at {self.scheduler} has no worker. On each host: dask worker {self.scheduler}"
                )
            yield client
