"""`lookalike rank`: every picture of one folder against all of another."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts, check_folders, check_published
from trainer.commands.terminal.console import Display, out, skipped_table


def rank(
    queries: Annotated[Path, typer.Option(help="Folder of pictures to search with.")],
    gallery: Annotated[Path, typer.Option(help="Folder of pictures to search in.")],
    results: Annotated[Path, typer.Option("--out", help="JSON file that the ranked file names are written to.")],
    sheet: Annotated[
        Path | None, typer.Option(help="Folder for contact sheets: each query with its first 20 hits.")
    ] = None,
    k: Annotated[int, typer.Option(min=1, help="Hits listed for each query.")] = 100,
    artifacts: Artifacts = Path("artifacts"),
) -> None:
    """Rank a gallery for every query, by cosine distance. All pairs are compared, so the ranking is exact.

    Example: `lookalike rank --queries shoes/new --gallery shoes/all --out results.json --sheet sheets`
    """
    notes = check_folders(queries, gallery)
    check_published(artifacts)
    from trainer.evaluation.rank.folders import rank as compare_all

    display = Display()
    for note in notes:
        display.note(note)
    done = compare_all(queries, gallery, artifacts, results, sheets=sheet, k=k, step=display.step)
    if done.skipped:
        out.print(skipped_table(done.skipped, results))
    out.print(f"{done.queries} queries against {done.gallery} pictures, bundle {done.bundle_id}:", Text(str(results)))
    if sheet:
        out.print("Contact sheets:", Text(str(sheet)))
