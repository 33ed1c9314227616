"""Comparison of two searches: bundle and metric of each side, and the matches that both have."""

from dataclasses import dataclass

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from frontend.api.models import Hit, Metric, SearchAnswer
from frontend.forms.search import METRICS
from frontend.languages.texts import gettext

DEPTHS = (5, 10, 20, 50)
SIDE_FIELDS = ("k", "left", "left_metric", "right", "right_metric")


@dataclass(frozen=True, slots=True)
class Side:
    """Bundle and metric of one search; the live bundle if it is None."""

    bundle: str | None
    metric: Metric

    def fields(self, k: int) -> dict[str, object]:
        """The fields of an API search for `k` matches."""
        return {"k": k, "metric": self.metric} | ({"bundle": self.bundle} if self.bundle else {})


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of two sides to one query."""

    left: SearchAnswer
    right: SearchAnswer
    k: int

    @property
    def shared(self) -> int:
        """How many of the first k matches both sides have."""
        return len({hit.id for hit in self.left.hits} & {hit.id for hit in self.right.hits})

    @property
    def overlap(self) -> float:
        """overlap@k: the share of matches that both sides have; 1 if there are no matches."""
        most = max(len(self.left.hits), len(self.right.hits))
        return self.shared / most if most else 1.0

    def rank_in_other(self, hit: Hit, side: str) -> int | None:
        """The rank of a match of `side` (left or right) on the other side; None if it is not there."""
        other = self.right if side == "left" else self.left
        return next((each.rank for each in other.hits if each.id == hit.id), None)


def sides(fields: MultiDict[str, str]) -> tuple[Side, Side]:
    """The two sides in a form or link: `left`, `left_metric`, `right`, `right_metric`. Raises BadRequest."""
    left, right = (_side(fields, name) for name in ("left", "right"))
    return left, right


def depth(fields: MultiDict[str, str]) -> int:
    """How many matches are compared. Raises BadRequest."""
    text = fields.get("k") or "10"
    if text not in map(str, DEPTHS):
        raise BadRequest(gettext("Compare the first %(numbers)s matches.", numbers=", ".join(map(str, DEPTHS))))
    return int(text)


def _side(fields: MultiDict[str, str], name: str) -> Side:
    metric = fields.get(f"{name}_metric") or "cosine"
    if metric not in METRICS:
        raise BadRequest(gettext("A search compares by one of %(names)s.", names=", ".join(METRICS)))
    return Side(fields.get(name) or None, metric)
