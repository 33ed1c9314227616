"""What the tests of comparisons share: made-up rows, a folder for each label, a listener that remembers."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.bundles import picture
from trainer.compare.plan import Failure
from trainer.compare.results import Comparison, MeasuredOn, Row
from trainer.evaluation.metrics import AtK, Distances
from trainer.evaluation.results import Interval
from trainer.progress import Epoch, Progress

ODD = "finetune <i>&amp;" if os.name == "posix" else "finetune"  # a name that must not become part of the page


@dataclass
class Quiet:
    """Keeps what it is told; `stop_at` is a step at which somebody presses Ctrl-C."""

    notes: list[str] = field(default_factory=list)
    stop_at: str | None = None

    @contextmanager
    def step(self, title: str) -> Iterator[Progress]:
        if title == self.stop_at:
            raise KeyboardInterrupt
        yield lambda _done, _total: None

    def note(self, text: str) -> None:
        self.notes.append(text)

    def epoch(self, epoch: Epoch) -> None:
        pass


def row(name: str, *, tuned: bool = True, history: Sequence[Epoch] = (), **changes: Any) -> Row:
    """A row of made-up figures."""
    made = Row(
        configuration=name,
        tuned=tuned,
        encoder="siamese",
        stage="head",
        precision="float32",
        bundle="b",
        artifacts="a",
        measured_on=MeasuredOn("by image", 0, 10, 0, 40, False, "same"),
        at=tuple(AtK(k, 0.5, 0.5, 0.5, 0.5) for k in (1, 5, 10)),
        map=0.5,
        map_at_r=0.5,
        hits=Distances(0.1, 0.2, 3),
        misses=None,
        intervals={},
        query_milliseconds={1: 1.0, 10: 1.0, 100: 1.0},
        parameters=1_000_000,
        encoder_bytes=4_000_000,
        training_seconds=1.0,
        losses={epoch.stage: "triplet" for epoch in history},
        history=tuple(history),
        versions={"numpy": "2"},
    )
    return replace(made, **changes)


def comparison() -> Comparison:
    """Two configurations before and after tuning, and two that failed."""
    epochs = {
        stage: [Epoch(stage, number, 1 / (number + 1), None, None, number / 10) for number in range(4)]
        for stage in ("head", "finetune")
    }
    measured_on = MeasuredOn("by image, a share of 0.2", 0, 12, 0, 36, False, "same")
    intervals = {"map": Interval(0.62, 0.55, 0.71)}
    rows = [
        row("head", tuned=False, map=0.41, stage="frozen"),
        row("head", map=0.62, history=epochs["head"], intervals=intervals),
        row(ODD, tuned=False, map=0.41, stage="frozen"),
        row(ODD, map=0.58, stage="finetune", history=epochs["finetune"]),
    ]
    failures = (
        Failure("unreachable", "There is no weights file nowhere.h5."),
        Failure("absent", "There is no configuration absent.toml."),
    )
    rows = [replace(each, measured_on=measured_on) for each in rows]
    return Comparison("/shop/pottery.csv", datetime(2026, 11, 22, tzinfo=UTC), tuple(rows), failures)


def shelves(folder: Path, *, labels: int, pictures: int) -> Path:
    """A folder with a folder of pictures for each label."""
    for label in range(labels):
        (folder / f"label {label}").mkdir(parents=True)
        for number in range(pictures):
            (folder / f"label {label}" / f"{number}.jpg").write_bytes(picture(100 * label + number))
    return folder
