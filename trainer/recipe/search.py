"""The search for a recipe: from cheap to dear, each question asked of the choices that the one before has left.

Successive halving (Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
https://arxiv.org/abs/1502.07943): many choices are compared on few pictures, the better half of them and their
variations on more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.config import Config
from trainer.data.split import TEST, number_labels, split
from trainer.progress import Listener
from trainer.recipe import choices, questions
from trainer.recipe.budget import Budget
from trainer.recipe.choices import DIMS, MAX_COST, Choice, Preset
from trainer.recipe.judge import Verdict, judge, untuned
from trainer.recipe.passes import Passes
from trainer.sources.base import Picture

RUNGS: Sequence[tuple[int, Callable[[Choice], Iterator[Choice]] | None]] = (
    (400, None),
    (800, choices.encoders),
    (1_600, choices.refinements),
    (3_200, None),
)
"""Pictures that choices are compared on, and which variations of those that are left join in."""
NEGLIGIBLE = 0.002  # mAP
SURVIVOR_COUNTS = (3, 2, 2, 1)
"""Choices that a rung leaves."""
RUNG_SHARE = 0.5
"""Of the time that is left, what one choice may take for a rung, and the gallery of the winner at most."""
RUN_SHARE = 1.3
"""What the run takes for each second of its gallery's passes: clusters, calibration and measures come with it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One choice on one rung: how it was judged, or why it was not."""

    choice: Choice
    pictures: int
    verdict: Verdict | None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The winner with its last verdict, and everything that was tried, in order."""

    choice: Choice
    verdict: Verdict
    trials: Sequence[Trial]


def search(
    pictures: Sequence[Picture], config: Config, preset: Preset, passes: Passes, budget: Budget, listener: Listener
) -> Outcome | None:
    """The best choice that the budget allows, for pictures that have labels. None where nothing could be judged."""
    parts = split(pictures, config.split, config.seed)
    usable = [picture for picture, part in zip(pictures, parts, strict=True) if part != TEST and picture.label]
    passes.pictures = in_random_order(usable, config.seed)
    survivors, trials = list(choices.looks()), []
    best: Trial | None = None
    for (count, variations), survivor_count in zip(RUNGS, SURVIVOR_COUNTS, strict=True):
        if variations is not None:
            survivors += [new for choice in survivors for new in variations(choice) if new.cost <= MAX_COST[preset]]
        several, size = list(dict.fromkeys(survivors)), min(count, len(usable))
        rung = _rung(several, size, config, preset, passes, budget, listener, len(pictures))
        trials += rung
        judged = sorted((trial for trial in rung if trial.verdict), key=_merit, reverse=True)
        if not judged:
            break
        best = cheapest_equal(judged)
        survivors = list(dict.fromkeys([best.choice, *(trial.choice for trial in judged[:survivor_count])]))[
            :survivor_count
        ]
        if budget.left <= 0 or (count >= len(usable) and variations is choices.refinements):
            break
    return None if best is None or best.verdict is None else Outcome(best.choice, best.verdict, trials)


def in_random_order(pictures: Sequence[Picture], seed: int) -> list[Picture]:
    """The pictures so that the first of them are a fair sample: label after label, each in random order."""
    order = np.random.default_rng(seed).permutation(len(pictures))
    turns: dict[str | None, int] = {}
    keyed = []
    for place, index in enumerate(order):
        label = pictures[index].label
        turns[label] = turns.get(label, -1) + 1
        keyed.append((turns[label] // PER_TURN, place, index))
    return [pictures[index] for _turn, _place, index in sorted(keyed)]


PER_TURN = 6
"""Pictures of a label that come before any label's next ones."""


def cheapest_equal(judged: Sequence[Trial]) -> Trial:
    """The cheapest of those that lie as near to the first, which is the best, as makes no difference to people."""
    limit = _merit(judged[0]) - NEGLIGIBLE
    equal = [trial for trial in judged if _merit(trial) >= limit]
    return min(equal, key=lambda trial: (trial.choice.cost, -_merit(trial)))


def _merit(trial: Trial) -> float:
    return trial.verdict.score if trial.verdict else -1.0


def _rung(
    several: Sequence[Choice],
    count: int,
    config: Config,
    preset: Preset,
    passes: Passes,
    budget: Budget,
    listener: Listener,
    gallery: int,
) -> list[Trial]:
    trials: list[Trial] = []
    draws: list[questions.Draw] | None = None
    reference: dict[questions.Name, float] | None = None
    with listener.step(f"Comparing on {count} pictures") as progress:
        for choice in sorted(several, key=lambda one: one.cost):
            seconds = passes.seconds(choice, count)
            rest = RUN_SHARE * choice.cost * passes.unit_seconds * gallery
            if not budget.allows(seconds / RUNG_SHARE + rest):
                trials.append(Trial(choice, count, None, "would not end in time"))
                continue
            features = passes.embeddings(choice, count, progress)
            if features is None:
                trials.append(Trial(choice, count, None, "the time was over"))
                continue
            files = passes.files[: len(features)]
            labels = number_labels([file.picture.label for file in files])
            if draws is None:
                sides = _sides([file.picture for file in files], features, config)
                draws = questions.draws(labels, *sides, config.seed)
                if config.split.by == "label":  # then new labels are what matters
                    draws = [draw for draw in draws if draw.name == "new"]
                plain = passes.embeddings(next(iter(choices.looks())), count, progress)
                reference = None if plain is None else untuned(plain, labels, draws)
            if not draws:
                trials.append(Trial(choice, count, None, "too few labels to hold any out"))
                break
            thorough = len(several) <= max(SURVIVOR_COUNTS)
            dims = DIMS[preset]
            verdict = judge(features, labels, draws, thorough=thorough, max_dims=dims, reference=reference)
            trials.append(Trial(choice, len(files), verdict))
    return trials


def _sides(
    pictures: Sequence[Picture], features: NDArray[np.float32], config: Config
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """The publisher's parts, if these say what is held out; and which pictures must not stand on both sides."""
    parts = np.zeros(len(pictures), np.int8)
    if config.split.by == "publisher":
        parts = split(pictures, config.split, config.seed)
    if config.split.by == "column" and config.split.column is not None:
        values = [str(picture.attributes.get(config.split.column, picture.id)) for picture in pictures]
        return parts, np.unique(values, return_inverse=True)[1].astype(np.int64)
    return parts, questions.copies(features)
