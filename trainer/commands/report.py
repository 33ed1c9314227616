"""`lookalike report`: the published bundle's report, made anew from what is on disk."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts, check_published
from trainer.commands.terminal.console import Display, out, silenced

if TYPE_CHECKING:
    from trainer.report.model import Report


def report(
    artifacts: Artifacts = Path("artifacts"),
    results: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the report; reports/ID in the artifacts if absent.", file_okay=False),
    ] = None,
    health: Annotated[
        bool, typer.Option(help="Check the catalogue, too; every file is read, by the frozen encoder of the run.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json instead of where the page is.")] = False,
) -> None:
    """Write a report on the published bundle and the catalogue: one page, a CSV for each list, and JSON.

    The page shows the pictures as they are now, also those that were added since training. The bundle is not changed.

    Example: `lookalike report --out ~/report`
    """
    check_published(artifacts)
    from trainer.report.published import read_published
    from trainer.report.write import FIGURES, PAGE, write_report

    display = Display()
    with display.step("Reading the bundle"):
        report_data = read_published(artifacts)
    if health:
        report_data = _with_health(artifacts, report_data, display)
    folder = results or artifacts / "reports" / report_data.bundle_id
    with display.step("Drawing the map") as progress:
        write_report(folder, report_data, progress)
    if as_json:
        out.print((folder / FIGURES).read_text(encoding="utf-8"), markup=False, highlight=False, soft_wrap=True)
        return
    out.print(f"The report on bundle {report_data.bundle_id}:", Text(str(folder / PAGE)), soft_wrap=True)


def _with_health(artifacts: Path, report_data: "Report", display: Display) -> "Report":
    """With the health of the catalogue; without it, and with the reason said, where the encoder cannot be made here."""
    from trainer.errors import ConfigError, WeightsError

    with display.step("Loading TensorFlow"), silenced():
        from trainer.report.recheck import check_catalogue
    try:
        return replace(report_data, health=check_catalogue(artifacts, report_data, display.step))
    except (ConfigError, WeightsError) as error:
        display.note(f"Without the health of the catalogue: {error}")
        return report_data
