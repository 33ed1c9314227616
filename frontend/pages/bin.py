"""The bin: deleted pictures, restored or deleted for good."""

from collections.abc import Sequence
from typing import cast

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as Redirect

from frontend import messages
from frontend.api.bin import BinClient, BinEntry, checked_entry
from frontend.api.connection import ApiError, ApiRefused
from frontend.forms.parameters import accepts, choice
from frontend.languages.texts import gettext
from frontend.pages.pictures import file_response
from frontend.rendering import THUMBNAIL_SIZES, limit_bytes

PAGE_SIZE = 60
AT_ONCE = 20
"""Pictures restored by one request to the API, which encodes each of them: far within its time."""
MAX_SELECTED = 500
DONE = ("restored", "deleted", "emptied")
REFUSED_ALONE = {"entry_missing", "item_exists", "picture_missing"}
"""Codes that concern one picture: the others can be restored."""

bin_page = Blueprint("bin", __name__, url_prefix="/bin")


@bin_page.get("/")
@accepts("after", "done", "count")
def start() -> str:
    """The deleted pictures, the latest first."""
    return _page()


@bin_page.post("/restore")
@accepts("back", "only", lists=("entry", "id"))
def restore() -> Redirect | tuple[str, int]:
    """Restore pictures by their entries; or by their ids, as the undo of a deletion does."""
    ids = _selected("id")
    entries = [request.form["only"]] if request.form.get("only") else _selected("entry")
    for entry in entries:
        checked_entry(entry)
    if ids:
        for start in range(0, len(ids), AT_ONCE):
            client().restore_items(ids[start : start + AT_ONCE])
        return redirect(url_for("bin.start", done="restored", count=len(ids)), 303)
    if not entries:
        return redirect(url_for("bin.start"), 303)
    restored, refusals = _restore(entries)
    if refusals:
        return _page(restored=restored, refusals=refusals), 409
    return redirect(url_for("bin.start", done="restored", count=restored), 303)


@bin_page.post("/delete")
@accepts("sure", "everything", lists=("entry",))
def delete() -> Redirect | str:
    """Delete pictures for good, after a page that asks."""
    everything = choice(request.form, "everything", ("yes",)) == "yes"
    entries = [] if everything else _selected("entry")
    if not entries and not everything:
        return redirect(url_for("bin.start"), 303)
    if choice(request.form, "sure", ("yes",)) != "yes":
        page = client().page(limit=PAGE_SIZE)
        count = page.total if everything else len(entries)
        return render_template("bin_delete.html", entries=entries, everything=everything, count=count)
    count = client().empty() if everything else client().delete(entries)
    return redirect(url_for("bin.start", done="emptied" if everything else "deleted", count=count), 303)


@bin_page.get("/thumbnail")
@accepts("entry", "size")
def thumbnail() -> Response:
    """A small version of a deleted picture."""
    size = request.args.get("size", default=0, type=int)
    if size not in THUMBNAIL_SIZES:
        abort(404)
    try:
        return file_response(
            client().thumbnail(request.args.get("entry", ""), size, request.headers.get("If-None-Match"))
        )
    except ApiError as error:  # the status only: browsers show the alternative text
        return Response(status=messages.explain(error, limit_bytes=limit_bytes()).status, mimetype="text/plain")


def client() -> BinClient:
    """The app's client for the bin."""
    return cast(BinClient, current_app.extensions["lookalike_bin"])


def _page(*, restored: int = 0, refusals: Sequence[messages.ErrorMessage] = ()) -> str:
    after = request.args.get("after")
    page = client().page(limit=PAGE_SIZE, cursor=checked_entry(after) if after else None)
    return render_template(
        "bin.html",
        page=page,
        is_first=not after,
        done=choice(request.args, "done", DONE),
        count=request.args.get("count", default=0, type=int),
        restored=restored,
        refusals=refusals,
        srcset=_srcset,
        next_page=url_for("bin.start", after=page.next_cursor) if page.next_cursor else None,
    )


def _srcset(entry: BinEntry) -> str:
    """The `srcset` of an entry: its thumbnails and their widths."""
    narrowing = min(1, entry.width / entry.height)
    return ", ".join(
        f"{url_for('bin.thumbnail', entry=entry.entry, size=size)} {max(1, round(size * narrowing))}w"
        for size in THUMBNAIL_SIZES
    )


def _restore(entries: Sequence[str]) -> tuple[int, list[messages.ErrorMessage]]:
    """Restore entries, some at a time; where some cannot be, each alone. Returns how many were, and why others not."""
    restored, refusals = 0, []
    for start in range(0, len(entries), AT_ONCE):
        some = entries[start : start + AT_ONCE]
        try:
            restored += client().restore(some)
        except ApiRefused as refused:
            if refused.problem.code not in REFUSED_ALONE:
                raise
            if len(some) == 1:
                refusals.append(messages.explain(refused, limit_bytes=limit_bytes()))
                continue
            for entry in some:
                more, reasons = _restore([entry])
                restored, refusals = restored + more, refusals + reasons
    return restored, refusals


def _selected(name: str) -> list[str]:
    values = list(dict.fromkeys(each for each in request.form.getlist(name) if each))
    if len(values) > MAX_SELECTED:
        raise BadRequest(gettext("At most %(count)s pictures can be selected at once.", count=MAX_SELECTED))
    return values
