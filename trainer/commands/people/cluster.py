"""`lookalike cluster --faces`: groups of faces that nobody has named."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts, check_published
from trainer.commands.terminal.console import Display, out

if TYPE_CHECKING:
    from trainer.people.catalogue import FaceGroup

MAX_SHOWN = 40
SAMPLE = 3


def cluster(
    faces: Annotated[bool, typer.Option("--faces", help="Group faces; nothing else is grouped.")] = False,
    artifacts: Artifacts = Path("artifacts"),
    min_probability: Annotated[
        float, typer.Option(min=0.01, max=1, help="How sure two faces must be of one person, by the calibration.")
    ] = 0.9,
    min_cosine: Annotated[
        float | None, typer.Option(min=-1, max=1, help="Least cosine of two such faces, in place of the calibration.")
    ] = None,
    min_faces: Annotated[int, typer.Option(min=2, help="Smallest group.")] = 2,
    max_blur: Annotated[
        float | None, typer.Option(min=0, max=1, help="Leave out faces with a higher face_blur, or without one.")
    ] = None,
    max_pose: Annotated[
        float | None, typer.Option(min=0, max=1, help="Leave out faces with a higher face_pose, or without one.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--out", help="Write the groups as a CSV file, too.", dir_okay=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the groups; write nothing.")] = False,
) -> None:
    """Group the faces that have no label, and write the groups into the catalogue, as the attribute face_group.

    A group keeps its name from the last time. Give it a label with `lookalike name`.

    Example: `lookalike cluster --faces --max-blur 0.7`
    """
    from trainer.errors import PeopleError

    if not faces:
        raise PeopleError("Only faces can be grouped: lookalike cluster --faces.")
    check_published(artifacts)
    display = Display()
    with display.step("Comparing faces"):
        from trainer.people.catalogue import find_groups, write_groups

        grouped = find_groups(
            artifacts,
            min_probability=min_probability,
            min_cosine=min_cosine,
            min_faces=min_faces,
            max_blur=max_blur,
            max_pose=max_pose,
        )
    out.print(_table(grouped.groups))
    in_groups = sum(len(group.ids) for group in grouped.groups)
    alone = grouped.faces - in_groups
    out.print(f"{len(grouped.groups)} groups of {in_groups} faces; {alone} of {grouped.faces} faces are in none.")
    if csv_file is not None:
        _write_csv(csv_file, grouped.groups)
    if not dry_run:
        changed = write_groups(artifacts, grouped.groups)
        out.print(f"Written into the catalogue: {changed} items have changed.", style="dim")


def _table(groups: "Sequence[FaceGroup]") -> Table:
    table = Table("group", "faces", "likely", "sample", box=None)
    for group in groups[:MAX_SHOWN]:
        likely = f"{group.label} ({group.probability:.0%})" if group.label else ""
        sample = ", ".join(group.ids[:SAMPLE]) + (", ..." if len(group.ids) > SAMPLE else "")
        table.add_row(group.name, str(len(group.ids)), Text(likely), Text(sample))
    if len(groups) > MAX_SHOWN:
        table.add_row("...", "", "", Text("all of them: --out groups.csv"))
    return table


def _write_csv(file: Path, groups: "Sequence[FaceGroup]") -> None:
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["group", "id", "likely", "probability"])
        for group in groups:
            likely = (group.label or "", f"{group.probability:.3f}" if group.label else "")
            writer.writerows((group.name, item_id, *likely) for item_id in group.ids)
