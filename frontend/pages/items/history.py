"""The history of an item on its page: what was changed, and how that is undone."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from frontend.api.connection import ApiError
from frontend.api.corrections import Change
from frontend.api.models import Value
from frontend.forms.parameters import accepts
from frontend.rendering import corrections

MAX_SHOWN = 10

item_history = Blueprint("item_history", __name__, url_prefix="/items")


@dataclass(frozen=True, slots=True)
class Step:
    """One change: of which parts, from what and to what. `name` is None for the label."""

    entry: str
    created: datetime
    by: str | None
    is_undoing: bool
    parts: list[tuple[str | None, Value | None, Value | None]]


@item_history.post("/undo")
@accepts("id", "entry")
def undo() -> Response:
    """Undo the latest change of an item."""
    item_id = request.form.get("id") or abort(404)
    corrections().undo_item(item_id, request.form.get("entry"))
    return redirect(url_for("items.show", id=item_id, done="undone"), 303)


def steps_of(item_id: str) -> list[Step]:
    """The latest changes of an item, the latest first; none where they cannot be read: the page works without them."""
    try:
        changes = corrections().history(item_id, limit=MAX_SHOWN).changes
    except ApiError:
        return []
    return [
        Step(change.entry, change.created, change.by, change.undoes is not None, _parts(change)) for change in changes
    ]


def _parts(change: Change) -> list[tuple[str | None, Value | None, Value | None]]:
    before, after = change.before, change.after
    parts: list[tuple[str | None, Value | None, Value | None]] = []
    if before.label != after.label:
        parts.append((None, before.label, after.label))
    names = sorted({*before.attributes, *after.attributes})
    pairs = ((name, before.attributes.get(name), after.attributes.get(name)) for name in names)
    return parts + [part for part in pairs if (type(part[1]), part[1]) != (type(part[2]), part[2])]
