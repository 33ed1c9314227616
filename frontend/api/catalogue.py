"""The catalogue over HTTP: its items in pages, its clusters and its map, and what changes an item.

Each call raises ApiError.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field, FiniteFloat

from frontend.api.client import item_path
from frontend.api.connection import ApiRefused, Connection, FormField
from frontend.api.models import ApiModel, Attributes, Item

Fields = Mapping[str, Any]


class ItemsPage(ApiModel):
    """Some items in an order, how many pass the filter in all, and the link to the page after this one."""

    items: list[Item]
    total: int = Field(ge=0)
    next: str | None = None


class LabelCount(ApiModel):
    """How many items of a cluster have a label; None: none at all."""

    label: str | None
    count: int = Field(ge=0)


class Cluster(ApiModel):
    """One cell of the vectors, with the item in its middle and its most frequent labels."""

    number: int = Field(ge=0)
    size: int = Field(ge=0)
    radius: FiniteFloat
    medoid: Item | None = None
    labels: list[LabelCount] = Field(default_factory=list)


class SampledCluster(Cluster):
    """A cluster with those of its items that are nearest to its middle."""

    sample: list[Item]


class Drift(ApiModel):
    """How far the items have moved away from those that the model was made from."""

    retrain: bool
    reason: str


class Clusters(ApiModel):
    """All clusters."""

    clusters: list[Cluster]
    drift: Drift


class Point(ApiModel):
    """Where an item is among the others: the two directions in which the vectors differ most."""

    id: str = Field(min_length=1, max_length=128)
    x: FiniteFloat
    y: FiniteFloat
    label: str | None = None
    cluster: int | None = None


class MapAnswer(ApiModel):
    """The points of some items, or of all, and how many items there are."""

    points: list[Point]
    total: int = Field(ge=0)


class CatalogueClient:
    """The catalogue of one API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, chosen: Fields, *, order: str, limit: int, cursor: str | None = None) -> ItemsPage:
        """The items that a filter lets through, in an order, from a cursor on."""
        params = {"order": order, "limit": str(limit)}
        params |= {"filter": json.dumps(chosen)} if chosen else {}
        params |= {"cursor": cursor} if cursor else {}
        return self._connection.read(ItemsPage, self._connection.send("GET", "/items", params=params))

    def clusters(self) -> Clusters:
        """Every cluster, and whether they still fit the items."""
        return self._connection.read(Clusters, self._connection.send("GET", "/clusters"))

    def cluster(self, number: int) -> SampledCluster:
        """One cluster."""
        return self._connection.read(SampledCluster, self._connection.send("GET", f"/clusters/{number}"))

    def map(self, limit: int) -> MapAnswer:
        """The points of at most so many items."""
        return self._connection.read(MapAnswer, self._connection.send("GET", "/map", params={"limit": str(limit)}))

    def add(self, picture: bytes, label: str | None, attributes: Attributes) -> tuple[Item, bool]:
        """The item made of a picture, and whether it is new: the same bytes are the same item."""
        form: dict[str, FormField] = {"file": ("picture", picture)}
        form |= {"label": (None, label)} if label else {}
        form |= {"attributes": (None, json.dumps(attributes))} if attributes else {}
        response = self._connection.send("POST", "/items", form=form)
        return self._connection.read(Item, response), response.status_code == 201

    def change(self, item_id: str, label: str | None, attributes: Attributes) -> Item:
        """The item with this label and with these attributes beside those it has; None takes one away."""
        body = {"label": label, "attributes": attributes}
        return self._connection.read(Item, self._connection.send("PATCH", item_path(item_id), json=body))

    def delete(self, item_id: str) -> bool:
        """Whether it was there. It is not any more."""
        try:
            self._connection.done(self._connection.send("DELETE", item_path(item_id)))
        except ApiRefused as refused:
            if refused.problem.status == 404:
                return False
            raise
        return True
