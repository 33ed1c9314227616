"""GET /groups: people by label, or by group where nobody has named them yet. Blocking."""

from typing import Literal, TypeAlias

from api.errors import Refusal
from api.links import link, read_cursor, write_cursor
from api.schemas.clusters import PeopleAnswer, PersonAnswer
from api.search.faces import NO_FACES
from api.serving.snapshot import Snapshot
from retrieval.catalogue.facts.people import BY_GROUP, BY_LABEL, PeoplePlace
from retrieval.catalogue.ordering import is_comparable
from retrieval.filters import LARGEST

PeopleKind: TypeAlias = Literal["label", "group"]
KINDS: dict[PeopleKind | None, tuple[int, ...]] = {
    None: (BY_LABEL, BY_GROUP),
    "label": (BY_LABEL,),
    "group": (BY_GROUP,),
}
NOT_OURS = "cursor: not one that this server wrote; begin again without it."


def list_people(snapshot: Snapshot, kind: PeopleKind | None, limit: int, cursor: str | None) -> PeopleAnswer:
    """A page of people, how many there are in all, and where the next page is. Raises Refusal."""
    if snapshot.bundle.manifest.faces is None:
        raise Refusal("unsupported_by_model", NO_FACES)
    after = None if cursor is None else _place(cursor)
    rows, total = snapshot.catalogue.people(KINDS[kind], limit=limit + 1, after=after)
    page = rows[:limit]
    next_link = next_cursor = None
    if len(rows) > limit:
        next_cursor = write_cursor(list(page[-1][1]))
        fields = {"kind": kind, "limit": limit, "cursor": next_cursor}
        next_link = link("/groups", {name: value for name, value in fields.items() if value})
    people = [
        PersonAnswer(label=person.label, group=person.group, count=person.count, sample=list(person.sample))
        for person, _ in page
    ]
    return PeopleAnswer(people=people, total=total, next=next_link, next_cursor=next_cursor)


def _place(cursor: str) -> PeoplePlace:
    try:
        count, kind, key = read_cursor(cursor)
    except (ValueError, TypeError) as error:
        raise Refusal("invalid_parameter", NOT_OURS) from error
    if not (
        type(count) is int
        and 0 <= count <= LARGEST
        and kind in KINDS[None]
        and isinstance(key, str)
        and is_comparable(key)
    ):
        raise Refusal("invalid_parameter", NOT_OURS)
    return PeoplePlace(count, kind, key)
