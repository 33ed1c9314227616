"""GET /items: the catalogue page by page, in an order and under a filter. Blocking."""

from api.errors import Refusal
from api.links import link, read_cursor, write_cursor
from api.schemas.search.answer import ItemAnswer, ItemsAnswer
from retrieval.catalogue import Catalogue, Order, Place
from retrieval.filters import Filter

NOT_OURS = "cursor: not one that this server wrote for this order; begin again without it."


def list_items(
    catalogue: Catalogue, filter_: Filter, filter_text: str | None, order: str, limit: int, cursor: str | None
) -> ItemsAnswer:
    """A page, how many items there are in all, and where the next page is. `filter_text` is the filter as JSON.

    Raises Refusal.
    """
    ordering = order_of(order)
    rows = catalogue.listed(
        filter_, ordering, limit=limit + 1, after=None if cursor is None else _place(cursor, ordering)
    )
    page = rows[:limit]
    next_link = next_cursor = None
    if len(rows) > limit:
        next_cursor = write_cursor(list(page[-1][1]))
        fields = {"filter": filter_text, "order": order, "limit": limit, "cursor": next_cursor}
        next_link = link("/items", {name: value for name, value in fields.items() if value})
    items = [ItemAnswer.of(item) for item, _ in page]
    total = catalogue.count_matching(filter_)
    return ItemsAnswer(items=items, total=total, next=next_link, next_cursor=next_cursor)


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


def _place(cursor: str, order: Order) -> Place:
    try:
        place = read_cursor(cursor)
    except ValueError as error:
        raise Refusal("invalid_parameter", NOT_OURS) from error
    if not order.fits(place):
        raise Refusal("invalid_parameter", NOT_OURS)
    return tuple(place)
