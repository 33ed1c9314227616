"""`lookalike bundles`: what can be published."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts
from trainer.commands.terminal.console import out


def bundles(
    artifacts: Artifacts = Path("artifacts"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the bundles, newest first.

    Example: `lookalike bundles --json`
    """
    from trainer.releases import inventory

    bundles_ = inventory.bundles(artifacts)
    if as_json:
        rows = [asdict(info) | {"created": info.created and info.created.isoformat()} for info in bundles_]
        out.print(json.dumps(rows, indent=2), markup=False, highlight=False, soft_wrap=True)
        return
    if not bundles_:
        out.print("There are no bundles in", Text(f"{artifacts}."), "Train one: lookalike train --help")
        return
    table = Table("bundle", "created", "encoder", "stage", "mAP held out", "size", "live", box=None)
    for info in bundles_:
        created = f"{info.created.astimezone():%Y-%m-%d %H:%M}" if info.created else "?"
        measured = "-" if info.map is None else f"{info.map:.3f}"
        encoder = Text(info.encoder or "cannot be read", style="" if info.encoder else "red")
        live = "live" if info.live else ""
        table.add_row(info.id, created, encoder, info.stage or "?", measured, decimal(info.size), live)
    out.print(table)
    for info in bundles_:
        if info.problem:
            out.print(Text(f"{info.id}: {info.problem}"), soft_wrap=True)
