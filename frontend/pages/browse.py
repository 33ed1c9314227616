"""Browsing the catalogue: by filters and order, by clusters, or on a map."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Blueprint, Response, g, jsonify, render_template, request, url_for
from werkzeug.exceptions import BadRequest

from frontend.api.catalogue import Cluster, MapAnswer
from frontend.api.parallel import begin
from frontend.forms.parameters import FILTER_FIELDS, FILTER_LISTS, accepts, whole_number
from frontend.languages.texts import N_, gettext
from frontend.pages.search.filters import Choice, choices_for, labels_for
from frontend.pages.search.page import read_query
from frontend.rendering import catalogue
from frontend.search_query import SearchQuery

PAGE_SIZE = 60
CLUSTERS_SIZE = 120  # on a page, the largest ones first
MAX_PAGE = 10**6
POINTS = 5000  # as many as the API gives
ORDERS = {
    "-created": N_("newest first"),
    "created": N_("oldest first"),
    "id": N_("id"),
    "-id": N_("id, last first"),
    "label": N_("label"),
    "-label": N_("label, last first"),
}

browse = Blueprint("browse", __name__, url_prefix="/browse")


@browse.get("/")
@accepts(*FILTER_FIELDS, "order", "after", lists=FILTER_LISTS)
def start() -> str:
    """The items that match the filters, and the choices of filters."""
    query, order = read_query(request.args), _order()
    cursor = request.args.get("after")
    calls = (
        begin(lambda: catalogue().page(query.filter_fields(), order=order, limit=PAGE_SIZE, cursor=cursor)),
        begin(lambda: labels_for(query)),
        begin(lambda: choices_for(query)),
    )
    page, labels, choices = calls[0].result(), calls[1].result(), calls[2].result()
    g.order = order
    return render_template(
        "browse.html",
        query=query,
        page=page,
        order=order,
        orders=_orders(choices, order),
        labels=labels,
        choices=choices,
        quick=_quick(),
        filter_text=urlencode(query.filter_parameters()),
        is_first="after" not in request.args,
        next_page=f"{browse_link(query)}&{urlencode({'after': page.next_cursor})}" if page.next_cursor else None,
    )


@browse.get("/clusters")
@accepts("page")
def clusters() -> str:
    """The clusters, largest first, each with the item nearest to its centre."""
    answer = catalogue().clusters()
    ranked = _by_size(answer.clusters)
    first = (whole_number(request.args, "page", 1, MAX_PAGE, 1) - 1) * CLUSTERS_SIZE
    if not 0 <= first < max(len(ranked), 1):
        raise BadRequest(gettext("There are not that many pages of clusters."))
    page_clusters = ranked[first : first + CLUSTERS_SIZE]
    next_number = first // CLUSTERS_SIZE + 2 if first + CLUSTERS_SIZE < len(ranked) else None
    return render_template(
        "clusters.html", clusters=page_clusters, total=len(ranked), drift=answer.drift, next_number=next_number
    )


@browse.get("/clusters/<int:number>")
@accepts()
def cluster(number: int) -> str:
    """The items of a cluster, nearest to its centre first."""
    return render_template("cluster.html", cluster=catalogue().cluster(number))


@browse.get("/map")
@accepts()
def chart() -> str:
    """The map; without the script, the largest clusters."""
    return render_template("map.html", clusters=_by_size(catalogue().clusters().clusters)[:24])


@browse.get("/map/points")
@accepts()
def points() -> Response:
    """The points of the map as JSON; labels by number, because they repeat."""
    return jsonify(_map_json(catalogue().map(POINTS)))


def browse_link(query: SearchQuery) -> str:
    """The link to browse with the filter of a search, in the order of this page."""
    return f"{url_for('browse.start')}?{urlencode([*query.filter_parameters(), ('order', g.order)])}"


def _quick() -> dict[str, SearchQuery]:
    """Filters that are wanted every day, by their names. Days are of UTC, as in every filter."""
    today = datetime.now(UTC).date()
    return {
        N_("All"): SearchQuery(),
        N_("Added today"): SearchQuery(created_from=today),
        N_("No label"): SearchQuery(unlabelled=True),
    }


@browse.app_context_processor
def _links() -> dict[str, object]:
    return {"browse_link": browse_link}


def _order() -> str:
    order = request.args.get("order") or "id"
    by = order.removeprefix("-")
    if by not in {"created", "id", "label"} and not (by.startswith("attributes.") and len(by) > len("attributes.")):
        raise BadRequest(
            gettext("Pictures are ordered by created, by id, by label, or by attributes. and the name of one.")
        )
    return order


def _orders(choices: list[Choice], current: str) -> dict[str, str]:
    """The names of all orders, by their values in links."""
    names = [choice.facet.attribute for choice in choices]
    orders = {order: gettext(words) for order, words in ORDERS.items()}
    orders |= {f"attributes.{name}": name for name in names}
    orders |= {f"-attributes.{name}": gettext("%(name)s, last first", name=name) for name in names}
    return orders if current in orders else orders | {current: current.replace("attributes.", "")}


def _by_size(clusters: list[Cluster]) -> list[Cluster]:
    """The clusters that have items, largest first."""
    return sorted((each for each in clusters if each.size), key=lambda each: (-each.size, each.number))


def _map_json(answer: MapAnswer) -> dict[str, object]:
    counts: dict[str, int] = {}
    for point in answer.points:
        if point.label is not None:
            counts[point.label] = counts.get(point.label, 0) + 1
    labels = sorted(counts, key=lambda label: (-counts[label], label))
    numbers: dict[str | None, int] = {label: number for number, label in enumerate(labels)}
    point_rows = [[point.id, point.x, point.y, numbers.get(point.label, -1)] for point in answer.points]
    return {"labels": labels, "points": point_rows, "total": answer.total}
