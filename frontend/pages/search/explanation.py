"""Why a match was found: both pictures side by side, with heat maps of what each part adds to the similarity."""

from flask import Blueprint, abort, render_template, request
from werkzeug.wrappers import Response

from frontend import messages
from frontend.forms.parameters import SEARCH_FIELDS, SEARCH_LISTS, accepts
from frontend.pages.search.page import read_query, uploaded_file
from frontend.rendering import api, error_page, limit_bytes
from frontend.search_query import SearchQuery

explanation = Blueprint("explanation", __name__)


@explanation.get("/why")
@accepts("match", *SEARCH_FIELDS, lists=SEARCH_LISTS)
def by_link() -> str:
    """The explanation of a match of an item or URL."""
    query = read_query(request.args)
    if query.id is None and query.url is None:
        abort(404)
    return _page(query, _match())


@explanation.post("/why")
@accepts("file", "match", *SEARCH_FIELDS, lists=SEARCH_LISTS)
def by_form() -> str | Response:
    """The explanation of a match of an upload."""
    upload, match = uploaded_file(), request.form.get("match")
    query = read_query(request.form, with_picture=True)
    if upload is None or not match:
        return error_page(messages.no_picture())
    picture = upload.read()
    if len(picture) > limit_bytes():
        return error_page(messages.too_large(limit_bytes()))
    return _page(query.with_changes(id=None, url=None, cursor=None), match, picture)


def _match() -> str:
    return request.args.get("match") or abort(404)


def _page(query: SearchQuery, match: str, picture: bytes | None = None) -> str:
    item = api().item(match)
    explained = api().explain({**query.picture_fields(), "item": match}, picture)
    return render_template("explanation.html", query=query, item=item, explained=explained)
