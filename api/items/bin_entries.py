"""The bin: deleted items are listed, restored, or deleted for good. Blocking.

A restored item is encoded again, for the bundles that are loaded now, and is then as it was: with its id, label,
attributes, picture and the time when it was created.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

from api.errors import Code, Refusal
from api.items.add import upsert
from api.items.prepare import Arrival, vectors_beside
from api.items.replies import Answer, Ticket, live_of, once, remember
from api.items.update import discard_pictures, places_of
from api.links import link
from api.schemas.items.bin import BinAnswer, BinEntryAnswer, EntriesBody, EntriesDeletedAnswer, RestoredAnswer
from api.serving.batch_encoder import TOGETHER
from api.serving.engine import Engine
from api.serving.snapshot import Snapshot
from retrieval.catalogue import BinEntry, Changes, Item, oldest
from retrieval.clusters import Vectors
from retrieval.errors import PictureMissing

NOT_RESTORED = "Nothing was restored."
NOT_DELETED = "Nothing was deleted."
MISSING = "there is no such entry in the bin; GET /bin lists them."
TAKEN = "there is an item of this id again; delete that one first."
UNREADABLE = "its picture is gone, or was changed where it lies; add the picture again."


def list_bin(snapshot: Snapshot, days: int, limit: int, cursor: str | None) -> BinAnswer:
    """Some entries, the latest first, and how many there are in all."""
    since = oldest(days)
    entries = snapshot.catalogue.bin.listed(since=since, limit=limit + 1, before=cursor)
    page = entries[:limit]
    further = {"limit": limit, "cursor": page[-1].name} if len(entries) > limit else None
    return BinAnswer(
        entries=[BinEntryAnswer.of(entry, days) for entry in page],
        total=snapshot.catalogue.bin.count(since),
        days=days,
        next=link("/bin", further) if further else None,
    )


def entry_of(snapshot: Snapshot, days: int, name: str) -> BinEntry:
    """One entry. Raises Refusal (entry_missing)."""
    entry = snapshot.catalogue.bin.get_many([name], since=oldest(days)).get(name)
    if entry is None:
        raise Refusal("entry_missing")
    return entry


def restore(engine: Engine, body: EntriesBody, ticket: Ticket | None = None) -> Answer:
    """Make the items of some entries exist again, all of them or none. Raises Refusal, which says of which it fails."""

    def change() -> Answer:
        live = live_of(engine)
        entries = _entries(live, engine.bin_days, body, NOT_RESTORED)
        items = {entry.item.id: entry.item for entry in entries}
        if len(items) < len(entries):
            raise Refusal("invalid_parameter", f"entries: two of them are of one id. {NOT_RESTORED}")
        vectors = {snapshot.id: _vectors(snapshot, body, entries) for snapshot in engine.loaded}
        answer = Answer(200, RestoredAnswer(restored=len(entries)).model_dump_json())
        with engine.writing, live.catalogue.writing() as rows:
            added = rows.insert(list(items.values()))  # before the bin changes: all lock the tables in this order
            _refuse(body, [id_ not in added for id_ in items], "item_exists", f"{TAKEN} {NOT_RESTORED}")
            removed_ids = {item.id for item in rows.bin.take([entry.name for entry in entries])}
            _refuse(body, [id_ not in removed_ids for id_ in items], "entry_missing", f"{MISSING} {NOT_RESTORED}")
            remember(rows, ticket, answer)
            for snapshot in engine.loaded:
                if snapshot.id not in vectors:  # it was loaded meanwhile
                    vectors[snapshot.id] = _vectors(snapshot, body, entries)
                upsert(snapshot, items, vectors[snapshot.id])
        return answer

    return once(engine, ticket, change)


def delete_entries(engine: Engine, body: EntriesBody, ticket: Ticket | None = None) -> Answer:
    """Delete some entries for good, all of them or none. Raises Refusal."""

    def take(rows: Changes) -> list[Item]:
        names = [entry.name for entry in _entries(live_of(engine), engine.bin_days, body, NOT_DELETED)]
        entries = rows.bin.take(names)
        if len(entries) < len(names):  # another request was faster; undoes it
            raise Refusal("entry_missing", f"{MISSING} {NOT_DELETED}")
        return entries

    return _delete(engine, take, ticket)


def empty(engine: Engine, ticket: Ticket | None = None) -> Answer:
    """Delete all entries for good. Raises Refusal."""
    return _delete(engine, lambda rows: rows.bin.take_all(), ticket)


def _delete(engine: Engine, take: Callable[[Changes], list[Item]], ticket: Ticket | None) -> Answer:
    def change() -> Answer:
        with engine.writing:
            with live_of(engine).catalogue.writing() as rows:
                entries = take(rows)
                answer = Answer(200, EntriesDeletedAnswer(deleted=len(entries)).model_dump_json())
                remember(rows, ticket, answer)
            discard_pictures(engine, {item.location for item in entries})
        return answer

    return once(engine, ticket, change)


def _entries(snapshot: Snapshot, days: int, body: EntriesBody, outcome: str) -> list[BinEntry]:
    """The entries that a body names, in its order. Raises Refusal (entry_missing); `outcome` says what is not done."""
    bin_, since = snapshot.catalogue.bin, oldest(days)
    entries_by_name = (
        bin_.get_many(body.named, since=since) if body.ids is None else bin_.of_items(body.named, since=since)
    )
    _refuse(body, [name not in entries_by_name for name in body.named], "entry_missing", f"{MISSING} {outcome}")
    return [entries_by_name[name] for name in body.named]


def _vectors(snapshot: Snapshot, body: EntriesBody, entries: Sequence[BinEntry]) -> dict[str, Vectors]:
    """By item id, the vectors under a bundle; without items that it cannot embed. Raises Refusal (picture_missing)."""
    vectors: dict[str, Vectors] = {}
    for start in range(0, len(entries), TOGETHER):
        items = [entry.item for entry in entries[start : start + TOGETHER]]
        pictures = [_picture(snapshot, item) for item in items]
        unreadable = [False] * start + [picture is None for picture in pictures]
        _refuse(body, unreadable, "picture_missing", f"{UNREADABLE} {NOT_RESTORED}")
        arrivals = [Arrival(data or b"", (item,), None) for item, data in zip(items, pictures, strict=True)]
        vectors |= vectors_beside(snapshot, arrivals)
    return vectors


def _picture(snapshot: Snapshot, item: Item) -> bytes | None:
    """The file of a deleted item; None where it is gone or another one by now."""
    try:
        data = snapshot.picture(item)
    except PictureMissing:
        return None
    return data if sha256(data).hexdigest() == item.sha256 else None


def _refuse(body: EntriesBody, faults: Sequence[bool], code: Code, why: str) -> None:
    """Raises Refusal where there is a fault; names the places of the first ones in the list of the body."""
    if any(faults):
        raise Refusal(code, f"{places_of(body.field, faults)}: {why}")
