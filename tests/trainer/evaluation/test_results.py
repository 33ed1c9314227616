"""The value objects of an evaluation: what is written as JSON is what is read."""

import json
import math
from dataclasses import replace

import pytest

from trainer.errors import EvaluationDamaged
from trainer.evaluation.measures import FORMULAS
from trainer.evaluation.results import (
    Evaluation,
    Interval,
    LadderRow,
    Leak,
    Missing,
    Protocol,
    Reliability,
    from_json,
    to_json,
)

MEASURES = {name: Interval(0.5, 0.25, 0.75) for name in FORMULAS}
EVALUATION = Evaluation(
    bundle_id="b",
    protocols=(
        Protocol(
            name="known labels",
            queries=7,
            unanswerable=1,
            gallery=20,
            labels=2,
            leave_one_out=False,
            measures=MEASURES,
            per_label={"café ☕": {"map": 1 / 3, "queries": 3}, "3": {"map": 0.1, "queries": 4}},
            against={"frozen": {"map": Interval(-0.1, -0.2, 0.05)}},
            precision_recall=((0.0, 1.0), (1.0, 0.2)),
        ),
        Missing("new labels", "no query has a new label"),
    ),
    leaks=(Leak("a.jpg", "b.jpg", "identical"), Leak("a.jpg", "c.jpg", "same picture")),
    ladder=(
        LadderRow("cosine", 4, 0.98, 3.5, 0.2, 0.4),
        LadderRow("euclidean", "auto", 1.0, 9.0, 0.3, 0.6),
        LadderRow("euclidean", "kd-tree", 1.0, None, 0.3, 0.6),
    ),
    auto_probes=8,
    query_milliseconds_p50=8.5,
    query_milliseconds_p95=11.25,
    reliability={"cosine": Reliability("cosine", ((0.1, 0.12, 40),), 0.02, 0.1, 40, "label", "isotonic")},
    trained_on=2,
    skipped=1,
)


def test_what_is_written_is_what_is_read() -> None:
    assert from_json(to_json(EVALUATION), "here") == EVALUATION
    bare = Evaluation("b", (Missing("known labels", "x"), Missing("new labels", "y")))
    assert from_json(to_json(bare), "here") == bare


def test_the_json_says_what_each_measure_is() -> None:
    formulas = json.loads(to_json(EVALUATION))["formulas"]
    assert formulas == FORMULAS
    assert formulas["precision@5"] == "(r_1 + ... + r_5) / 5"


def test_no_number_that_json_does_not_know() -> None:
    protocol = EVALUATION.protocols[0]
    assert isinstance(protocol, Protocol)
    odd = replace(protocol, measures={"map": Interval(math.inf, 0.0, 1.0)})
    with pytest.raises(ValueError, match="JSON"):
        to_json(replace(EVALUATION, protocols=(odd,)))


@pytest.mark.parametrize("text", ["", "[]", "{}", to_json(EVALUATION).replace('"identical"', '"alike"')])
def test_what_is_no_evaluation_is_said(text: str) -> None:
    with pytest.raises(EvaluationDamaged, match=r"report/e\.json is not an evaluation .*Evaluate the bundle again"):
        from_json(text, "report/e.json")


def test_a_protocol_is_found_by_its_name() -> None:
    result = EVALUATION.protocol("known labels")
    assert result is not None
    assert result.queries == 7
    assert EVALUATION.protocol("new labels") is None
