"""`lookalike rollback`: back to the bundle that was live before."""

from pathlib import Path

from trainer.commands.releases.publish import show_live, show_release
from trainer.commands.terminal.console import Display
from trainer.commands.terminal.options import Artifacts


def rollback(artifacts: Artifacts = Path("artifacts")) -> None:
    """Make the bundle live that was live before, at once. Items that came since are embedded first, so none is lost.

    Example: `lookalike rollback`
    """
    from trainer.releases import release

    done = release.rollback(artifacts, Display())
    show_release(done, artifacts)
    show_live(done)
