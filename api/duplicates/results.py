"""From what was found to what is shown of it: without what was dismissed, with what is known of each item."""

from collections.abc import Mapping
from urllib.parse import urlencode

import numpy as np

from api.duplicates.schemas import DuplicatesAnswer, GroupAnswer
from api.duplicates.search import Result, Tier
from api.errors import Refusal
from api.schemas.search_answer import ItemAnswer
from api.serving.snapshot import Snapshot
from retrieval.clusters import cosines_of, lengths_of
from retrieval.duplicates.groups import Group, group

UNCALIBRATED = "The model served is not calibrated, so it cannot say which pictures surely show the same thing."

Apart = Mapping[str, frozenset[str]]
"""For each item the dismissals that it is in."""


def show(
    snapshot: Snapshot, result: Result, apart: Apart, *, tier: Tier, offset: int, limit: int, stale: bool
) -> DuplicatesAnswer:
    """A page of a tier's groups. Raises Refusal (unsupported_by_model) for what the bundle cannot tell."""
    if tier == "same_thing" and result.curve is None:
        raise Refusal("unsupported_by_model", UNCALIBRATED)
    groups = [members for rows in result.groups[tier] for members in divided(result, rows, apart)]
    further = {"tier": tier, "offset": offset + limit, "limit": limit}
    return DuplicatesAnswer(
        stale=stale,
        found_at=result.found_at,
        unreadable=result.unreadable,
        tier=tier,
        total_groups=len(groups),
        groups=_groups(snapshot, result, tier, groups[offset : offset + limit]),
        next=f"/duplicates?{urlencode(further)}" if offset + limit < len(groups) else None,
    )


def divided(result: Result, rows: tuple[int, ...], apart: Apart) -> list[tuple[int, ...]]:
    """A group without what was dismissed: in parts, of which none has two members that are not to be together.

    Each member goes to the first part that will have it; parts of one member are no groups.
    """
    parts: list[tuple[list[int], set[str]]] = []
    for row in rows:
        own = apart.get(result.ids[row], frozenset())
        for members, taken in parts:
            if not own & taken:
                members.append(row)
                taken.update(own)
                break
        else:
            parts.append(([row], set(own)))
    return [tuple(members) for members, _ in parts if len(members) > 1]


def _groups(snapshot: Snapshot, result: Result, tier: Tier, rows_by_group: list[tuple[int, ...]]) -> list[GroupAnswer]:
    """Without items that have gone since; a group that has lost all but one is left out."""
    items = snapshot.catalogue.get_many([result.ids[row] for members in rows_by_group for row in members])
    answers = []
    for members in rows_by_group:
        there = tuple(row for row in members if result.ids[row] in items)
        if len(there) < 2:
            continue
        best = group(there, result.sketches)
        answers.append(
            GroupAnswer(
                keep=result.ids[best.keep],
                why=best.why,
                members=[ItemAnswer.of(items[result.ids[row]]) for row in there],
                probability=_probability(result, best) if tier == "same_thing" else None,
            )
        )
    return answers


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
