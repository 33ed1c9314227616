"""Writers and readers at work while APIs are killed, bundles are swapped and the database crashes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2

from benchmarks.chaos.clients import CUT_OFF, Client, Record
from benchmarks.chaos.fleet import BUNDLES, Fleet, fleet, wait_until_ready

CHECK_SECONDS = 3.0  # until HAProxy has seen that an API is ready
GRACE_SECONDS = 8.0  # after an engine is back: for connections and for what was waiting


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done, and for how long. Seconds."""

    seconds: float
    kill_every: float
    swaps: int
    outage_seconds: float = 2.0
    writers: int = 4
    readers: int = 8


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it. `faults` is empty where nothing went wrong."""

    added: int
    deleted: int
    searches: int
    kills: int
    swaps: int
    by_bundle: dict[str, int]
    in_outage: int
    """Errors while the database was down, each with Retry-After."""
    of_kills: int
    """Requests that were under way at an API when it was killed, and that HAProxy must or can not send again: 502, or
    cut off in the middle of their answer."""
    busy: int
    """Requests that were refused because too many others waited, on a machine that is slow for so many clients."""
    faults: list[str]


def run(home: Path, haproxy: str, plan: Plan) -> Report:
    """Run it once, in a folder that is empty."""
    record, stop, outage = Record(), threading.Event(), [0.0, 0.0]
    kills: list[float] = []
    with fleet(home, haproxy) as apis:
        clients = [Client(apis.address, record, stop) for _ in range(plan.writers + plan.readers)]
        swapping = _Swaps(apis, plan, stop)
        with ThreadPoolExecutor(len(clients) + 2) as threads:
            work = [threads.submit(client.write, number) for number, client in enumerate(clients[: plan.writers])]
            work += [threads.submit(client.read, number) for number, client in enumerate(clients[plan.writers :])]
            work.append(threads.submit(swapping.run))
            try:
                _disturb(apis, plan, kills, outage)
            finally:
                stop.set()
            for each in work:
                each.result()
            for client in clients:
                client.close()
        for address in apis.addresses:
            wait_until_ready(address)
        _check(apis, record)
    in_outage = [each for each in record.refusals if outage[0] <= each.moment <= outage[1] + GRACE_SECONDS]
    others = [each for each in record.refusals if each not in in_outage]
    of_kills = [
        each for each in others if each.status in (502, CUT_OFF) and any(0 <= each.moment - kill < 2 for kill in kills)
    ]
    busy = [each for each in others if each.code == "overloaded"]
    unexplained = [each for each in others if each not in of_kills and each not in busy]
    faults = record.faults + [
        f"{each.status} {each.code} while no engine was down: {each.detail}" for each in unexplained
    ]
    told = record.acknowledged
    return Report(
        told["added"],
        told["deleted"],
        told["searches"],
        len(kills),
        swapping.done,
        dict(record.bundles),
        len(in_outage),
        len(of_kills),
        len(busy),
        faults,
    )


def _disturb(apis: Fleet, plan: Plan, kills: list[float], outage: list[float]) -> None:
    """Kill one API after the other, each once the other one is ready; crash the database once, half-way."""
    ended = time.monotonic() + plan.seconds
    half, crashed, number = time.monotonic() + plan.seconds / 2, False, 0
    while time.monotonic() < ended:
        time.sleep(plan.kill_every)
        if not crashed and time.monotonic() >= half:
            crashed, outage[0] = True, time.monotonic()
            apis.restart_database(plan.outage_seconds)
            outage[1] = time.monotonic()
            continue
        wait_until_ready(apis.addresses[1 - number % 2])
        time.sleep(CHECK_SECONDS)
        kills.append(time.monotonic())
        apis.kill(number % 2)
        apis.start(number % 2)
        number += 1


class _Swaps:
    """Makes the other bundle live, so many times in all."""

    def __init__(self, apis: Fleet, plan: Plan, stop: threading.Event) -> None:
        self._apis, self._plan, self._stop = apis, plan, stop
        self.done = 0

    def run(self) -> None:
        pause = self._plan.seconds / (self._plan.swaps + 1)
        while self.done < self._plan.swaps and not self._stop.wait(pause):
            wanted = BUNDLES[(self.done + 1) % len(BUNDLES)]
            while not self._stop.is_set() and not self._activated(wanted):
                time.sleep(0.5)
            self.done += not self._stop.is_set()

    def _activated(self, bundle_id: str) -> bool:
        try:
            return httpx2.post(f"{self._apis.address}/bundles/{bundle_id}/activate", timeout=120).status_code == 200
        except httpx2.TransportError:
            return False


def _check(apis: Fleet, record: Record) -> None:
    """Ask each API for all that was acknowledged."""
    for address in apis.addresses:
        client = Client(address, record, threading.Event())
        for name in list(record.items):
            if client.send("GET", f"/item?id={name}").status_code != 200:
                record.faults.append(f"{name} was acknowledged, and {address} does not have it")
            client.search(name)
        for name in record.deleted:
            if client.send("GET", f"/item?id={name}").status_code != 404:
                record.faults.append(f"{name} was deleted, and {address} has it")
        client.close()
