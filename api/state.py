"""What every request may use: one typed object, made when the application starts and closed when it stops."""

from dataclasses import dataclass
from typing import cast

from starlette.types import Scope

from api.duplicates.job import Finder
from api.fetch.client import Fetcher
from api.limits import Pool
from api.monitoring.metrics import Metrics
from api.monitoring.stats import Stats
from api.security.keys import Access
from api.serving.engine import Engine


@dataclass(frozen=True, slots=True)
class AppState:
    """The parts of one running application."""

    engine: Engine
    pool: Pool
    """For what reads."""
    writers: Pool
    """For what changes something."""
    access: Access
    metrics: Metrics
    stats: Stats
    fetcher: Fetcher
    duplicates: Finder
    upload_limit_bytes: int


def state_of(scope: Scope) -> AppState | None:
    """The state of the application that a request came to (its ASGI scope); None before the application starts."""
    return cast(AppState | None, scope.get("state", {}).get("app"))
