"""What the command line shows: steps with progress on standard error, tables on standard output."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from trainer.jobs.progress import tell_worker

if TYPE_CHECKING:
    from trainer.evaluation.metrics import Scores
    from trainer.progress import Epoch, Watch
    from trainer.sources.base import Skipped

MAX_SKIPPED_SHOWN = 20

# Paths may hold bytes that are no text: they are shown escaped. Descriptors of their own: see silenced.
out = Console(file=os.fdopen(os.dup(1), "w", errors="backslashreplace"))
err = Console(file=os.fdopen(os.dup(2), "w", errors="backslashreplace"))


@contextmanager
def silenced() -> Iterator[None]:
    """Keep standard error quiet while TensorFlow loads: its C++ part writes notes there that nothing else turns off."""
    stderr_copy, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr_copy, 2)
        os.close(stderr_copy)
        os.close(nowhere)


class Display:
    """Shows a pipeline's steps as progress bars on standard error, so that standard output stays clean."""

    def __init__(self, watch: "Watch | None" = None) -> None:
        self._watch = watch

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[int, int], None]]:
        columns = (
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=err) as bar:
            task = bar.add_task(title, total=None)
            tell_worker(title, 0, 0)

            def progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)
                tell_worker(title, done, total)

            yield progress
            length = bar.tasks[0].total or 1
            bar.update(task, completed=length, total=length)

    def note(self, text: str) -> None:
        err.print(f"  {text}", style="dim", highlight=False, soft_wrap=True)

    def epoch(self, epoch: "Epoch") -> None:
        if self._watch:
            self._watch(epoch)


def scores_table(scores: "Mapping[str, Scores]", title: str) -> Table:
    table = Table("", "P@1", "P@10", "R@10", "mAP", "MAP@R", "queries", title=title, title_justify="left")
    if any(measured.intervals for measured in scores.values()):
        table.caption = "In brackets: the 95 % interval, by bootstrap over labels"
    for name, measured in scores.items():
        names = ("precision_at_1", "precision_at_10", "recall_at_10", "map", "map_at_r")
        table.add_row(name, *(_with_interval(measured, each) for each in names), str(measured.queries))
    return table


def _with_interval(measured: "Scores", name: str) -> str:
    """0.731 [0.69, 0.77]"""
    interval = measured.intervals.get(name)
    ends = f" [{interval.low:.2f}, {interval.high:.2f}]" if interval else ""
    return f"{getattr(measured, name):.3f}{ends}"


def skipped_table(skipped: "Sequence[Skipped]", listed_in: Path | None = None) -> Table:
    title = "1 picture was skipped" if len(skipped) == 1 else f"{len(skipped):,} pictures were skipped"
    table = Table("picture", "reason", title=title, title_justify="left")
    for entry in skipped[:MAX_SKIPPED_SHOWN]:
        table.add_row(Text(entry.place), Text(entry.reason))
    if len(skipped) > MAX_SKIPPED_SHOWN:
        table.add_row("…", Text(f"all of them: {listed_in}" if listed_in else "and so on"))
    return table
