"""PUT /item: another picture for an item that is there. Blocking.

As when one is added, all that takes long comes first. Under the lock, the new vectors are written before the row, and
the old ones are put back if that fails; a crash in between is mended at the next start, as a vector knows which file it
was made of.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from api.errors import Refusal
from api.items.add import FACE_TAKEN, Vectored, encode, upsert
from api.items.prepare import Arrival, NewItem, arrival_of, encoder_inputs, shows_all_faces, vectors_beside
from api.items.replies import Answer, live_of, once, remember, remembered
from api.items.update import described, discard_pictures, forget_vectors
from api.schemas.items.write import DescriptionBody
from api.schemas.search.answer import ItemAnswer
from api.serving.engine import Engine
from api.serving.snapshot import Snapshot
from api.web.write_headers import Precondition, etag_of
from retrieval.catalogue import Changes, Item
from retrieval.catalogue.facts.people import FACE_GROUP
from retrieval.clusters import Vectors
from retrieval.faces.quality import QUALITY_ATTRIBUTES
from retrieval.vectors.base import Members


def replace_picture(
    engine: Engine,
    item_id: str,
    new: NewItem,
    body: DescriptionBody,
    condition: Precondition,
    changed_by: str | None = None,
) -> Answer:
    """Give an item the picture of `new`, and what `body` says. Raises Refusal, LookalikeError.

    Where every face of a picture is an item, those of the old picture go, and those of the new one come.
    """
    live = live_of(engine)
    if answer := remembered(live.catalogue, new.ticket):
        return answer
    condition.check(live.catalogue.get(item_id))  # before anything that takes long
    arrival = arrival_of(live, new)
    vectors = encode(engine, live, [(arrival, encoder_inputs(live, arrival))])
    live.pictures.keep(arrival.first.location, arrival.data)
    return once(engine, new.ticket, lambda: _replace(engine, arrival, vectors, body, condition, changed_by))


def _replace(
    engine: Engine,
    arrival: Arrival,
    vectors: Vectored,
    body: DescriptionBody,
    condition: Precondition,
    changed_by: str | None,
) -> Answer:
    with engine.writing:
        live = live_of(engine)
        vectors_before: list[tuple[Snapshot, Members]] = []
        try:
            with live.catalogue.writing() as rows:
                old = rows.get(arrival.first.id)
                condition.check(old)
                before = [old, *_other_faces(live, old)]
                after = {item.id: _successor(old, item, body) for item in arrival.items}
                answer = Answer(200, ItemAnswer.of(after[old.id]).model_dump_json(), etag_of(after[old.id]))
                _exchange(rows, before, after)
                rows.history.add(old, after[old.id], changed_by)
                remember(rows, arrival.ticket, answer)
                live.pictures.keep(arrival.first.location, arrival.data)
                for snapshot in engine.loaded:
                    if snapshot.id not in vectors:  # it was loaded meanwhile
                        vectors[snapshot.id] = vectors_beside(snapshot, [arrival])
                    vectors_before.append((snapshot, snapshot.store.get_many([item.id for item in before])))
                    _rewrite(snapshot, before, after, vectors[snapshot.id])
        except BaseException:
            for snapshot, members in vectors_before:
                _put_back(snapshot, members, old, after)
            raise
        forget_vectors(engine, [item.id for item in before if item.id not in after])
        discard_pictures(engine, {old.location})
    return answer


def _other_faces(live: Snapshot, item: Item) -> list[Item]:
    """The further faces of an item's picture, which are items of their own."""
    faces: list[Item] = []
    while shows_all_faces(live):
        face_id = f"{item.id}#{len(faces) + 2}"
        face = live.catalogue.get_many([face_id]).get(face_id)
        if face is None or face.sha256 != item.sha256:
            break
        faces.append(face)
    return faces


def _successor(old: Item, new: Item, body: DescriptionBody) -> Item:
    """The new item, with what is known of the old one and is not said anew; but not what was seen in its picture.

    That is the quality of its face, which is measured again, and the group that the face was in.
    """
    fields = described(old, body)
    new_values = body.attributes
    seen = {*QUALITY_ATTRIBUTES, *(() if new.sha256 == old.sha256 else [FACE_GROUP])}
    attributes = {name: value for name, value in fields.attributes.items() if name in new_values or name not in seen}
    measured = {
        name: value for name, value in new.attributes.items() if name in QUALITY_ATTRIBUTES and name not in new_values
    }
    return replace(new, label=fields.label, attributes={**attributes, **measured}, created=old.created)


def _exchange(rows: Changes, before: Sequence[Item], after: Mapping[str, Item]) -> None:
    """Raises Refusal, which undoes it, where the id of a further face is taken."""
    rows.delete([item.id for item in before])
    if rows.insert(list(after.values())) != after.keys():
        raise Refusal("item_exists", FACE_TAKEN)


def _rewrite(
    snapshot: Snapshot, before: Sequence[Item], after: Mapping[str, Item], vectors: Mapping[str, Vectors]
) -> None:
    """Write the new vectors. Where a bundle cannot embed the new picture, the old one is not found by it either."""
    upsert(snapshot, after, vectors)
    snapshot.store.delete([item.id for item in before if item.id in after and item.id not in vectors])


def _put_back(snapshot: Snapshot, members: Members, old: Item, after: Collection[str]) -> None:
    """The vectors as they were before."""
    snapshot.store.delete([item_id for item_id in after if item_id not in members.ids])
    if members.ids:
        snapshot.store.upsert(members.ids, members.vectors, [old.sha256] * len(members.ids))
