"""`lookalike embed`: many pictures by the published bundle, without training, on one host or on several."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts, check_published, check_sources
from trainer.commands.terminal.console import Display, out, skipped_table
from trainer.errors import BulkError

MAX_WORKERS = 256


def embed(
    source: Annotated[str, typer.Argument(help="A folder of pictures, a CSV file, or the name of a data set.")],
    artifacts: Artifacts = Path("artifacts"),
    workers: Annotated[int, typer.Option(min=1, max=MAX_WORKERS, help="Processes of this host that embed.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, whose workers embed: tcp://10.0.0.5:8786")
    ] = None,
    shards: Annotated[
        Path | None, typer.Option(help="Folder to keep the embedded pictures in, as Parquet files.", file_okay=False)
    ] = None,
    add: Annotated[bool, typer.Option("--add/--no-add", help="Add the pictures to the catalogue, too.")] = True,
) -> None:
    """Embed a source with the published bundle, and add its pictures to what is searched. Nothing is trained.

    The same command goes on where it was stopped. With --scheduler, all hosts must see the pictures, the artifacts
    folder and the shards by the same paths.

    Example: `lookalike embed ~/Pictures/shoes --workers 4`
    """
    if scheduler is not None and workers != 1:
        raise BulkError("--workers are processes of this host, and --scheduler has workers of its own. Leave one out.")
    if not add and shards is None:
        raise BulkError("With --no-add, nothing would be left of the work. Name a folder to keep it in: --shards out")
    check_sources(source)
    check_published(artifacts)
    from trainer.bulk.embed import embed_source
    from trainer.bulk.workers import Workers

    outcome = embed_source(source, artifacts, Workers(workers, scheduler), Display(), shards=shards, adds=add)
    if outcome.skipped:
        out.print(skipped_table(outcome.skipped))
    embedded = f"{outcome.items:,} items of {outcome.pictures:,} pictures are embedded by bundle {outcome.bundle_id}"
    out.print(embedded, soft_wrap=True)
    if outcome.added is not None:
        out.print(f"{outcome.added.new:,} are new in the catalogue, {outcome.added.existing:,} were there already")
    if shards is not None:
        out.print("Shards:", Text(str(shards)))
    if not outcome.items:
        raise BulkError(f"No picture of {source} can be used, so nothing was embedded.")
