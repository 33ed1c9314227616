"""Two ways to search, side by side: which of their matches are the same."""

from dataclasses import dataclass

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from frontend.api.models import Hit, Metric, SearchAnswer
from frontend.forms.search import METRICS

DEPTHS = (5, 10, 20, 50)
SIDE_FIELDS = ("k", "left", "left_metric", "right", "right_metric")


@dataclass(frozen=True, slots=True)
class Side:
    """One way to search; without a bundle, with the live one."""

    bundle: str | None
    metric: Metric

    def fields(self, k: int) -> dict[str, object]:
        """By the API's names."""
        return {"k": k, "metric": self.metric} | ({"bundle": self.bundle} if self.bundle else {})


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of two sides to one query."""

    left: SearchAnswer
    right: SearchAnswer
    k: int

    @property
    def shared(self) -> int:
        """How many of the first k matches are among the other's."""
        return len({hit.id for hit in self.left.hits} & {hit.id for hit in self.right.hits})

    @property
    def overlap(self) -> float:
        """overlap@k: the share of matches that both have. 1 where neither has any."""
        most = max(len(self.left.hits), len(self.right.hits))
        return self.shared / most if most else 1.0

    def rank_in_other(self, hit: Hit, side: str) -> int | None:
        """Where the other side has a match of the left or the right one."""
        other = self.right if side == "left" else self.left
        return next((each.rank for each in other.hits if each.id == hit.id), None)


def sides(sent: MultiDict[str, str]) -> tuple[Side, Side]:
    """The two sides of a form or a link: `left`, `left_metric`, `right`, `right_metric`. Raises BadRequest."""
    left, right = (_side(sent, name) for name in ("left", "right"))
    return left, right


def depth(sent: MultiDict[str, str]) -> int:
    """How many matches are compared. Raises BadRequest."""
    text = sent.get("k") or "10"
    if text not in map(str, DEPTHS):
        raise BadRequest(f"Compare the first {', '.join(map(str, DEPTHS))} matches.")
    return int(text)


def _side(sent: MultiDict[str, str], name: str) -> Side:
    metric = sent.get(f"{name}_metric") or "cosine"
    if metric not in METRICS:
        raise BadRequest(f"A search compares by one of {', '.join(METRICS)}.")
    return Side(sent.get(name) or None, metric)
