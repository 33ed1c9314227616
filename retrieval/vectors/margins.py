"""How far a search must look to have most of the true hits, and what share of them it has where it stops.

A hit at the distance r of the query lies in another cluster than the nearest one if it lies beyond the boundary between
the two, which is the farther away the more the distances to their centroids differ. So with the query's distances d to
a centroid and d0 to the nearest one, the margin of a cluster is

    (d**2 - d0**2) / (r + d0)

r the distance of the k-th best hit so far. (By cosine, of directions on the unit sphere, but for a factor.) A search
opens the clusters up to a margin: few for a query that is near to its hits or deep inside a cluster, and many for one
that is far from everything. As r is part of it, a margin stays right for a gallery that grows.

How many true hits lie within which margin is measured when a bundle is made, on queries that are not in the gallery;
see trainer/evaluation/search_quality/probe_margins.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Doubles, Metric, View

SHARES = np.array([0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998, 0.999])
"""Of the true hits; the margins of each are what is measured."""
TARGET = 0.99
"""The share of the true hits that a search with `probes="auto"` is to find."""
MAX_MARGIN = 1e30
"""Of any cluster: a finite number, also in float32."""
SHARES_KEY = "margin_shares"
KEYS = (SHARES_KEY, *(f"{kind}_{metric}" for kind in ("margins", "stops") for metric in get_args(Metric)))
"""The names of the arrays in a bundle."""

ByMetric = Mapping[Metric, Doubles]


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """What margins mean for the share of the true hits; all arrays float64 [s] and ascending."""

    shares: Doubles
    hits: ByMetric
    """Within which margin these shares of the true hits lie: what searches have that all look as far as that."""
    stops: ByMetric
    """At which margin a search has these shares that was stopped there by a number of clusters.

    It is larger, as the hits of a query that lies between many clusters are spread over them.
    """

    def __post_init__(self) -> None:
        for name, values in (("shares", self.shares), *self.hits.items(), *self.stops.items()):
            if values.shape != self.shares.shape or not len(values) or not np.isfinite(values).all():
                raise ValueError(f"margins need finite numbers, as many as shares; found {name} {values.shape}")
            if (np.diff(values) < 0).any():
                raise ValueError(f"the margins of {name} do not ascend")
        if self.shares[0] < 0 or self.shares[-1] >= 1:
            raise ValueError(f"shares lie between 0 and 1; found {self.shares[0]:g} to {self.shares[-1]:g}")

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """From arrays as `arrays` gives them. Raises KeyError, ValueError."""
        kinds = ({metric: arrays[f"{kind}_{metric}"] for metric in get_args(Metric)} for kind in ("margins", "stops"))
        return cls(arrays[SHARES_KEY], *kinds)

    def arrays(self) -> dict[str, Doubles]:
        """As arrays under the names in KEYS."""
        kinds = {"margins": self.hits, "stops": self.stops}
        columns = {f"{kind}_{metric}": values for kind, by in kinds.items() for metric, values in by.items()}
        return {SHARES_KEY: self.shares, **columns}

    def margin(self, metric: Metric, share: float = TARGET) -> float:
        """The margin that holds this share of the true hits; the largest one known if none holds as many."""
        place = min(int(np.searchsorted(self.shares, share)), len(self.shares) - 1)
        return float(self.hits[metric][place])

    def share(self, metric: Metric, margin: float, *, stopped: bool) -> float:
        """The share of the true hits that a search has where the nearest cluster left unopened has this margin.

        `stopped`: by a number of clusters, and not by a margin. At most the largest share known.
        """
        return float(np.interp(margin, (self.stops if stopped else self.hits)[metric], self.shares))


class Gauge:
    """The margins of clusters as one query sees them."""

    def __init__(self, view: View, nearest: int) -> None:
        """`nearest` is the number of the nearest cluster that has members."""
        self._view = view
        self._least = float(view.nearness[nearest])
        self._depth = view.length(view.centroid_distance(nearest))

    def margin(self, cluster: int, distance: float) -> float:
        """The margin of a cluster, where the k-th best hit has this distance in the metric."""
        gap, scale = float(self._view.nearness[cluster]) - self._least, self._view.length(distance) + self._depth
        if scale > 0:
            return min(gap / scale, MAX_MARGIN)
        return MAX_MARGIN if gap > 0 else 0.0

    def limit(self, margin: float, distance: float) -> float:
        """The nearness of clusters at this margin."""
        return min(self._least + margin * (self._view.length(distance) + self._depth), MAX_MARGIN)
