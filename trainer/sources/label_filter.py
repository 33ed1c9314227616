"""Which labels of a source have enough pictures to be used."""

from collections import Counter
from collections.abc import Sequence

from trainer.config import SourceConfig
from trainer.errors import SourceError
from trainer.sources.base import Picture


def choose_labels(pictures: Sequence[Picture], config: SourceConfig) -> tuple[list[Picture], list[str]]:
    """The pictures whose label is used, in their order, and a note on each group that is left out.

    First labels with fewer than `min_images` pictures go, then all but the `top_labels` with the most (of equal ones
    the first by alphabet). Pictures without a label stay. Raises SourceError when no picture is left.
    """
    sizes = Counter(picture.label for picture in pictures if picture.label is not None)
    ranked = sorted(sizes, key=lambda label: (-sizes[label], label))
    enough = [label for label in ranked if sizes[label] >= config.min_images]
    kept_labels = {None, *enough[: config.top_labels]}
    selected = [picture for picture in pictures if picture.label in kept_labels]
    if not selected:
        raise SourceError(
            f"No label has {config.min_images} pictures; {ranked[0]} has the most, {sizes[ranked[0]]}. "
            "Lower min_images under [source] in the configuration."
        )
    reasons = {
        f"have fewer than {config.min_images} pictures": ranked[len(enough) :],
        f"are not among the {config.top_labels} with the most pictures": enough[config.top_labels or len(enough) :],
    }
    notes = [
        f"Left out: {len(labels)} of {len(ranked)} labels, which {reason}; {sum(sizes[label] for label in labels)} "
        "pictures."
        for reason, labels in reasons.items()
        if labels
    ]
    return selected, notes
