"""What there is to filter by, with how many items have it: asked for only when somebody opens it."""

from dataclasses import dataclass

from flask import Blueprint, render_template, request

from frontend.api.models import Facet, FacetsAnswer, LabelsAnswer, Value
from frontend.pages.search import remembered
from frontend.rendering import api
from frontend.search_query import Asked, Condition

MOST_BOXES = 12  # numbers of more values than this are chosen as a range

filters = Blueprint("filters", __name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """One attribute, and what of it is chosen."""

    facet: Facet
    chosen: Condition

    @property
    def is_range(self) -> bool:
        """Whether it is chosen by two ends."""
        return self.facet.least is not None and self.facet.distinct > MOST_BOXES and not self.chosen.values

    def has(self, value: Value) -> bool:
        """Whether this value is chosen; 1 is not true."""
        return any(type(each) is type(value) and each == value for each in self.chosen.values)

    @property
    def hidden(self) -> list[Value]:
        """Chosen values that are not among the most frequent ones."""
        shown = {(type(each.value), each.value) for each in self.facet.values}
        return [value for value in self.chosen.values if (type(value), value) not in shown]


@filters.get("/search/filters")
def choose() -> str:
    """A page with the form and all filters; the script takes the filters alone out of it."""
    asked = remembered(request.args)
    return render_template("filters.html", asked=asked, labels=labels_for(asked), choices=choices_for(asked))


def labels_for(asked: Asked) -> LabelsAnswer:
    """The labels, counted without those that are chosen, so that others can be added to them."""
    return api().labels(asked.changed(labels=()).chosen())


def choices_for(asked: Asked) -> list[Choice]:
    """Each attribute that there is to choose by, by name."""
    facets = {facet.attribute: facet for facet in _facets(asked).facets}
    for name in asked.attributes:
        others = _facets(asked.without_attribute(name)).facets  # counted without it, as labels are
        facets |= {facet.attribute: facet for facet in others if facet.attribute == name}
    return [Choice(facet, asked.attributes.get(name, Condition())) for name, facet in sorted(facets.items())]


def _facets(asked: Asked) -> FacetsAnswer:
    return api().facets(asked.chosen())
