"""`lookalike search`: one search without a server."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts, Metric, check_published
from trainer.commands.terminal.console import out
from trainer.errors import SourceError


def search(
    picture: Annotated[Path | None, typer.Argument(help="The picture to search with.")] = None,
    artifacts: Artifacts = Path("artifacts"),
    k: Annotated[int, typer.Option(min=1, max=1000, help="Hits to show.")] = 10,
    metric: Annotated[Metric | None, typer.Option(help="What near means; cosine unless said.")] = None,
    text: Annotated[
        str | None,
        typer.Option(help="In place of a picture: words of ids, labels, attributes, or their beginnings."),
    ] = None,
) -> None:
    """Search the catalogue with one picture, or with words.

    Example: `lookalike search photo.jpg --k 5`, or `lookalike search --text "green amph"`
    """
    if (picture is None) == (text is None):
        raise SourceError("Name either a picture to search with, or words: --text 'green amph'.")
    if text is not None and metric is not None:
        raise SourceError("--metric compares pictures, and --text searches for words. Leave one of them out.")
    check_published(artifacts)
    if text is not None:
        _search_words(artifacts, text, k)
    elif picture is not None:
        _search_picture(artifacts, picture, k, metric or Metric.cosine)


def _search_picture(artifacts: Path, picture: Path, k: int, metric: Metric) -> None:
    from trainer.bundles import search_picture

    result = search_picture(artifacts, picture, k, metric.value)
    table = Table("rank", "label", "cosine", "distance", "picture", box=None)
    for rank, (item, cosine, distance) in enumerate(result.hits, start=1):
        table.add_row(str(rank), Text(item.label or ""), f"{cosine:.3f}", f"{distance:.3f}", Text(item.location))
    out.print(table)
    certainty = "exact" if result.exact else "approximate"
    if not result.exact and result.recall_estimate is not None:
        certainty += f" (likely {result.recall_estimate:.1%} of the best)"
    out.print(
        f"{certainty}, opened {result.clusters_opened} of {result.clusters_total} clusters, bundle {result.bundle_id}"
    )


def _search_words(artifacts: Path, text: str, k: int) -> None:
    from trainer.bundles import search_words

    hits, near = search_words(artifacts, text, k)
    table = Table("rank", "label", "id", "picture", box=None)
    for rank, (item, _) in enumerate(hits.items, start=1):
        table.add_row(str(rank), Text(item.label or ""), Text(item.id), Text(item.location))
    out.print(table)
    out.print(f"{hits.total} items have all of these words")
    for word, matches in near.items():
        out.print(Text(f"no item has {word}; near it: {', '.join(matches) or 'nothing'}"))
