"""Why bundles that are wanted cannot be loaded, and when each is tried again."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from time import monotonic

from api.schemas.health import Unready
from api.serving.backfill import Stopped
from retrieval.errors import BundleMissing, LookalikeError

logger = logging.getLogger(__name__)

RETRY_SECONDS = 30.0  # until what cannot be loaded is tried again, unless it is published anew or nothing is served


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a bundle could not be loaded, what was published then, and when to try again."""

    unready: Unready
    version: object
    until: float


class Failures:
    """By the name of what failed. One thread changes them; any may read."""

    def __init__(self) -> None:
        self._failures: Mapping[str, _Failure] = {}

    def get(self, name: str) -> Unready | None:
        """Why this failed; None where it did not."""
        failure = self._failures.get(name)
        return failure.unready if failure else None

    def all(self) -> dict[str, Unready]:
        """Why each of them failed, by its name."""
        return {name: failure.unready for name, failure in self._failures.items()}

    @property
    def details(self) -> list[str]:
        """What is wrong, a sentence or more for each."""
        return [failure.unready.detail for failure in self._failures.values()]

    def keep(self, names: Collection[str]) -> None:
        """Forget all others."""
        self._failures = {name: why for name, why in self._failures.items() if name in names}

    def attempt(self, name: str, version: object, load: Callable[[], None], *, patient: bool) -> None:
        """Load, unless that failed a short while ago; remember and log why it fails. `patient`: others are served."""
        before = self._failures.get(name)
        if before and before.version == version and monotonic() < before.until:
            return
        try:
            load()
        except Stopped:
            return
        except BundleMissing as error:
            unready = Unready(status="no_bundle", detail=str(error))
        except LookalikeError as error:
            unready = Unready(status="broken", detail=str(error))
        except Exception as error:  # whatever it is, it must be seen on /readyz, and the next publish may mend it
            logger.exception("bundle %s cannot be opened", name)
            unready = Unready(status="broken", detail=f"{type(error).__name__}: {error}")
        else:
            self._failures = {other: why for other, why in self._failures.items() if other != name}
            return
        if before is None or before.unready != unready:
            logger.warning("cannot serve the bundle that is wanted (%s): %s", unready.status, unready.detail)
        until = monotonic() + (RETRY_SECONDS if patient else 0)
        self._failures = {**self._failures, name: _Failure(unready, version, until)}
