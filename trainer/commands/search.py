"""`lookalike search`: one search without a server."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts, Metric, check_published
from trainer.commands.terminal.console import out


def search(
    picture: Annotated[Path, typer.Argument(help="The picture to search with.")],
    artifacts: Artifacts = Path("artifacts"),
    k: Annotated[int, typer.Option(min=1, max=1000, help="Hits to show.")] = 10,
    metric: Annotated[Metric, typer.Option(help="What near means.")] = Metric.cosine,
) -> None:
    """Search the catalogue with one picture.

    Example: `lookalike search photo.jpg --k 5`
    """
    check_published(artifacts)
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
