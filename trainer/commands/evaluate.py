"""`lookalike evaluate`: how good a bundle is, by both protocols."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts, Metric, check_named, check_sources
from trainer.commands.terminal.console import Display, out, skipped_table

BUNDLE_HELP = "`live`, an id, or the path of a bundle or of another artifacts folder"


def evaluate(
    queries: Annotated[
        str | None,
        typer.Option(help="Labelled pictures to search with: a folder or a CSV; what was held out if absent."),
    ] = None,
    gallery: Annotated[
        str | None, typer.Option(help="Labelled pictures to search in; the catalogue if absent.")
    ] = None,
    bundle: Annotated[str, typer.Option(help=f"Which bundle to measure: {BUNDLE_HELP}.")] = "live",
    against: Annotated[
        list[str] | None,
        typer.Option(help=f"Another bundle to take paired differences with: {BUNDLE_HELP}. Repeatable."),
    ] = None,
    artifacts: Artifacts = Path("artifacts"),
    metric: Annotated[Metric, typer.Option(help="What near means.")] = Metric.cosine,
    ladder: Annotated[bool, typer.Option(help="Measure the search itself, too, for a ladder of probes.")] = True,
    formulas: Annotated[bool, typer.Option("--formulas", help="Say what each measure is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    results: Annotated[Path | None, typer.Option("--out", help="File to write the JSON into.")] = None,
) -> None:
    """Measure a bundle on labelled pictures that it was not trained on: known labels and new ones apart.

    Example: `lookalike evaluate --queries shoes/test --gallery shoes/train --against live`
    """
    check_sources(queries, gallery)
    check_named(artifacts, [bundle, *(against or ())])
    display = Display()
    from trainer.data.labelled import read_labelled

    labelled = {}
    for role, source in (("queries", queries), ("gallery", gallery)):
        if source is not None:
            with display.step(f"Reading {role}") as progress:
                labelled[role] = read_labelled(source, artifacts, progress)
            for note in labelled[role].notes:
                display.note(note)
    from trainer.commands.terminal import evaluation_tables
    from trainer.evaluation.evaluate import evaluate as measure
    from trainer.evaluation.inputs.leaks import look_alike
    from trainer.evaluation.results import to_json

    measurement = measure(
        artifacts,
        labelled.get("queries"),
        labelled.get("gallery"),
        metric.value,
        display.step,
        name=bundle,
        against=against or (),
        ladder=ladder,
        same_picture=partial(look_alike, step=display.step),
    )
    written = to_json(measurement.evaluation)
    if results:
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_text(written, encoding="utf-8")
    if as_json:
        out.print(written, markup=False, highlight=False, soft_wrap=True)
        return
    if formulas:
        out.print(evaluation_tables.formulas())
    for table in evaluation_tables.tables(measurement.evaluation):
        out.print(table)
    for note in measurement.notes:
        out.print(Text(note))
    if measurement.skipped:
        out.print(skipped_table(measurement.skipped))
    if results:
        out.print("All of it, every label and leak:", Text(str(results)))
