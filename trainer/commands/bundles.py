"""`python -m trainer bundles`: what can be published."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from trainer.commands.console import out
from trainer.commands.options import Artifacts


def bundles(
    artifacts: Artifacts = Path("artifacts"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the bundles, newest first.

    Example: `python -m trainer bundles --json`
    """
    from trainer.releases import inventory

    found = inventory.bundles(artifacts)
    if as_json:
        rows = [asdict(shelved) | {"created": shelved.created and shelved.created.isoformat()} for shelved in found]
        out.print(json.dumps(rows, indent=2), markup=False, highlight=False, soft_wrap=True)
        return
    if not found:
        out.print("There are no bundles in", Text(f"{artifacts}."), "Train one: python -m trainer run --help")
        return
    table = Table("bundle", "created", "encoder", "stage", "mAP held out", "size", "live", box=None)
    for shelved in found:
        created = f"{shelved.created.astimezone():%Y-%m-%d %H:%M}" if shelved.created else "?"
        measured = "-" if shelved.map is None else f"{shelved.map:.3f}"
        encoder = Text(shelved.encoder or "cannot be read", style="" if shelved.encoder else "red")
        live = "live" if shelved.live else ""
        table.add_row(shelved.id, created, encoder, shelved.stage or "?", measured, decimal(shelved.size), live)
    out.print(table)
    for shelved in found:
        if shelved.problem:
            out.print(Text(f"{shelved.id}: {shelved.problem}"), soft_wrap=True)
