"""One item: what is known of it, and to change or delete it."""

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from frontend import messages
from frontend.api.connection import ApiError, ApiRefused
from frontend.api.models import Item, Value
from frontend.forms.item import KINDS, kind_of, parse_description
from frontend.forms.parameters import accepts
from frontend.rendering import api, catalogue, limit_bytes

MAX_DELETED = 500  # at once
DONE = {"saved": "Label and attributes are saved."}

items = Blueprint("items", __name__, url_prefix="/items")


@items.get("/")
@accepts("id", "done")
def show() -> str:
    """The picture, and a form for what is known of it."""
    return _page(api().item(request.args.get("id") or abort(404)), done=DONE.get(request.args.get("done", "")))


@items.post("/change")
@accepts("id", "label", lists=("name", "kind", "value"))
def change() -> str | Response | tuple[str, int]:
    """Save what the form says. What is wrong is said above the form, which keeps what was written."""
    item_id = request.form.get("id") or abort(404)
    try:
        description = parse_description(request.form)
        catalogue().change(item_id, description.label, description.attributes)
    except BadRequest as mistake:
        return _page(api().item(item_id), mistake=mistake.description), 400
    except ApiError as failed:
        if isinstance(failed, ApiRefused) and failed.problem.status == 422:
            return _page(api().item(item_id), mistake=failed.problem.detail or failed.problem.title), 422
        error_message = messages.explain(failed, limit_bytes=limit_bytes())
        label, rows = _sent()
        page = render_template(
            "item_not_saved.html", item_id=item_id, error_message=error_message, label=label, rows=rows, kinds=KINDS
        )
        return page, error_message.status
    return redirect(url_for("items.show", id=item_id, done="saved"), 303)


@items.post("/delete")
@accepts("back", "sure", lists=("id",))
def delete() -> Response | str:
    """Delete items, once it is said that one is sure: what is deleted cannot be brought back.

    The script says so after the seconds in which it offers to undo; without it, a page asks.
    """
    ids = tuple(dict.fromkeys(each for each in request.form.getlist("id") if each))
    back = _local_path(request.form.get("back"))
    if not ids:
        return redirect(back, 303)
    if len(ids) > MAX_DELETED:
        raise BadRequest(f"At most {MAX_DELETED} pictures can be deleted at once.")
    if request.form.get("sure") != "yes":
        return render_template("delete.html", items=_known(ids), back=back)
    for item_id in ids:
        catalogue().delete(item_id)
    return redirect(back, 303)


def _page(item: Item, *, done: str | None = None, mistake: str | None = None) -> str:
    """With the rows as they were sent, if something is wrong with them."""
    if mistake is None:
        label = item.label
        rows = [(name, kind_of(known), known) for name, known in item.attributes.items() if known is not None]
    else:
        label, rows = _sent()
    return render_template("item.html", item=item, label=label, rows=rows, kinds=KINDS, done=done, mistake=mistake)


def _sent() -> tuple[str | None, list[tuple[str, str, Value]]]:
    """Label and rows as the form says them."""
    sent = request.form
    rows = zip(sent.getlist("name"), sent.getlist("kind"), sent.getlist("value"), strict=False)
    return sent.get("label"), [(name, kind, text) for name, kind, text in rows if name or text]


def _known(ids: Sequence[str]) -> list[Item]:
    """Those that are still there."""
    found = []
    for item_id in ids:
        try:
            found.append(api().item(item_id))
        except ApiRefused as refused:
            if refused.problem.status != 404:
                raise
    return found


def _local_path(target: str | None) -> str:
    """A path of this page to go on with; the start of browsing for anything else: never lead to another site."""
    root = f"{request.script_root}/"
    if target is None or not target.isprintable() or not target.startswith(root):
        return url_for("browse.start")
    if target[1:2] in {"/", "\\"}:  # //host and /\\host are other sites
        return url_for("browse.start")
    segments = unquote(urlsplit(target).path).replace("\\", "/").split("/")
    return url_for("browse.start") if {".", ".."} & set(segments) else target
