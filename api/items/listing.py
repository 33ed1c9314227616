"""GET /items: the catalogue page by page, in an order and under a filter. Blocking."""

import base64
import binascii
import json
from urllib.parse import urlencode

from api.errors import Refusal
from api.links import link
from api.schemas.search_answer import ItemAnswer, ItemsAnswer
from retrieval.catalogue import Catalogue, Order, Place
from retrieval.filters import Filter

ORDER = r"^-?(id|label|created|attributes\.[^\u0000]+)$"
NOT_OURS = "cursor: not one that this server wrote for this order; begin again without it."


def list_items(
    catalogue: Catalogue, filter_: Filter, filter_text: str | None, order: str, limit: int, cursor: str | None
) -> ItemsAnswer:
    """A page, how many items there are in all, and the link to the next page. `sent_filter` is `chosen` as it was sent.

    Raises Refusal.
    """
    ordering = order_of(order)
    rows = catalogue.listed(
        filter_, ordering, limit=limit + 1, after=None if cursor is None else _place(cursor, ordering)
    )
    page = rows[:limit]
    next_link = None
    if len(rows) > limit:
        fields = {"filter": filter_text, "order": order, "limit": limit, "cursor": _cursor(page[-1][1])}
        next_link = link(f"/items?{urlencode({name: value for name, value in fields.items() if value})}")
    items = [ItemAnswer.of(item) for item, _ in page]
    return ItemsAnswer(items=items, total=catalogue.count_matching(filter_), next=next_link)


def order_of(text: str) -> Order:
    """What retrieval knows of an order."""
    name = text.removeprefix("-")
    descending = name != text
    if name == "id":
        return Order(descending=descending)
    if name == "created":
        return Order("created", descending=descending)
    if name == "label":
        return Order("label", descending=descending)
    return Order("attribute", name.removeprefix("attributes."), descending)


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _place(cursor: str, order: Order) -> Place:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise Refusal("invalid_parameter", NOT_OURS) from error
    if not order.fits(place):
        raise Refusal("invalid_parameter", NOT_OURS)
    return tuple(place)
