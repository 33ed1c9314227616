"""How a report begins: what the bundle is worth in one sentence for each protocol, and what there is to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.evaluation.results import Protocol
from trainer.health.findings import Copies, Health

NEW_PICTURES = {
    "known labels": "new pictures of known labels",
    "new labels": "pictures of labels never seen in training",
}


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do, such as "6 labels", and the section of the report that shows which."""

    text: str
    section: str


def sentences(protocols: Sequence[Protocol]) -> list[str]:
    """One sentence for each protocol that measured the first match."""
    return [
        f"Of 100 {NEW_PICTURES[protocol.name]}, the first match is right for {_of_100(first.value)}."
        for protocol in protocols
        if (first := protocol.measures.get("precision@1")) is not None
    ]


def _of_100(share: float) -> int:
    """A share 0..1 as a count; all and none only where it is all and none."""
    if share in (0, 1):
        return round(100 * share)
    return min(99, max(1, round(100 * share)))


def tasks(health: Health) -> list[Task]:
    """What is worth doing before training again, the most useful first. Of three that are equal, two are copies."""
    copies = _surplus([*health.identical, *health.same_picture])
    counts = [
        (len(health.wrong_labels), "label", "labels", "wrong-labels"),
        (copies, "copy", "copies", "identical" if health.identical else "same-picture"),
        (len(health.unreadable), "file that cannot be used", "files that cannot be used", "unreadable"),
        (len(health.leaks), "picture on both sides", "pictures on both sides", "leaks"),
    ]
    return [Task(f"{count:,} {one if count == 1 else many}", section) for count, one, many, section in counts if count]


def _surplus(groups: Sequence[Copies]) -> int:
    """How many pictures could go, each counted once, if one of every group is kept."""
    return len({member.id for group in groups for member in group.members if member.id != group.keep.id})
