"""Adding items: picture, vectors, rows, in this order; what is answered is there, and found. Blocking.

All that takes long, the decoding, the encoding and the writing of pictures, is done before the lock is taken. Under it,
the rows are inserted and the vectors become durable, before one commit makes the items exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from api.errors import Refusal
from api.items.prepare import Arrival, NewItem, arrival_of, encoder_inputs, vectors_beside
from api.schemas.search_answer import ItemAnswer
from api.serving import image_files
from api.serving.batch_encoder import embed_all
from api.serving.engine import Engine
from api.serving.snapshot import Snapshot
from retrieval.catalogue import Catalogue, Item, Reply
from retrieval.clusters import Vectors
from retrieval.errors import LookalikeError
from retrieval.images import RGB

TAKEN = "id: there is an item of this id with another picture; delete it first, or choose another id."
FACE_TAKEN = "id: there is an item of the id of one of the picture's faces; delete it first, or choose another id."
OTHER_REQUEST = "Idempotency-Key: it came with another request before; choose a new one for each request."

CREATED, KNOWN = 201, 200


@dataclass(frozen=True, slots=True)
class Added:
    """An item that is there now: created, or there with the same picture already."""

    item: Item
    status: int

    @property
    def answer(self) -> "Answer":
        """What is said of it."""
        return Answer(self.status, ItemAnswer.of(self.item).model_dump_json())


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and an ItemAnswer as JSON."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """An idempotency key, and the SHA-256 of what was asked with it."""

    key: str
    request: str

    def reply(self, answer: Answer) -> Reply:
        """What is to be remembered."""
        return Reply(self.key, self.request, answer.status, answer.body)


class _Answered(Exception):
    """The same key has been answered meanwhile, so nothing of this is to happen."""


Outcome = Added | Refusal | LookalikeError
Vectored = dict[str, dict[str, Vectors]]
"""By bundle id, then by item id."""


def add(engine: Engine, new: NewItem, ticket: Ticket | None = None) -> Answer:
    """Add one item, or say again what the same ticket was answered. Raises Refusal, LookalikeError."""
    catalogue = live_of(engine).catalogue
    if ticket is not None and (known := remembered(catalogue, ticket)):
        return known
    try:
        (outcome,) = add_all(engine, [new], ticket)
        if not isinstance(outcome, Added):
            raise outcome
        if ticket is not None and outcome.status == KNOWN:  # else it was remembered with the row
            with catalogue.writing() as rows:
                if not rows.remember(ticket.reply(outcome.answer)):
                    raise _Answered
        return outcome.answer
    except _Answered:
        known = remembered(catalogue, ticket) if ticket else None
        if known is None:  # it was forgotten in this very moment
            raise Refusal("overloaded") from None
        return known


def add_all(engine: Engine, items: Sequence[NewItem], ticket: Ticket | None = None) -> list[Outcome]:
    """Add items together, and say for each in its order what became of it. One that cannot be does not stop the others.

    Of two of one id, the first counts. `ticket` is for a single one. Raises Refusal where nothing is served.
    """
    live = live_of(engine)
    outcomes: list[Outcome | None] = []
    waiting: dict[int, tuple[Arrival, list[RGB]]] = {}
    names: set[str] = set()
    for place, new in enumerate(items):
        outcomes.append(None)
        try:
            arrival = arrival_of(live, new)
            ids = {item.id for item in arrival.items}
            if names & ids:  # of the same id as one that is yet to be added
                _settle(engine, live, waiting, outcomes, ticket)
                names.clear()
            outcomes[place] = _known(live.catalogue, arrival)
            if outcomes[place] is None:
                waiting[place] = arrival, encoder_inputs(live, arrival)
                names |= ids
        except (Refusal, LookalikeError) as error:
            outcomes[place] = error
    _settle(engine, live, waiting, outcomes, ticket)
    return [outcome for outcome in outcomes if outcome is not None]


def _settle(
    engine: Engine,
    live: Snapshot,
    waiting: dict[int, tuple[Arrival, list[RGB]]],
    outcomes: list[Outcome | None],
    ticket: Ticket | None,
) -> None:
    """Add what waits, and note what became of it."""
    if not waiting:
        return
    arrivals = [arrival for arrival, _ in waiting.values()]
    try:
        vectors = _encode(engine, live, list(waiting.values()))
        for arrival in arrivals:
            image_files.keep(live.artifacts, arrival.first.location, arrival.data)
        added = _write(engine, arrivals, vectors, ticket)
        for place, (arrival, _) in waiting.items():
            if arrival.first.id in added:
                outcomes[place] = Added(arrival.first, CREATED)
            else:  # somebody else was faster
                outcomes[place] = _known(live.catalogue, arrival) or Refusal("item_exists", FACE_TAKEN)
    except (Refusal, LookalikeError) as error:
        for place in waiting:
            outcomes[place] = error
    waiting.clear()


def _encode(engine: Engine, live: Snapshot, ready: Sequence[tuple[Arrival, list[RGB]]]) -> Vectored:
    ids = [item.id for arrival, _ in ready for item in arrival.items]
    encoded = embed_all(live.bundle.embedder, [picture for _, each in ready for picture in each])
    vectors = {live.id: dict(zip(ids, encoded, strict=True))}
    for snapshot in engine.loaded:
        if snapshot.id not in vectors:
            vectors[snapshot.id] = vectors_beside(snapshot, [arrival for arrival, _ in ready])
    return vectors


def _write(engine: Engine, arrivals: Sequence[Arrival], vectors: Vectored, ticket: Ticket | None) -> set[str]:
    """Make the items exist, but for those whose ids are taken by now; returns the ids of those that do."""
    with engine.writing:
        live = live_of(engine)
        with live.catalogue.writing() as rows:
            added = rows.insert([item for arrival in arrivals for item in arrival.items])
            whole = [arrival for arrival in arrivals if all(item.id in added for item in arrival.items)]
            complete_items = {item.id: item for arrival in whole for item in arrival.items}
            rows.delete(added - complete_items.keys())
            if ticket is not None and complete_items:
                reply = ticket.reply(Added(arrivals[0].first, CREATED).answer)
                if not rows.remember(reply):
                    raise _Answered
            for arrival in whole:  # it may have been an item's that was deleted just now
                image_files.keep(live.artifacts, arrival.first.location, arrival.data)
            for snapshot in engine.loaded:
                bundle_id = snapshot.id
                if bundle_id not in vectors:  # it was loaded meanwhile
                    vectors[bundle_id] = vectors_beside(snapshot, whole)
                _upsert(snapshot, complete_items, vectors[bundle_id])
    return set(complete_items)


def _upsert(snapshot: Snapshot, items: dict[str, Item], vectors: dict[str, Vectors]) -> None:
    ids = [id_ for id_ in items if id_ in vectors]
    if ids:
        rows = np.stack([vectors[id_] for id_ in ids])
        snapshot.store.upsert(ids, rows, [items[id_].sha256 for id_ in ids])


def _known(catalogue: Catalogue, arrival: Arrival) -> Added | Refusal | None:
    """What is answered where an item of this id is there already."""
    item = catalogue.get_many([arrival.first.id]).get(arrival.first.id)
    if item is None:
        return None
    return Added(item, KNOWN) if item.sha256 == arrival.first.sha256 else Refusal("item_exists", TAKEN)


def remembered(catalogue: Catalogue, ticket: Ticket) -> Answer | None:
    """What this ticket was answered before. Raises Refusal if that was another request."""
    reply = catalogue.reply(ticket.key)
    if reply is None:
        return None
    if reply.request != ticket.request:
        raise Refusal("idempotency_conflict", OTHER_REQUEST)
    return Answer(reply.status, reply.body)


def live_of(engine: Engine) -> Snapshot:
    """What is served. Raises Refusal (not_ready)."""
    if not engine.loaded:
        raise Refusal("not_ready")
    return engine.loaded[0]
