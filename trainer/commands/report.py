"""`python -m trainer report`: the published bundle's report, made anew from what is on disk."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainer.commands.options import Artifacts
from trainer.display import Display, out


def report(
    artifacts: Artifacts = Path("artifacts"),
    results: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the report; reports/ID in the artifacts if absent.", file_okay=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json instead of where the page is.")] = False,
) -> None:
    """Write a report on the published bundle and the catalogue: one page, a CSV for each list, and JSON.

    The page shows the pictures as they are now, also those that were added since training. The bundle is not changed.

    Example: `python -m trainer report --out ~/report`
    """
    from trainer.report import write_report
    from trainer.report.published import read_published
    from trainer.report.write import FIGURES, PAGE

    display = Display()
    with display.step("Reading the bundle"):
        found = read_published(artifacts)
    folder = results or artifacts / "reports" / found.bundle_id
    with display.step("Drawing the map") as progress:
        write_report(folder, found, progress)
    if as_json:
        out.print((folder / FIGURES).read_text(encoding="utf-8"), markup=False, highlight=False, soft_wrap=True)
        return
    out.print(f"The report on bundle {found.bundle_id}:", Text(str(folder / PAGE)), soft_wrap=True)
