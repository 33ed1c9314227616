"""Filters and facets in SQL say what they say of each item in plain Python."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.catalogue import Catalogue, Item
from retrieval.filters import Condition, Filter, Not, OneOf, Range, Value
from tests.support.marks import examples

PLAIN = Item("x", "images/x.jpg", "0" * 64, "image/jpeg", 400, 533, None, {}, "source")
NAMES = ["price", "größe", 'we"ird\\.[0]', "$"]

numbers = st.integers(-3, 3) | st.sampled_from([0.5, -1.5, 2.0, 1e300, 10**18, 2**63, 10**30])
texts = st.sampled_from(["", "a", "B", "ä", "花", "true", "1", "x'y\"%"])
values = numbers | texts | st.booleans()
ranges = st.sampled_from([numbers, texts]).flatmap(
    lambda bounds: st.dictionaries(st.sampled_from(["gte", "gt", "lte", "lt"]), bounds, min_size=1)
)
conditions = st.recursive(
    st.lists(values | st.none(), max_size=4).map(lambda among: OneOf(tuple(among)))
    | ranges.map(lambda bounds: Range(**bounds)),
    lambda inner: inner.map(Not),
    max_leaves=3,
)
filters = st.builds(
    Filter, label=st.none() | conditions, attributes=st.dictionaries(st.sampled_from(NAMES), conditions, max_size=2)
)
stocks = st.lists(
    st.tuples(st.none() | texts, st.dictionaries(st.sampled_from(NAMES), values, max_size=3)), max_size=12
)


def kind(value: object) -> str:
    return "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def same(one: Value | None, other: Value | None) -> bool:
    if one is None or other is None:
        return one is other
    if kind(one) == kind(other) == "number":  # as SQLite compares what no 64 bits hold
        return one == other or (float(one) == float(other) and max(abs(float(one)), abs(float(other))) >= 2**63)
    return kind(one) == kind(other) and one == other


def holds(condition: Condition | None, value: Value | None) -> bool:
    match condition:
        case None:
            return True
        case Not(inner):
            return not holds(inner, value)
        case OneOf(among):
            return any(same(value, each) for each in among)
        case Range():
            tests = {"gte": "__ge__", "gt": "__gt__", "lte": "__le__", "lt": "__lt__"}
            return value is not None and all(
                kind(value) == kind(bound)
                and getattr(float(value) if kind(value) == "number" else value, tests[name])(
                    float(bound) if kind(value) == "number" else bound
                )
                for name, bound in condition.bounds().items()
            )


def passes(filter_: Filter, label: str | None, attributes: Mapping[str, Value]) -> bool:
    named = (holds(condition, attributes.get(name)) for name, condition in filter_.attributes.items())
    return holds(filter_.label, label) and all(named)


@settings(max_examples=examples(200), deadline=None)
@given(stocks, filters, st.sets(st.sampled_from(["000", "001", "004", "absent"])), st.sampled_from([None, *NAMES]))
def test_a_filter_lets_through_what_it_says(
    stock: list[tuple[str | None, dict[str, Value]]], filter_: Filter, without: set[str], name: str | None
) -> None:
    items = [replace(PLAIN, id=f"{n:03}", label=label, attributes=held) for n, (label, held) in enumerate(stock)]
    with TemporaryDirectory() as folder:
        catalogue = Catalogue(f"sqlite:///{Path(folder) / 'catalogue.sqlite'}")
        catalogue.replace_source(items)
        wanted = [item for item in items if passes(filter_, item.label, item.attributes)]
        labels = Counter(item.label for item in wanted if item.label is not None)
        assert catalogue.labels(filter_) == labels
        check_facets(catalogue, filter_, wanted)
        wanted = [item for item in wanted if item.id not in without]
        assert catalogue.matching(filter_, without) == [item.id for item in wanted]
        assert catalogue.count_matching(filter_, without) == len(wanted)
        check_tallies(catalogue, filter_, without, name, wanted)
        catalogue.close()


def keyed(value: Value | None) -> tuple[str, Value | None]:
    """A key that does not take True for 1, nor tells numbers apart that 64 bits do not."""
    shortened = float(value) if kind(value) == "number" and value is not None else value
    return (kind(value), shortened)


def check_facets(catalogue: Catalogue, filter_: Filter, wanted: list[Item]) -> None:
    facets = {facet.name: facet for facet in catalogue.facets(filter_, limit=2)}
    assert set(facets) == {name for item in wanted for name in item.attributes}
    for name, facet in facets.items():
        counted = Counter(keyed(item.attributes[name]) for item in wanted if name in item.attributes)
        assert facet.distinct == len(counted)
        assert [count for _, count in facet.values] == sorted(counted.values(), reverse=True)[:2]
        assert all(counted[keyed(value)] == count for value, count in facet.values)
        result = [value for (of_kind, value) in counted if of_kind == "number"]
        assert (facet.least, facet.most) == (min(result, default=None), max(result, default=None))


def check_tallies(
    catalogue: Catalogue, filter_: Filter, without: set[str], name: str | None, wanted: list[Item]
) -> None:
    own = [item.label if name is None else item.attributes.get(name) for item in wanted]
    counted = Counter(map(keyed, own))
    assert catalogue.count_values(name, filter_, without) == len(counted)
    values = list({keyed(value): value for value in own[:3]}.values())
    result = catalogue.tally(name, values, filter_, without)
    assert {keyed(value): count for value, count in result} == {keyed(value): counted[keyed(value)] for value in values}


@pytest.mark.parametrize("bounds", [{}, {"gte": 1, "lt": "b"}, {"gte": True}])
def test_a_range_is_of_numbers_or_of_texts(bounds: dict[str, Value]) -> None:
    with pytest.raises(ValueError, match="all of them numbers or all of them texts"):
        Range(**bounds)
