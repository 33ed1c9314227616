"""`lookalike name`: a label for the faces of a group, after a look at them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts, check_published
from trainer.commands.terminal.console import out


def name(
    group: Annotated[str, typer.Argument(help="A group that `lookalike cluster --faces` has found, such as group-7.")],
    label: Annotated[str, typer.Argument(help="Who it is.")],
    artifacts: Artifacts = Path("artifacts"),
    without: Annotated[
        list[str] | None, typer.Option("--without", help="The id of a face that is not theirs; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give every face of a group a label, once you have looked at the list and said yes.

    Faces that are somebody else's are left out with `--without`, and are in no group any more.

    Example: `lookalike name group-7 "Ada Lovelace" --without party.jpg#3`
    """
    check_published(artifacts)
    from trainer.errors import PeopleError
    from trainer.people.catalogue import checked_label, members_of, name_group

    label = checked_label(label)
    items = members_of(artifacts, group)
    leave_out = set(without or ())
    if strangers := sorted(leave_out - {item.id for item in items}):
        raise PeopleError(f"{strangers[0]} is not in {group}. Nothing was changed.")
    table = Table("", "id", "blur", "pose", "picture", box=None)
    for item in items:
        quality = (str(item.attributes.get(attribute, "")) for attribute in ("face_blur", "face_pose"))
        table.add_row("no" if item.id in leave_out else "yes", Text(item.id), *quality, Text(item.location))
    out.print(table)
    count = len(items) - len(leave_out)
    if not yes and not typer.confirm(f"Are these {count} faces {label}?", err=True):
        out.print("Nothing was changed.")
        raise typer.Exit(1)
    outcome = name_group(artifacts, group, label, [item.id for item in items], leave_out)
    out.print(Text(f"{outcome} faces are {label} now."), soft_wrap=True)
    if outcome < count:
        out.print(f"{count - outcome} have changed meanwhile, and were left alone.")
