"""Choices of filters with their counts, loaded when the section is opened."""

from dataclasses import dataclass

from flask import Blueprint, render_template, request

from frontend.api.models import Facet, FacetsAnswer, LabelsAnswer, Value
from frontend.api.parallel import begin
from frontend.forms.parameters import SEARCH_FIELDS, SEARCH_LISTS, accepts
from frontend.pages.search.page import read_query
from frontend.rendering import api
from frontend.search_query import Condition, SearchQuery

MAX_CHECKBOXES = 12  # numbers of more values than this are chosen as a range

filters = Blueprint("filters", __name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """The values of an attribute, and the condition on it."""

    facet: Facet
    condition: Condition

    @property
    def is_range(self) -> bool:
        """Whether it is filtered by a range."""
        return self.facet.least is not None and self.facet.distinct > MAX_CHECKBOXES and not self.condition.values

    def has(self, value: Value) -> bool:
        """Whether this value is selected; 1 is not true."""
        return any(type(each) is type(value) and each == value for each in self.condition.values)

    @property
    def hidden(self) -> list[Value]:
        """Selected values that are not among the most frequent ones."""
        offered = {(type(each.value), each.value) for each in self.facet.values}
        return [value for value in self.condition.values if (type(value), value) not in offered]


@filters.get("/search/filters")
@accepts(*SEARCH_FIELDS, lists=SEARCH_LISTS)
def choose() -> str:
    """A page with all filters; the script uses its filters only."""
    query = read_query(request.args)
    labels, choices = begin(lambda: labels_for(query)), begin(lambda: choices_for(query))
    return render_template("filters.html", query=query, labels=labels.result(), choices=choices.result())


def labels_for(query: SearchQuery) -> LabelsAnswer:
    """The labels, counted without the condition on labels, so that more can be selected."""
    return api().labels(query.with_changes(labels=(), unlabelled=False).filter_fields())


def choices_for(query: SearchQuery) -> list[Choice]:
    """The choices for each attribute, by name."""
    facets = {facet.attribute: facet for facet in _facets(query).facets}
    for name in query.attributes:
        others = _facets(query.without_attribute(name)).facets  # counted without it, as labels are
        facets |= {facet.attribute: facet for facet in others if facet.attribute == name}
    return [Choice(facet, query.attributes.get(name, Condition())) for name, facet in sorted(facets.items())]


def _facets(query: SearchQuery) -> FacetsAnswer:
    return api().facets(query.filter_fields())
