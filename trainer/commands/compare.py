"""`lookalike compare`: several configurations on the same pictures, before and after tuning."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts, check_sources
from trainer.commands.terminal.console import Display, err, out, silenced


def compare(
    configs: Annotated[list[Path], typer.Argument(help="TOML files, or names of ready configurations.")],
    source: Annotated[str, typer.Option(help="Labelled pictures, as for run: a folder, a CSV, or a data set's name.")],
    results: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for compare.html, .png and .json; compare/latest in the artifacts if absent."
        ),
    ] = None,
    artifacts: Artifacts = Path("artifacts"),
) -> None:
    """Train each configuration, or reuse it, and measure it before and after tuning on pictures it has not looked at.

    A comparison that was stopped goes on with the same command. What is served does not change.

    Example: `lookalike compare demo siamese --source ~/Pictures/shoes`
    """
    check_sources(source)
    from trainer.compare.plan import Failure, plan

    display = Display()
    planned = plan(configs, source, artifacts, display)
    failures = [entry for entry in planned if isinstance(entry, Failure)]
    if len(failures) == len(planned):
        for failure in failures:
            err.print("[red]Failed:[/]", Text(f"{failure.configuration}: {failure.reason}"), soft_wrap=True)
        raise typer.Exit(1)
    with display.step("Loading TensorFlow"), silenced():
        from trainer.compare.page import COLUMNS, PAGE, cells, write
        from trainer.compare.runner import compare as compare_all

    comparison = compare_all(planned, source, artifacts, display)
    results = results or artifacts / "compare" / "latest"
    write(comparison, results)
    columns = [column for column in COLUMNS if column.short]
    table = Table(title="On test pictures", title_justify="left")
    table.add_column("configuration", overflow="fold", min_width=13)
    for heading in ("tuning", "stage", *(column.short for column in columns)):
        table.add_column(heading, no_wrap=True)
    for row, figures in zip(comparison.rows, cells(comparison.rows, columns), strict=True):
        when = "after" if row.tuned else "before"
        texts = [Text(cell.text, style="bold" if cell.best else "") for cell in figures]
        table.add_row(Text(row.configuration), when, row.stage, *texts)
    if comparison.rows:
        out.print(table)
    for failure in comparison.failures:
        out.print("[red]Failed:[/]", Text(f"{failure.configuration}: {failure.reason}"), soft_wrap=True)
    out.print("All figures and curves:", Text(str(results / PAGE)), soft_wrap=True)
    if not comparison.rows:
        raise typer.Exit(1)
