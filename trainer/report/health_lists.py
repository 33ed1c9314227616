"""The health of the catalogue as lists of pictures, the worst first."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from trainer.health.findings import Copies, Health
from trainer.report.drawing.picture_lists import MAX_CARDS, MAX_GROUPS, Group, PictureList, card, first

THINGS = 6  # groups of the same thing that are shown: a catalogue is full of them


def health_lists(health: Health) -> list[PictureList]:
    """One list for each thing that can be wrong."""
    return [
        PictureList(
            "wrong-labels",
            "Labels that are probably wrong",
            "Pictures whose neighbours have another label, the surest first: below each, the label that its neighbours "
            "suggest and how much surer it is, from 0 to 1. Two labels that are really one show up here, too.",
            "The neighbours of every picture agree with its label.",
            first(
                _singles(
                    (w.picture.path, w.picture.label, f"{w.suggested}? {w.confidence:.2f}") for w in health.wrong_labels
                )
            ),
            len(health.wrong_labels),
            "wrong_labels.csv",
            single=True,
        ),
        _copy_list(
            "identical",
            "Identical files",
            "Files of the same bytes. One of each is enough.",
            "No file is there twice.",
            health.identical,
        ),
        _copy_list(
            "same-picture",
            "The same picture",
            "Different files of one picture: saved anew, resized, mirrored, brightened or a little cropped.",
            "No picture is there twice.",
            health.same_picture,
        ),
        _copy_list(
            "same-thing",
            "The same thing",
            "Other pictures that are almost surely of the same thing, by match probability: no fault, but a choice.",
            "No two pictures are that much alike, or match probabilities are not calibrated.",
            health.same_thing,
            THINGS,
        ),
        PictureList(
            "leaks",
            "Pictures on both sides",
            "Held-out pictures that were trained on, too: they flatter what is measured. Below: the training file.",
            "No held-out picture was trained on.",
            first(_singles((leak.held_out, leak.kind, leak.training.name) for leak in health.leaks)),
            len(health.leaks),
            "leaks.csv",
            single=True,
        ),
        PictureList(
            "outliers",
            "Outliers",
            "Pictures unlike all others, with the distance to the nearest: often not what the catalogue is about.",
            "Every picture has others like it.",
            first(_singles((n.picture.path, n.picture.label, f"{n.distance:.3f}") for n in health.outliers)),
            len(health.outliers),
            "outliers.csv",
            single=True,
        ),
        PictureList(
            "small-labels",
            "Labels with too few pictures",
            "Fewer than three pictures: two to learn from and one to check with. Add some, or join labels.",
            "Every label has three pictures or more.",
            first(
                Group(s.label, (), f"{s.pictures} picture{'s' if s.pictures > 1 else ''}") for s in health.small_labels
            ),
            len(health.small_labels),
            "small_labels.csv",
        ),
        PictureList(
            "unreadable",
            "Pictures that cannot be used",
            "They were left out, for the reason that stands beside each.",
            "Every picture could be read.",
            first(Group(Path(s.place).name, (), s.reason) for s in health.unreadable),
            len(health.unreadable),
            "unreadable.csv",
        ),
    ]


def _copy_list(
    name: str, title: str, how: str, empty: str, groups: Sequence[Copies], most: int = MAX_GROUPS
) -> PictureList:
    first_groups = first((_group(group) for group in groups), most)
    return PictureList(name, title, how, empty, first_groups, len(groups), f"{name.replace('-', '_')}.csv")


def _group(group: Copies) -> Group:
    """The one to keep comes first."""
    others = [member for member in group.members if member.id != group.keep.id]
    cards = [card(group.keep.path, group.keep.label, "keep", "keep")]
    cards += [card(member.path, member.label, member.path.name) for member in others[: MAX_CARDS - 1]]
    return Group("", cards, f"To keep one, keep the first: {group.why}.", max(0, len(others) - MAX_CARDS + 1))


def _singles(pictures: Iterable[tuple[Path, str | None, str]]) -> Iterator[Group]:
    for path, title, note in pictures:
        yield Group("", [card(path, title, note)])
