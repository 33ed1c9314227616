"""From what was found to what is shown of it: without what was dismissed, with what is known of each item."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from api.duplicates.schemas import DismissalAnswer, DismissalsAnswer, DuplicatesAnswer, FileAnswer, GroupAnswer
from api.duplicates.search import Result, Tier
from api.errors import Refusal
from api.links import link
from api.schemas.search.answer import ItemAnswer
from api.serving.snapshot import Snapshot
from retrieval.catalogue import Dismissal, Dismissals, Item
from retrieval.clusters import cosines_of, lengths_of
from retrieval.duplicates.groups import Group, group
from retrieval.duplicates.keeping import ItemFacts

UNCALIBRATED = "The model served is not calibrated, so it cannot say which pictures surely show the same thing."

Labels = Literal["any", "different"]

Dismissed = Mapping[str, Sequence[Dismissal]]
"""By the SHA-256 of a picture the dismissals that it is in."""
Apart = Mapping[str, frozenset[str]]
"""By the id of an item the dismissals that hold for it: no two items that share one are to be together."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which groups are wanted. `labels`: of the same thing, whether those whose members have one label are, too."""

    tier: Tier
    labels: Labels
    offset: int
    limit: int


def by_picture(dismissals: Iterable[Dismissal]) -> Dismissed:
    """The dismissals by the pictures that are in them."""
    dismissed: dict[str, list[Dismissal]] = {}
    for dismissal in dismissals:
        for digest in {member.sha256 for member in dismissal.members}:
            dismissed.setdefault(digest, []).append(dismissal)
    return dismissed


def show(snapshot: Snapshot, result: Result, dismissed: Dismissed, page: Page, *, stale: bool) -> DuplicatesAnswer:
    """A page of a tier's groups. Raises Refusal (unsupported_by_model) for what the bundle cannot tell.

    Only items count that still have the pictures that were compared.
    """
    if page.tier == "same_thing" and result.curve is None:
        raise Refusal("unsupported_by_model", UNCALIBRATED)
    by_tier = {tier: _parts(snapshot, result, dismissed, tier, page.labels) for tier in result.groups}
    groups, end = by_tier[page.tier], page.offset + page.limit
    further: dict[str, str | int] = {"tier": page.tier, "offset": end, "limit": page.limit}
    further |= {"labels": page.labels} if page.labels != "any" else {}
    return DuplicatesAnswer(
        stale=stale,
        found_at=result.found_at,
        unreadable=result.unreadable,
        tier=page.tier,
        total_groups=len(groups),
        totals={
            tier: None if tier == "same_thing" and result.curve is None else len(parts)
            for tier, parts in by_tier.items()
        },
        groups=_groups(snapshot, result, page.tier, groups[page.offset : end]),
        next=link("/duplicates", further) if end < len(groups) else None,
    )


def _parts(
    snapshot: Snapshot, result: Result, dismissed: Dismissed, tier: Tier, labels: Labels
) -> list[tuple[int, ...]]:
    """The groups of a tier without what was dismissed, and without what is gone."""
    rows = [row for members in result.groups[tier] for row in members]
    digests = snapshot.catalogue.digests_of(_ids(result, rows, dismissed))
    there = {row for row in rows if digests.get(result.ids[row]) == result.digests[row]}
    apart = apart_by_id(result, there, dismissed, digests)
    parts = [
        part
        for members in result.groups[tier]
        for part in divided(result, tuple(row for row in members if row in there), apart)
    ]
    return parts if tier != "same_thing" or labels == "any" else _of_different_labels(snapshot, result, parts)


def _of_different_labels(snapshot: Snapshot, result: Result, groups: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The groups whose members do not all have one and the same label."""
    items = snapshot.catalogue.get_many([result.ids[row] for members in groups for row in members])

    def labels_of(members: tuple[int, ...]) -> set[str | None]:
        return {items[result.ids[row]].label for row in members if result.ids[row] in items}

    return [members for members in groups if None in labels_of(members) or len(labels_of(members)) > 1]


def _ids(result: Result, rows: Iterable[int], dismissed: Dismissed) -> list[str]:
    """The items in these rows, and those that their pictures were dismissed as."""
    ids = dict.fromkeys(result.ids[row] for row in rows)
    for digest in {result.digests[row] for row in rows}:
        for dismissal in dismissed.get(digest, ()):
            ids |= dict.fromkeys(member.id for member in dismissal.members)
    return list(ids)


def apart_by_id(result: Result, rows: Iterable[int], dismissed: Dismissed, digests: Mapping[str, str]) -> Apart:
    """The dismissals that hold for the items in these rows; `digests`: of the pictures that all items have now.

    What was said of an item holds as long as it has that picture. Where it has it no more, it holds for whichever item
    has the picture now.
    """
    apart: dict[str, frozenset[str]] = {}
    for row in rows:
        item, digest, names = result.ids[row], result.digests[row], set[str]()
        for dismissal in dismissed.get(digest, ()):
            listed = [member.id for member in dismissal.members if member.sha256 == digest]
            holders = {each for each in listed if digests.get(each) == digest}
            if item in holders or not holders:
                names.add(dismissal.id)
        if names:
            apart[item] = frozenset(names)
    return apart


def divided(result: Result, rows: tuple[int, ...], apart: Apart) -> list[tuple[int, ...]]:
    """A group without what was dismissed: in parts, of which none has two members that are not to be together.

    Each member goes to the first part that will have it; parts of one member are no groups.
    """
    parts: list[tuple[list[int], set[str]]] = []
    for row in rows:
        own = apart.get(result.ids[row], frozenset())
        for members, used_labels in parts:
            if not own & used_labels:
                members.append(row)
                used_labels.update(own)
                break
        else:
            parts.append(([row], set(own)))
    return [tuple(members) for members, _ in parts if len(members) > 1]


def _groups(snapshot: Snapshot, result: Result, tier: Tier, rows_by_group: list[tuple[int, ...]]) -> list[GroupAnswer]:
    """Without items that have gone in this moment; a group that has lost all but one is left out."""
    items = snapshot.catalogue.get_many([result.ids[row] for members in rows_by_group for row in members])
    answers = []
    for members in rows_by_group:
        there = tuple(row for row in members if _is_there(items, result, row))
        if len(there) < 2:
            continue
        item_facts = {row: ItemFacts(result.ids[row], items[result.ids[row]].label is not None) for row in there}
        best = group(there, result.sketches, item_facts)
        answers.append(
            GroupAnswer(
                keep=result.ids[best.keep],
                why=best.why,
                reasons=list(best.reasons),
                members=[ItemAnswer.of(items[result.ids[row]]) for row in there],
                files=[_file(result, row, best.keep) for row in there],
                probability=_probability(result, best) if tier == "same_thing" else None,
            )
        )
    return answers


def _file(result: Result, row: int, keep: int) -> FileAnswer:
    entry = result.sketches[row]
    return FileAnswer(
        id=result.ids[row],
        bytes=entry.size,
        written=None if entry.written is None else datetime.fromtimestamp(entry.written, UTC),
        mirrored=entry.turn != result.sketches[keep].turn,
        lossless=entry.is_lossless,
        camera_data=entry.has_metadata,
        colour_profile=entry.has_profile,
    )


def _is_there(items: Mapping[str, Item], result: Result, row: int) -> bool:
    item = items.get(result.ids[row])
    return item is not None and item.sha256 == result.digests[row]


def _probability(result: Result, best: Group) -> float | None:
    """That the member least like the one to keep shows the same thing; None where one of them has no vector."""
    if result.vectors is None or result.curve is None:
        return None
    vectors = result.vectors[list(best.members)].astype(np.float64)
    best_vector = result.vectors[best.keep].astype(np.float64)
    lengths = lengths_of(vectors) * lengths_of(best_vector[None])
    if not lengths.all():
        return None
    return float(result.curve.probability(1 - cosines_of(vectors @ best_vector, lengths)).min())


def list_dismissals(snapshot: Snapshot, dismissals: Dismissals, *, offset: int, limit: int) -> DismissalsAnswer:
    """Some of what was said, the latest first, with the items that still have the pictures that were meant."""
    page, total = dismissals.listed(offset=offset, limit=limit)
    items = snapshot.catalogue.get_many([member.id for dismissal in page for member in dismissal.members])
    further = {"offset": offset + limit, "limit": limit}
    return DismissalsAnswer(
        dismissals=[_dismissal(dismissal, items) for dismissal in page],
        total=total,
        next=link("/duplicates/dismissed", further) if offset + limit < total else None,
    )


def _dismissal(dismissal: Dismissal, items: Mapping[str, Item]) -> DismissalAnswer:
    pairs = ((items.get(member.id), member.sha256) for member in dismissal.members)
    there = [ItemAnswer.of(item) for item, digest in pairs if item is not None and item.sha256 == digest]
    missing_count = len(dismissal.members) - len(there)
    return DismissalAnswer(id=dismissal.id, created=dismissal.created, items=there, gone=missing_count)
