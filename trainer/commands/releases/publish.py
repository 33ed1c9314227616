"""`lookalike publish` and `lookalike rollback`: make a bundle live, unless it is worse than the live one; go back."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts, check_sources
from trainer.commands.terminal.console import Display, out, skipped_table

if TYPE_CHECKING:
    from trainer.releases.gate import Change
    from trainer.releases.release import Release

REFUSED = 3
"""The exit code where nothing failed, but the bundle did not go live."""


def publish(
    bundle_id: Annotated[str, typer.Argument(help="A bundle of this folder; see `lookalike bundles`.")],
    artifacts: Artifacts = Path("artifacts"),
    force: Annotated[
        str | None, typer.Option(metavar="BUNDLE_ID", help="The same bundle again: publish it though it is refused.")
    ] = None,
    pin: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="First pin these labelled pictures, to judge this and later bundles by."),
    ] = None,
) -> None:
    """Make a bundle the one that is served.

    Pinned queries are asked of it and of the live bundle, and the difference is shown. It is refused (exit 3) where it
    is damaged, or its mAP on them is significantly lower.

    Example: `lookalike publish 20261122-171500-ab12`
    """
    if force not in (None, bundle_id):
        raise typer.BadParameter(
            f"It names {force}, not {bundle_id}, the bundle to be published.", param_hint="--force"
        )
    check_sources(pin)
    from trainer.places import remember_shared
    from trainer.releases import release

    remember_shared(artifacts)
    done = release.publish(artifacts, bundle_id, Display(), forced=force is not None, pin=pin)
    if show_release(done, artifacts):
        raise typer.Exit(REFUSED)
    show_live(done)


def rollback(artifacts: Artifacts = Path("artifacts")) -> None:
    """Make the bundle live that was live before, at once. Items that came since are embedded first, so none is lost.

    Example: `lookalike rollback`
    """
    from trainer.places import remember_shared
    from trainer.releases import release

    remember_shared(artifacts)
    done = release.rollback(artifacts, Display())
    show_release(done, artifacts)
    show_live(done)


def show_release(release: "Release", artifacts: Path) -> bool:
    """Say what changes, and what keeps the bundle from going live. Returns whether anything does."""
    if release.change:
        out.print(Text(str(release.change)), highlight=False, soft_wrap=True)
        for remark in _remarks(release.change):
            out.print(f"  {remark}", style="dim", highlight=False, soft_wrap=True)
    if release.refused:
        out.print(f"[red]Not published:[/] bundle {release.bundle_id}:", Text(release.refused), soft_wrap=True)
        force = f"lookalike publish {release.bundle_id} --force {release.bundle_id} --artifacts "
        out.print("To publish it all the same:", Text(force + shlex.quote(str(artifacts))), soft_wrap=True)
    if release.without:
        out.print(skipped_table(release.without))
        out.print(f"{len(release.without)} items cannot be embedded by this bundle, so it does not find them.")
    return bool(release.refused)


def show_live(release: "Release") -> None:
    """Say what is live now, and what was."""
    if release.embedded:
        out.print(f"Embedded {release.embedded} items that it had no vectors of.")
    if release.before == release.bundle_id:
        out.print(f"Bundle [bold]{release.bundle_id}[/] is live already.")
        return
    out.print(f"Bundle [bold]{release.bundle_id}[/] is live; before it was {release.before or 'none'}.")
    out.print("An API that is running takes it up within seconds.", style="dim")


def _remarks(change: "Change") -> list[str]:
    trained = [("this bundle", change.trained_on), ("the live one", change.live_trained_on)]
    overlaps = [f"{who} was trained on {count} of these queries" for who, count in trained if count]
    unknown = [
        f"of {who} it is not known on how many of these queries it was trained" for who, n in trained if n is None
    ]
    notes = [f"{change.missing} pinned pictures are gone or have changed, and were left out"] if change.missing else []
    flattered = ["; ".join(overlaps) + ", which flatters it"] if overlaps else []
    return flattered + unknown + notes
