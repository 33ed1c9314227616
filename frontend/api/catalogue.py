"""Client for the catalogue: pages of items, clusters, the map, and changes of items.

Each call raises ApiError.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, FiniteFloat

from frontend.api.client import item_path
from frontend.api.connection import ApiRefused, Connection, FormField
from frontend.api.models import ApiModel, Attributes, Item

Fields = Mapping[str, Any]


class ItemsPage(ApiModel):
    """A page of items, the number of items that match the filter, and the cursor of the next page."""

    items: list[Item]
    total: int = Field(ge=0)
    next_cursor: str | None = None


class LabelCount(ApiModel):
    """The number of items of a cluster with a label; None: without a label."""

    label: str | None
    count: int = Field(ge=0)


class Cluster(ApiModel):
    """One cluster, with the item nearest to its centre and its most frequent labels."""

    number: int = Field(ge=0)
    size: int = Field(ge=0)
    radius: FiniteFloat
    medoid: Item | None = None
    labels: list[LabelCount] = Field(default_factory=list)


class SampledCluster(Cluster):
    """A cluster with the items nearest to its centre."""

    sample: list[Item]


class Drift(ApiModel):
    """Whether the items still fit the model, and why."""

    retrain: bool
    reason: str
    code: str | None = None
    """The same for programs; an older API sends none."""
    items: int = 0
    trained_items: int = 0
    outside_share: float = 0
    imbalance: float = 1


class Clusters(ApiModel):
    """All clusters."""

    clusters: list[Cluster]
    drift: Drift


class Point(ApiModel):
    """The position of an item on the map: the two directions in which the vectors vary most."""

    id: str = Field(min_length=1, max_length=128)
    x: FiniteFloat
    y: FiniteFloat
    label: str | None = None
    cluster: int | None = None


class MapAnswer(ApiModel):
    """The points of a sample of the items, and the number of all items."""

    points: list[Point]
    total: int = Field(ge=0)


class CatalogueClient:
    """Client for the catalogue of one API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, filter_: Fields, *, order: str, limit: int, cursor: str | None = None) -> ItemsPage:
        """A page of the items that match a filter, in an order, from a cursor on."""
        body: dict[str, Any] = {"order": order, "limit": limit}
        body |= {"filter": filter_} if filter_ else {}
        body |= {"cursor": cursor} if cursor else {}
        return self._connection.read(ItemsPage, self._connection.send("POST", "/items/list", json=body))

    def clusters(self) -> Clusters:
        """All clusters, and whether they still fit the items."""
        return self._connection.read(Clusters, self._connection.send("GET", "/clusters"))

    def cluster(self, number: int) -> SampledCluster:
        """One cluster."""
        return self._connection.read(SampledCluster, self._connection.send("GET", f"/clusters/{number}"))

    def map(self, limit: int) -> MapAnswer:
        """The points of at most `limit` items."""
        return self._connection.read(MapAnswer, self._connection.send("GET", "/map", params={"limit": str(limit)}))

    def add(self, picture: bytes, label: str | None, attributes: Attributes) -> tuple[Item, bool]:
        """Add a picture. Returns its item, and whether it is new: the same bytes are the same item."""
        form: dict[str, FormField] = {"file": ("picture", picture)}
        form |= {"label": (None, label)} if label else {}
        form |= {"attributes": (None, json.dumps(attributes))} if attributes else {}
        response = self._connection.send("POST", "/items", form=form)
        return self._connection.read(Item, response), response.status_code == 201

    def change(self, item_id: str, label: str | None, attributes: Attributes) -> Item:
        """Set the label and these attributes of an item; None removes an attribute. Returns the item."""
        body = {"label": label, "attributes": attributes}
        return self._connection.read(Item, self._connection.send("PATCH", item_path(item_id), json=body))

    def delete_all(self, ids: Sequence[str]) -> None:
        """Delete items at once; those that were gone already are passed over."""
        if len(ids) == 1:
            self.delete(ids[0])
            return
        try:
            self._connection.done(self._connection.send("POST", "/items/delete", json={"ids": list(ids)}))
        except ApiRefused as refused:
            if refused.problem.code != "item_missing":
                raise
            for item_id in ids:  # the API deletes all or, where one is missing, none
                self.delete(item_id)

    def delete(self, item_id: str) -> bool:
        """Delete an item. Returns whether it existed."""
        try:
            self._connection.done(self._connection.send("DELETE", item_path(item_id)))
        except ApiRefused as refused:
            if refused.problem.status == 404:
                return False
            raise
        return True
