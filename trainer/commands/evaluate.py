"""`python -m trainer evaluate`: the measures of the published bundle."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trainer.commands.options import Artifacts, Metric
from trainer.display import Display, out, scores_table, skipped_table


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

    with Display().step("Embedding pictures") as progress:
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
    out.print(scores_table({result.bundle_id: result.scores}, f"Gallery of {result.gallery}, by {result.metric}"))
    out.print(f"A query takes {result.query_milliseconds:.1f} ms (median of decoding, encoding and searching).")
    if result.skipped:
        out.print(skipped_table(result.skipped))
