"""`lookalike migrate`: move vectors or items into a database or Milvus, or back into the artifacts folder."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts
from trainer.commands.terminal.console import Display, out

EMBEDDED = "embedded"


def migrate(
    to: Annotated[str, typer.Option(help="A database with pgvector, Milvus, or `embedded` for the artifacts folder.")],
    from_: Annotated[str, typer.Option("--from", help="Where the vectors are, in the same words.")] = EMBEDDED,
    artifacts: Artifacts = Path("artifacts"),
    items: Annotated[
        bool, typer.Option("--items", help="Move the items instead, with their bin, history and feedback.")
    ] = False,
) -> None:
    """Copy the vectors of all bundles to another place, and compare the answers of both. What was stopped goes on.

    With --items, copy the catalogue, all of it or nothing, into an empty database, and compare every row.

    Milvus needs the items in PostgreSQL: LOOKALIKE_CATALOGUE_URL, or the training run that published them, says where.

    Nothing is removed. Set LOOKALIKE_VECTORS_URL or LOOKALIKE_CATALOGUE_URL to the new place afterwards, or remove it
    for `embedded`.

    Example: `lookalike migrate --to postgresql://lookalike@localhost/lookalike`
    """
    from retrieval import bundle
    from retrieval.vectors.stores import vector_stores
    from trainer.errors import SourceError
    from trainer.releases import migrate as migration

    if from_ == to:
        raise SourceError(f"--from and --to are both {to}: name two places.")
    if items:
        _migrate_items(artifacts, from_, to)
        return
    catalogue_url = os.environ.get("LOOKALIKE_CATALOGUE_URL", "").strip() or bundle.catalogue_url(artifacts)
    source, target = (vector_stores(artifacts, None if url == EMBEDDED else url, catalogue_url) for url in (from_, to))
    for done in migration.migrate(artifacts, source, target, Display()):
        verb = "moved" if done.moved else "there already"
        same = "same answers" if done.certified else "same vectors"
        out.print(Text(f"{done.bundle_id}: {done.vectors:,} vectors {verb}, {same}"), soft_wrap=True)


def _migrate_items(artifacts: Path, from_: str, to: str) -> None:
    from trainer.releases.migrate_items import migrate_items

    counts, copied = migrate_items(artifacts, *(None if url == EMBEDDED else url for url in (from_, to)))
    verb = "copied" if copied else "there already"
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count or name == "items")
    out.print(Text(f"{told}: {verb}, every row the same"), soft_wrap=True)
