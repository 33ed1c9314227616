"""Client for bundles: their list, and which one is live. Each call raises ApiError."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from pydantic import Field, FiniteFloat

from frontend.api.connection import ApiRefused, Connection
from frontend.api.models import ApiModel, Problem


class Bundle(ApiModel):
    """One bundle. `metrics` maps each training stage to measures on held-out pictures."""

    id: str = Field(min_length=1, max_length=200)
    created: datetime
    encoder: str
    stage: str
    items: int = Field(ge=0)
    metrics: Mapping[str, Mapping[str, FiniteFloat]] = Field(default_factory=dict)
    live: bool
    loaded: bool
    report_url: str | None = None


class Bundles(ApiModel):
    """All bundles, newest first."""

    bundles: list[Bundle]

    @property
    def live(self) -> Bundle | None:
        """The live bundle; None if there is none."""
        return next((bundle for bundle in self.bundles if bundle.live), None)

    @property
    def loaded(self) -> list[Bundle]:
        """The bundles that can be searched, the live one first."""
        return sorted((bundle for bundle in self.bundles if bundle.loaded), key=lambda bundle: not bundle.live)


class BundlesClient:
    """Client for the bundles of one API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Bundles:
        """All bundles."""
        return self._connection.read(Bundles, self._connection.send("GET", "/bundles"))

    def activate(self, bundle_id: str) -> Bundle:
        """Make a bundle live; returns it when it is."""
        if bundle_id in {".", ".."}:  # in a path they cannot be escaped
            raise ApiRefused(Problem(title="There is no such model", status=404, code="bundle_missing"))
        path = f"/bundles/{quote(bundle_id, safe='')}/activate"
        return self._connection.read(Bundle, self._connection.send("POST", path))
