"""`python -m trainer ...`: the only place in the trainer that prints.

TensorFlow takes seconds to import, so each command imports what it needs when it runs.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from retrieval.errors import LookalikeError

if TYPE_CHECKING:
    from trainer.metrics import Scores
    from trainer.sources.base import Skipped

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's information lines would tear the progress bar

MOST_SKIPPED_SHOWN = 20
INTERRUPTED = 130  # what Typer makes of Ctrl-C

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")
# Paths may hold bytes that are no text: they are shown escaped. Descriptors of their own: see _silenced.
out = Console(file=os.fdopen(os.dup(1), "w", errors="backslashreplace"))
err = Console(file=os.fdopen(os.dup(2), "w", errors="backslashreplace"))

Artifacts = Annotated[Path, typer.Option(help="Folder that bundles, vectors and catalogue live in.")]


class Metric(StrEnum):
    """The two measures, as words of the command line."""

    cosine = "cosine"
    euclidean = "euclidean"


@app.callback()
def describe() -> None:
    """Tune an encoder on your pictures, and publish it for search."""


@app.command()
def run(
    source: Annotated[str, typer.Option(help="A folder, a CSV file, or the word pottery (a generated demo).")],
    config: Annotated[Path | None, typer.Option(help="TOML file; trainer/configs/demo.toml if absent.")] = None,
    artifacts: Artifacts = Path("artifacts"),
) -> None:
    """Train on a source of pictures and publish the result.

    Example: `python -m trainer run --source ~/Pictures/shoes --config trainer/configs/demo.toml`
    """
    from trainer.config import CONFIGS, load_config

    settings = load_config(config or CONFIGS / "demo.toml")
    display = _Display()
    with display.step("Loading TensorFlow"), _silenced():
        from trainer import pipeline
    outcome = pipeline.run(source, settings, artifacts, display)
    if outcome.skipped:
        out.print(_skipped_table(outcome.skipped, outcome.skipped_csv))
    if outcome.scores:
        out.print(_scores_table(outcome.scores, "On held-out pictures of this source"))
    out.print(f"Published bundle [bold]{outcome.bundle_id}[/] with {outcome.items} items in", Text(f"{artifacts}."))
    out.print("An API that is running serves it once it is restarted.", style="dim")


@app.command()
def evaluate(
    queries: Annotated[str, typer.Option(help="Labelled pictures to search with: a folder or a CSV.")],
    gallery: Annotated[
        str | None, typer.Option(help="Labelled pictures to search in; the catalogue if absent.")
    ] = None,
    artifacts: Artifacts = Path("artifacts"),
    metric: Annotated[Metric, typer.Option(help="What near means.")] = Metric.cosine,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure the published bundle on labelled pictures.

    Example: `python -m trainer evaluate --queries shoes/test --gallery shoes/train --json`
    """
    from trainer.evaluate import evaluate as measure

    with _Display().step("Embedding pictures") as progress:
        result = measure(artifacts, queries, gallery, metric.value, progress)
    if as_json:
        fields = asdict(result.scores) | {
            "bundle": result.bundle_id,
            "metric": result.metric,
            "gallery": result.gallery,
            "query_milliseconds": result.query_milliseconds,
            "skipped": len(result.skipped),
        }
        out.print(json.dumps(fields, indent=2), markup=False, highlight=False, soft_wrap=True)
        return
    out.print(_scores_table({result.bundle_id: result.scores}, f"Gallery of {result.gallery}, by {result.metric}"))
    out.print(f"A query takes {result.query_milliseconds:.1f} ms (median of decoding, encoding and searching).")
    if result.skipped:
        out.print(_skipped_table(result.skipped))


@app.command()
def search(
    picture: Annotated[Path, typer.Argument(help="The picture to search with.")],
    artifacts: Artifacts = Path("artifacts"),
    k: Annotated[int, typer.Option(min=1, max=1000, help="Hits to show.")] = 10,
    metric: Annotated[Metric, typer.Option(help="What near means.")] = Metric.cosine,
) -> None:
    """Search the catalogue with one picture.

    Example: `python -m trainer search photo.jpg --k 5`
    """
    from trainer.lookup import search_picture

    result = search_picture(artifacts, picture, k, metric.value)
    table = Table("rank", "label", "cosine", "distance", "picture", box=None)
    for rank, (item, cosine, distance) in enumerate(result.hits, start=1):
        table.add_row(str(rank), Text(item.label or ""), f"{cosine:.3f}", f"{distance:.3f}", Text(item.location))
    out.print(table)
    certainty = "exact" if result.exact else "approximate"
    out.print(
        f"{certainty}, opened {result.clusters_opened} of {result.clusters_total} clusters, bundle {result.bundle_id}"
    )


@app.command()
def verify(folder: Annotated[Path, typer.Argument(help="A folder below artifacts/bundles.")]) -> None:
    """Check a bundle whole: every file against its checksum, and that it loads.

    Example: `python -m trainer verify artifacts/bundles/20261122-171500-ab12`
    """
    from retrieval import bundle

    manifest = bundle.verify(folder)
    out.print(f"Bundle {manifest.id} is whole: {len(manifest.files)} files, format {manifest.format_version}.")


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep standard error quiet while TensorFlow loads: its C++ part writes notes there that nothing else turns off."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class _Display:
    """Shows a pipeline's steps as progress bars on standard error, so that standard output stays clean."""

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
            yield lambda done, total: bar.update(task, completed=done, total=total)
            known = bar.tasks[0].total or 1
            bar.update(task, completed=known, total=known)

    def note(self, text: str) -> None:
        err.print(f"  {text}", style="dim")


def _scores_table(scores: "Mapping[str, Scores]", title: str) -> Table:
    table = Table("", "P@1", "P@10", "R@10", "mAP", "MAP@R", "queries", title=title, title_justify="left")
    for name, measured in scores.items():
        values = (
            measured.precision_at_1,
            measured.precision_at_10,
            measured.recall_at_10,
            measured.map,
            measured.map_at_r,
        )
        table.add_row(name, *(f"{value:.3f}" for value in values), str(measured.queries))
    return table


def _skipped_table(skipped: "Sequence[Skipped]", listed_in: Path | None = None) -> Table:
    table = Table("picture", "reason", title=f"{len(skipped)} pictures were skipped", title_justify="left")
    for entry in skipped[:MOST_SKIPPED_SHOWN]:
        table.add_row(Text(entry.place), Text(entry.reason))
    if len(skipped) > MOST_SKIPPED_SHOWN:
        table.add_row("…", Text(f"all of them: {listed_in}" if listed_in else "and so on"))
    return table


def main() -> None:
    """Run the command line. What a user can mend ends as one line on standard error and exit code 1."""
    try:
        app()
    except (LookalikeError, OSError, sqlite3.Error) as error:
        said = str(error) if isinstance(error, LookalikeError) else f"{type(error).__name__}: {error}"
        err.print("[red]Error:[/]", Text(said), highlight=False, soft_wrap=True)
        sys.exit(1)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            err.print("Stopped. What was computed is kept: the same command goes on from here.")
        raise
