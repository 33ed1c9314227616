"""`lookalike rollback`: back to the bundle that was live before."""

from pathlib import Path

from trainer.commands.console import Display
from trainer.commands.options import Artifacts
from trainer.commands.publish import show_live, show_release


def rollback(artifacts: Artifacts = Path("artifacts")) -> None:
    """Make the bundle live that was live before, at once. Items that came since are embedded first, so none is lost.

    Example: `lookalike rollback`
    """
    from trainer.releases import release

    done = release.rollback(artifacts, Display())
    show_release(done, artifacts)
    show_live(done)
