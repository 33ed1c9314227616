"""Adding items: picture, vectors, rows, in this order; what is answered is there, and found. Blocking.

All that takes long, the decoding, the encoding and the writing of pictures, is done before the lock is taken. Under it,
the rows are inserted and the vectors become durable, before one commit makes the items exist.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from api.errors import Refusal
from api.items.prepare import Arrival, NewItem, arrival_of, encoder_inputs, vectors_beside
from api.items.replies import Answer, live_of, remembered
from api.schemas.search.answer import ItemAnswer
from api.serving.batch_encoder import embed_all
from api.serving.engine import Engine
from api.serving.snapshot import Snapshot
from api.web.write_headers import digest_of, etag_of
from retrieval.catalogue import Catalogue, Changes, Item
from retrieval.clusters import Vectors
from retrieval.errors import LookalikeError
from retrieval.images import RGB
from retrieval.pictures import keep_all

TAKEN = "id: there is an item of this id with another picture; replace it by PUT /item?id=ID, or choose another id."
DESCRIBED_OTHERWISE = (
    "id: the item is there with this very picture, but with another label or other attributes; change them by "
    "PATCH /item?id=ID. Nothing was changed."
)
FACE_TAKEN = "id: there is an item of the id of one of the picture's faces; delete it first, or choose another id."

CREATED, KNOWN = 201, 200


@dataclass(frozen=True, slots=True)
class Added:
    """An item that is there now: created, or there with the same picture already."""

    item: Item
    status: int

    @property
    def answer(self) -> Answer:
        """What is said of it."""
        return Answer(self.status, ItemAnswer.of(self.item).model_dump_json(), etag_of(self.item))


Outcome = Added | Answer | Refusal | LookalikeError
"""Answer: the one of an earlier request with the same ticket."""
Vectored = dict[str, dict[str, Vectors]]
"""By bundle id, then by item id."""


def add(engine: Engine, new: NewItem) -> Answer:
    """Add one item, or say again what the same ticket was answered. Raises Refusal, LookalikeError."""
    (outcome,) = add_all(engine, [new])
    if isinstance(outcome, Added):
        return outcome.answer
    if isinstance(outcome, Answer):
        return outcome
    raise outcome


def add_all(engine: Engine, items: Sequence[NewItem]) -> list[Outcome]:
    """Add items together, and say for each in its order what became of it. One that cannot be does not stop the others.

    Of two of one id, the first counts. Raises Refusal where nothing is served.
    """
    live = live_of(engine)
    outcomes: list[Outcome | None] = [None] * len(items)
    arrivals: dict[int, Arrival] = {}
    for place, new in enumerate(items):
        try:
            outcomes[place] = remembered(live.catalogue, new.ticket)
            if outcomes[place] is None:
                arrivals[place] = arrival_of(live, new)
        except (Refusal, LookalikeError) as error:
            outcomes[place] = error
    there = _there(live.catalogue, arrivals.values())
    waiting: dict[int, tuple[Arrival, list[RGB]]] = {}
    names: set[str] = set()
    for place, arrival in arrivals.items():
        try:
            ids = {item.id for item in arrival.items}
            if names & ids:  # of the same id as one that is yet to be added
                _settle(engine, live, waiting, outcomes)
                names.clear()
                there = _there(live.catalogue, arrivals.values())
            outcomes[place] = _existing(there, arrival)
            if outcomes[place] is None:
                waiting[place] = arrival, encoder_inputs(live, arrival)
                names |= ids
        except (Refusal, LookalikeError) as error:
            outcomes[place] = error
    _settle(engine, live, waiting, outcomes)
    settled = [outcome for outcome in outcomes if outcome is not None]
    return _remember_known(live.catalogue, items, settled)


def _settle(
    engine: Engine, live: Snapshot, waiting: dict[int, tuple[Arrival, list[RGB]]], outcomes: list[Outcome | None]
) -> None:
    """Add what waits, and note what became of it."""
    if not waiting:
        return
    arrivals = [arrival for arrival, _ in waiting.values()]
    try:
        vectors = encode(engine, live, list(waiting.values()))
        keep_all(live.pictures, {arrival.first.location: arrival.data for arrival in arrivals})
        added = _write(engine, arrivals, vectors)
        for place, (arrival, _) in waiting.items():
            if arrival.first.id in added:
                outcomes[place] = Added(arrival.first, CREATED)
            else:  # somebody else was faster
                outcomes[place] = _outrun(live.catalogue, arrival)
    except (Refusal, LookalikeError) as error:
        for place in waiting:
            outcomes[place] = error
    waiting.clear()


def _remember_known(catalogue: Catalogue, items: Sequence[NewItem], outcomes: list[Outcome]) -> list[Outcome]:
    """Keep the answers that tell of no change; those of a change were kept with it."""
    places = {
        place: (new.ticket, outcome.answer)
        for place, (new, outcome) in enumerate(zip(items, outcomes, strict=True))
        if new.ticket is not None and isinstance(outcome, Added) and outcome.status == KNOWN
    }
    if places:
        with catalogue.writing() as rows:
            late_places = [
                place for place, (ticket, answer) in places.items() if not rows.remember(ticket.reply(answer))
            ]
        for place in late_places:
            ticket, answer = places[place]
            outcomes[place] = remembered(catalogue, ticket) or answer
    return outcomes


def encode(engine: Engine, live: Snapshot, ready: Sequence[tuple[Arrival, list[RGB]]]) -> Vectored:
    """The vectors of arrivals under every bundle; their pictures are prepared for the live one. Raises ImageError."""
    ids = [item.id for arrival, _ in ready for item in arrival.items]
    encoded = embed_all(live.bundle.embedder, [picture for _, each in ready for picture in each], live.together)
    vectors = {live.id: dict(zip(ids, encoded, strict=True))}
    for snapshot in engine.loaded:
        if snapshot.id not in vectors:
            vectors[snapshot.id] = vectors_beside(snapshot, [arrival for arrival, _ in ready])
    return vectors


def _write(engine: Engine, arrivals: Sequence[Arrival], vectors: Vectored) -> set[str]:
    """Make the items exist, but for those whose ids are taken by now; returns the ids of those that do."""
    with engine.writing:
        live = live_of(engine)
        with live.catalogue.writing() as rows:
            added = rows.insert([item for arrival in arrivals for item in arrival.items])
            whole = [arrival for arrival in arrivals if all(item.id in added for item in arrival.items)]
            whole = [arrival for arrival in whole if _is_first(rows, arrival)]
            complete_items = {item.id: item for arrival in whole for item in arrival.items}
            rows.delete(added - complete_items.keys())
            for arrival in whole:  # it may have been an item's that was deleted just now
                live.pictures.keep(arrival.first.location, arrival.data)
            for snapshot in engine.loaded:
                bundle_id = snapshot.id
                if bundle_id not in vectors:  # it was loaded meanwhile
                    vectors[bundle_id] = vectors_beside(snapshot, whole)
                upsert(snapshot, complete_items, vectors[bundle_id])
    return set(complete_items)


def _is_first(rows: Changes, arrival: Arrival) -> bool:
    """Whether no request with the same ticket has been answered meanwhile; from now on, this one has."""
    return arrival.ticket is None or rows.remember(arrival.ticket.reply(Added(arrival.first, CREATED).answer))


def _outrun(catalogue: Catalogue, arrival: Arrival) -> Outcome:
    """What is answered where another request, perhaps the same one, was faster."""
    return (
        remembered(catalogue, arrival.ticket)
        or _existing(_there(catalogue, [arrival]), arrival)
        or Refusal("item_exists", FACE_TAKEN)
    )


def upsert(snapshot: Snapshot, items: Mapping[str, Item], vectors: Mapping[str, Vectors]) -> None:
    """Write the vectors of items that have one, by id."""
    ids = [id_ for id_ in items if id_ in vectors]
    if ids:
        rows = np.stack([vectors[id_] for id_ in ids])
        snapshot.store.upsert(ids, rows, [items[id_].sha256 for id_ in ids])


def _there(catalogue: Catalogue, arrivals: Iterable[Arrival]) -> Mapping[str, Item]:
    """The items of the ids that are asked for, by id, of those that exist by now."""
    return catalogue.get_many([arrival.first.id for arrival in arrivals])


def _existing(there: Mapping[str, Item], arrival: Arrival) -> Added | Refusal | None:
    """What is answered where an item of this id is there already."""
    new = arrival.first
    item = there.get(new.id)
    if item is None:
        return None
    if item.sha256 != new.sha256:
        return Refusal("item_exists", TAKEN)
    new_attributes = {name: value for name, value in new.attributes.items() if name in arrival.described}
    old_attributes = {name: item.attributes.get(name) for name in new_attributes}
    if new.label not in (None, item.label) or digest_of(old_attributes) != digest_of(new_attributes):
        return Refusal("item_exists", DESCRIBED_OTHERWISE)
    return Added(item, KNOWN)
