"""What an evaluation says of a bundle: value objects that the command prints, the report draws and the gate compares.

Nothing is computed here. The words: a *known label* was trained on, a *new label* never; of both, only pictures that
were not trained on are searched with. A *hit* is one of the first ten of a ranking that is a true match (has the
query's label), a *miss* one that is not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from retrieval.clusters import Metric
from trainer.errors import EvaluationDamaged
from trainer.evaluation.measures import FORMULAS

Name: TypeAlias = Literal["known labels", "new labels"]
Way: TypeAlias = int | Literal["auto", "all", "brute force", "kd-tree"]
"""How ten hits are found: by opening so many clusters at most, or without clusters."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, or a difference of means, and its 95 % interval by bootstrap over labels."""

    value: float
    low: float
    high: float


Measures: TypeAlias = Mapping[str, Interval]
"""By the names of MEASURES. distance_misses is absent where every hit is a true match, distance_hits where none is."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Queries searched among a gallery of which they were not part, or each without itself (`leave_one_out`).

    `queries` could be answered, of `labels` different labels; `unanswerable` ones had no true match in the gallery, and
    are in no measure. `per_label` maps a label to its plain means by the names of MEASURES, and "queries" to how many
    it has. `against` maps another bundle ("frozen", "live" or its id) to paired differences, this bundle minus that
    one; distances are not among them, for they have no common scale. `precision_recall` is the mean over queries of
    the interpolated precision (Manning, Raghavan & Schuetze 2008, section 8.4) at 21 levels of recall from 0 to 1.
    """

    name: Name
    queries: int
    unanswerable: int
    gallery: int
    labels: int
    leave_one_out: bool
    measures: Measures
    per_label: Mapping[str, Mapping[str, float]]
    against: Mapping[str, Measures] = field(default_factory=dict)
    precision_recall: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A protocol that could not be measured, and why, in words for the owner of the pictures."""

    name: Name
    reason: str


@dataclass(frozen=True, slots=True)
class Leak:
    """The same picture among the queries and in the gallery, by the paths of its files.

    The gallery's picture is left out of the query's answer.
    """

    query: str
    gallery: str
    kind: Literal["identical", "same picture"]


@dataclass(frozen=True, slots=True)
class LadderRow:
    """One way to find ten hits: how much of the exact answer it finds, what it opens and what it takes.

    `clusters_opened_mean` is None for what knows no clusters. Milliseconds are of the search alone.
    """

    metric: Metric
    probes: Way
    recall_at_10: float
    clusters_opened_mean: float | None
    milliseconds_p50: float
    milliseconds_p95: float


@dataclass(frozen=True, slots=True)
class PrecisionAt:
    """What a wanted probability leaves of the first hits: so many `hits`, of which the share `right` are true matches.

    `right` is None where no hit is left. `kept` is the share of the true matches among the first hits that is left.
    """

    probability: float
    hits: int
    right: float | None
    kept: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether match probabilities are what they say, on pairs that the curve was not fitted on.

    `bins` hold the mean probability, the share of true matches and the number of pairs; `ece` is the expected
    calibration error over them, `brier` the mean squared error of the probabilities. `method` is None where the curve
    is a bundle's own.
    """

    metric: Metric
    bins: tuple[tuple[float, float, int], ...]
    ece: float
    brier: float
    pairs: int
    meaning: Literal["label", "picture"]
    method: Literal["isotonic", "logistic"] | None
    asked: tuple[PrecisionAt, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured of one bundle.

    `trained_on` queries were dropped because a bundle had been trained on them, `skipped` pictures could not be used.
    `auto_probes`: clusters that hold 99 % of the neighbours of the gallery's vectors. Milliseconds of a query are those
    of decoding, encoding and searching one picture; None where no picture was at hand to time.
    """

    bundle_id: str
    protocols: tuple[Protocol | Missing, ...]
    leaks: tuple[Leak, ...] = ()
    ladder: tuple[LadderRow, ...] = ()
    auto_probes: int = 0
    query_milliseconds_p50: float | None = None
    query_milliseconds_p95: float | None = None
    reliability: Mapping[Metric, Reliability] = field(default_factory=dict)
    metric: Metric = "cosine"
    trained_on: int = 0
    skipped: int = 0

    def protocol(self, name: Name) -> Protocol | None:
        """What was measured under that name; None where it is missing."""
        return next((p for p in self.protocols if isinstance(p, Protocol) and p.name == name), None)


def to_json(evaluation: Evaluation) -> str:
    """The evaluation as JSON, the formulas of its measures beside it."""
    fields = _adapter().dump_python(evaluation, mode="json")
    return json.dumps(fields | {"formulas": FORMULAS}, indent=2, ensure_ascii=False, allow_nan=False)


def from_json(text: str | bytes, where: str) -> Evaluation:
    """What `to_json` wrote; `where` names the file in errors. Raises EvaluationDamaged for anything else."""
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "the whole"
        raise EvaluationDamaged(
            f"{where} is not an evaluation ({place}: {problem['msg']}). Evaluate the bundle again."
        ) from error


@cache
def _adapter() -> TypeAdapter[Evaluation]:
    return TypeAdapter(Evaluation)
