"""Clients that write and search without pause, and remember what they were told."""

import base64
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2
import numpy as np

from tests.support.bundles import picture

MAX_ITEMS = 20  # of one writer
PAUSE_SECONDS = 0.2  # before what was refused is sent again: less than Retry-After says, to make it harder
CUT_OFF = 0  # in place of a status
SAME = 1e-4  # a picture and itself differ by less, as a cosine


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that was an error of the server or was cut off, and when it came."""

    moment: float
    status: int
    code: str
    detail: str


@dataclass
class Record:
    """What all clients were told. Lists are appended to by several threads."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What must not be."""
    items: dict[str, bytes] = field(default_factory=dict)
    """Acknowledged and not about to be deleted, by id."""
    deleted: set[str] = field(default_factory=set)
    bundles: Counter[str] = field(default_factory=Counter)
    """Answers by the bundle that gave them."""


class Client:
    """Sends one request after the other until it is answered with success."""

    def __init__(self, address: str, record: Record, stop: threading.Event) -> None:
        self._http = httpx2.Client(base_url=address, timeout=60)
        self._record = record
        self._stop = stop

    def close(self) -> None:
        """Let go of its connections."""
        self._http.close()

    def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """The answer, once it is none of an outage. Each of those must say when to come again."""
        while True:
            try:
                answer = self._http.request(method, path, **options)
            except httpx2.TransportError as error:
                self._record.refusals.append(
                    Refusal(time.monotonic(), CUT_OFF, "cut_off", f"{method} {path}: {error!r}")
                )
                time.sleep(PAUSE_SECONDS)
                continue
            if answer.status_code < 500:
                return answer
            told = answer.json()
            refusal = Refusal(time.monotonic(), answer.status_code, told["code"], str(told.get("detail")))
            self._record.refusals.append(refusal)
            if "Retry-After" not in answer.headers:
                self._record.faults.append(f"{method} {path}: {answer.status_code} without Retry-After: {answer.text}")
            time.sleep(PAUSE_SECONDS)

    def write(self, number: int) -> None:
        """Add and delete items of one's own."""
        random, added = np.random.default_rng(number), 0
        own: list[str] = []
        while not self._stop.is_set():
            if own and random.random() < len(own) / MAX_ITEMS:
                name = own.pop(int(random.integers(len(own))))
                self._record.items.pop(name)
                status = self.send("DELETE", f"/item?id={name}").status_code
                self._expect(status in (204, 404), f"{name} was not deleted: {status}")  # 404: by the one before
                self._record.deleted.add(name)
                self._record.acknowledged["deleted"] += 1
                continue
            added += 1
            name, data = f"{number}-{added}", picture(1_000_000 * (number + 1) + added)
            body = {"id": name, "image_base64": base64.b64encode(data).decode()}
            answer = self.send("POST", "/items", json=body, headers={"Idempotency-Key": name})
            self._expect(answer.status_code in (200, 201), f"{name} was not added: {answer.status_code} {answer.text}")
            self._record.items[name] = data
            own.append(name)
            self._record.acknowledged["added"] += 1

    def read(self, number: int) -> None:
        """Search with pictures of items that were acknowledged: each is its own best hit."""
        random = np.random.default_rng(1000 + number)
        while not self._stop.is_set():
            known = list(self._record.items)
            if not known:
                time.sleep(0.05)
                continue
            self.search(known[int(random.integers(len(known)))])

    def search(self, name: str) -> None:
        """Search with an item's picture; it may have been deleted meanwhile."""
        data = self._record.items.get(name)
        if data is None:
            return
        answer = self.send("POST", "/search", files={"file": data}, data={"k": "5"})
        if answer.status_code != 200:
            self._record.faults.append(f"a search was answered by {answer.status_code}: {answer.text}")
            return
        result = answer.json()
        self._record.acknowledged["searches"] += 1
        self._record.bundles[result["bundle"]] += 1
        self._expect(result["exact"] is True, f"an answer of {result['bundle']} was not exact")
        best = result["hits"][0]
        if name in self._record.items:
            self._expect(
                best["id"] == name and best["cosine"] > 1 - SAME,
                f"{name} was not its own best hit in {result['bundle']}: {best['id']} at {best['cosine']}",
            )

    def _expect(self, condition: bool, fault: str) -> None:
        if not condition:
            self._record.faults.append(fault)
