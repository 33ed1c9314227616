"""Many pictures at once: selected one by one, or all that a filter lets through; labelled, deleted, exported.

The script sends the forms by itself and shows the answer below the pictures; without it, each answer is a page.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, jsonify, render_template, request, stream_with_context, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as Answer

from frontend.api.corrections import Selected
from frontend.api.models import Item
from frontend.forms.item import KINDS, value
from frontend.forms.parameters import accepts, choice
from frontend.forms.search import read
from frontend.languages.texts import gettext, ngettext
from frontend.pages.items.item import local_path
from frontend.pages.tables import csv_lines, json_lines
from frontend.rendering import api, catalogue, corrections, form_limit_bytes
from frontend.search_query import SearchQuery

MAX_SELECTED = 5000
SCRIPT_HEADER = "X-Lookalike-Script"
PAGE_SIZE = 200  # items in one answer of the API
FIELDS = ("back", "everything", "filter", "new_label", "name", "kind", "value", "sure", "as")

selection = Blueprint("selection", __name__, url_prefix="/selection")


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected: some ids, or all that the filter of a search lets through; and where it was done."""

    ids: tuple[str, ...]
    query: SearchQuery | None
    back: str

    @property
    def selected(self) -> Selected:
        """As the API takes it."""
        return Selected(self.ids) if self.query is None else Selected(filter=self.query.filter_fields())

    def count(self) -> int:
        """How many there are."""
        if self.query is None:
            return len(self.ids)
        return catalogue().page(self.query.filter_fields(), order="id", limit=1).total

    def items(self) -> Iterator[Item]:
        """All of them, as they are read."""
        if self.query is None:
            yield from (api().item(item_id) for item_id in self.ids)
            return
        cursor, further = None, True
        while further:
            page = catalogue().page(self.query.filter_fields(), order="id", limit=PAGE_SIZE, cursor=cursor)
            yield from page.items
            cursor = page.next_cursor
            further = cursor is not None


@selection.post("/label")
@accepts(*FIELDS, lists=("id",), max_body_bytes=form_limit_bytes)
def label() -> Answer | str:
    """Give all selected pictures a label."""
    selected = read_selection()
    new = request.form.get("new_label", "").strip()
    if not new:
        raise BadRequest(gettext("Type a label first."))
    changed = corrections().change(selected.selected, {"label": new})
    words = ngettext(
        "%(num)s picture is labelled “%(label)s”.",
        "%(num)s pictures are labelled “%(label)s”.",
        changed.changed,
        label=new,
    )
    return _done(words, selected, change=changed.change, label=new)


@selection.post("/attribute")
@accepts(*FIELDS, lists=("id",), max_body_bytes=form_limit_bytes)
def attribute() -> Answer | str:
    """Give all selected pictures an attribute, or take it away where the value is empty."""
    selected = read_selection()
    name, text = (request.form.get(field, "").strip() for field in ("name", "value"))
    if not name:
        raise BadRequest(gettext("Name the attribute first."))
    new = value(name, choice(request.form, "kind", tuple(KINDS)) or "text", text) if text else None
    changed = corrections().change(selected.selected, {"attributes": {name: new}})
    words = ngettext("%(num)s picture is changed.", "%(num)s pictures are changed.", changed.changed)
    return _done(words, selected, change=changed.change)


@selection.post("/undo")
@accepts("back", "change")
def undo() -> Answer | str:
    """Undo a change of selected pictures."""
    undone = corrections().undo(request.form.get("change", ""))
    words = ngettext(
        "%(num)s picture is as it was before.", "%(num)s pictures are as they were before.", undone.changed
    )
    left = undone.matching - undone.changed
    if left:
        words += " " + ngettext(
            "%(num)s was changed again since and is left alone.",
            "%(num)s were changed again since and are left alone.",
            left,
        )
    return _done(words, Selection((), None, local_path(request.form.get("back"))))


@selection.post("/delete")
@accepts(*FIELDS, lists=("id",), max_body_bytes=form_limit_bytes)
def delete() -> Answer | str:
    """Move all selected pictures into the bin, after a page that asks; the script has asked before."""
    selected = read_selection()
    if choice(request.form, "sure", ("yes",)) != "yes":
        return render_template("selection_delete.html", selection=selected, count=selected.count())
    if selected.query is None:
        catalogue().delete_all(selected.ids)
        count = len(selected.ids)
    else:
        count = corrections().delete_matching(selected.query.filter_fields())
    words = ngettext("%(num)s picture is in the bin.", "%(num)s pictures are in the bin.", count)
    return _done(words, selected, bin=url_for("bin.start"))


@selection.post("/export")
@accepts(*FIELDS, lists=("id",), max_body_bytes=form_limit_bytes)
def export() -> Response:
    """A table of all selected pictures: CSV or JSON, sent as it is read."""
    selected = read_selection()
    kind = choice(request.form, "as", ("csv", "json")) or "csv"
    lines = csv_lines(selected.items()) if kind == "csv" else json_lines(selected.items())
    response = Response(stream_with_context(lines), mimetype="text/csv" if kind == "csv" else "application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="pictures.{kind}"'
    return response


def read_selection() -> Selection:
    """The selection in a form. Raises BadRequest where nothing, or too much, is selected."""
    back = local_path(request.form.get("back"))
    if choice(request.form, "everything", ("yes",)):
        fields = parse_qsl(request.form.get("filter", ""), keep_blank_values=True)
        return Selection((), read(MultiDict(fields)), back)
    ids = tuple(dict.fromkeys(each for each in request.form.getlist("id") if each))
    if not ids:
        raise BadRequest(gettext("No picture is selected."))
    if len(ids) > MAX_SELECTED:
        raise BadRequest(gettext("At most %(count)s pictures can be selected one by one.", count=MAX_SELECTED))
    return Selection(ids, None, back)


def _done(words: str, selected: Selection, *, change: str | None = None, **more: Any) -> Answer | str:
    """What was done: as JSON for the script, else as a page."""
    if SCRIPT_HEADER in request.headers:
        return jsonify({"words": words, "change": change, **more})
    return render_template("selection_done.html", words=words, back=selected.back, change=change)
