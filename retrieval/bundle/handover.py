"""Before a bundle goes live, every server that answers searches has loaded it, so that all change within a moment."""

import time
from typing import TYPE_CHECKING

from retrieval.errors import BundleDamaged

if TYPE_CHECKING:
    from retrieval.catalogue import Releases, Shared

LOOK_SECONDS = 0.25  # between two looks at what the servers say


class NotTakenOver(BundleDamaged):
    """A server that answers searches cannot load the bundle."""


def hand_over(releases: "Releases", shared: "Shared", bundle_id: str) -> None:
    """Let the servers of a database load a bundle; returns when all that are there have.

    A server that has no bundle loaded is not waited for, and one that stops reporting is not there any more. Raises
    NotTakenOver where a server cannot load it; then it is not about to go live any more.
    """
    releases.propose(bundle_id)
    try:
        while waiting := [each for each in shared.replicas() if each.state["loaded"]]:
            for replica in waiting:
                reason = replica.state["failed"].get(bundle_id)
                if reason is not None:
                    raise NotTakenOver(f"The server {replica.name} cannot load bundle {bundle_id}: {reason}")
            if all(bundle_id in each.state["loaded"] for each in waiting):
                return
            time.sleep(LOOK_SECONDS)
    except BaseException:
        releases.withdraw(bundle_id)
        raise
