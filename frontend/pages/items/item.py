"""The page of an item: show, change, delete."""

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from frontend import messages
from frontend.api.connection import ApiError, ApiRefused
from frontend.api.models import Item, Value
from frontend.forms.item import KINDS, kind_of, parse_description
from frontend.forms.parameters import accepts, choice
from frontend.languages.texts import N_, gettext
from frontend.pages.items.history import steps_of
from frontend.rendering import api, catalogue, limit_bytes

MAX_DELETED = 500  # at once
DONE = {"saved": N_("Label and attributes are saved."), "undone": N_("The change is undone.")}

items = Blueprint("items", __name__, url_prefix="/items")


@items.get("/")
@accepts("id", "done")
def show() -> str:
    """The picture, with a form for its label and attributes."""
    return _page(
        api().item(request.args.get("id") or abort(404)), done=DONE.get(choice(request.args, "done", tuple(DONE)))
    )


@items.post("/change")
@accepts("id", "label", "numbers", lists=("name", "kind", "value"))
def change() -> str | Response | tuple[str, int]:
    """Save label and attributes. Mistakes are shown above the form, which keeps its fields."""
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
        label, rows = _submitted()
        page = render_template(
            "item_not_saved.html", item_id=item_id, error_message=error_message, label=label, rows=rows, kinds=KINDS
        )
        return page, error_message.status
    return redirect(url_for("items.show", id=item_id, done="saved"), 303)


@items.post("/delete")
@accepts("back", "sure", lists=("id",))
def delete() -> Response | str:
    """Move items into the bin after a confirmation.

    The script confirms after the time to undo; without it, a page asks.
    """
    ids = selected_ids(request.form)
    back = local_path(request.form.get("back"))
    if not ids:
        return redirect(back, 303)
    if choice(request.form, "sure", ("yes",)) != "yes":
        return confirmation(ids, back, action=url_for("items.delete"))
    catalogue().delete_all(ids)
    return redirect(back, 303)


def selected_ids(form: MultiDict[str, str]) -> tuple[str, ...]:
    """The ids of a form, each once. Raises BadRequest for too many."""
    ids = tuple(dict.fromkeys(each for each in form.getlist("id") if each))
    if len(ids) > MAX_DELETED:
        raise BadRequest(gettext("At most %(count)s pictures can be deleted at once.", count=MAX_DELETED))
    return ids


def confirmation(ids: Sequence[str], back: str, *, action: str) -> str:
    """The page that asks whether to delete items; `action` gets the answer, with the fields of this form."""
    return render_template(
        "delete.html", items=_existing(ids), back=back, action=action, members=request.form.getlist("members")
    )


def _page(item: Item, *, done: str | None = None, mistake: str | None = None) -> str:
    """The page of an item; after a mistake, with the fields as they were sent."""
    if mistake is None:
        label = item.label
        rows = [(name, kind_of(value), value) for name, value in item.attributes.items() if value is not None]
    else:
        label, rows = _submitted()
    return render_template(
        "item.html",
        item=item,
        label=label,
        rows=rows,
        kinds=KINDS,
        done=done,
        mistake=mistake,
        history=steps_of(item.id),
    )


def _submitted() -> tuple[str | None, list[tuple[str, str, Value]]]:
    """Label and rows of attributes as they were sent."""
    fields = request.form
    rows = zip(fields.getlist("name"), fields.getlist("kind"), fields.getlist("value"), strict=False)
    return fields.get("label"), [(name, kind, text) for name, kind, text in rows if name or text]


def _existing(ids: Sequence[str]) -> list[Item]:
    """The items that still exist."""
    existing = []
    for item_id in ids:
        try:
            existing.append(api().item(item_id))
        except ApiRefused as refused:
            if refused.problem.status != 404:
                raise
    return existing


def local_path(target: str | None) -> str:
    """The path if it is one of this page, else that of browsing: never a link to another site."""
    root = f"{request.script_root}/"
    if target is None or not target.isprintable() or not target.startswith(root):
        return url_for("browse.start")
    if target[1:2] in {"/", "\\"}:  # //host and /\\host are other sites
        return url_for("browse.start")
    segments = unquote(urlsplit(target).path).replace("\\", "/").split("/")
    return url_for("browse.start") if {".", ".."} & set(segments) else target
