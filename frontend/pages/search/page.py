"""The start page and the matches. Every search has a link, except the upload of a picture before its answer."""

from base64 import b64encode
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from frontend import messages
from frontend.api.models import SearchAnswer
from frontend.formatting import BROWSER_FORMATS
from frontend.forms.parameters import SEARCH_FIELDS, SEARCH_LISTS, accepts
from frontend.forms.search import address, read
from frontend.languages.texts import gettext
from frontend.pages.search.verdict import verdict_of
from frontend.rendering import api, error_page, limit_bytes, search_link
from frontend.search_query import SearchQuery, cursor_of

SAMPLE_SIZE = 7  # a first visit stays below 80 kB with them: see docs/benchmarks.md
SCRIPT_HEADER = "X-Lookalike-Script"  # our script asks, and shows the picture it has by itself

search = Blueprint("search", __name__)


@search.get("/")
@accepts()
def start() -> str:
    """The search form, and a sample of the catalogue to start from."""
    return render_template("start.html", sample=api().sample(SAMPLE_SIZE))


@search.get("/search")
@accepts(*SEARCH_FIELDS, lists=SEARCH_LISTS)
def by_link() -> str | Response:
    """The matches of a search link."""
    query = read_link(request.args)
    if not query.is_complete:
        return redirect(url_for("search.start"))
    item = api().item(query.id) if query.id is not None else None
    return _results(query, api().search(query.search_fields()), item=item)


@search.post("/search")
@accepts("address", *SEARCH_FIELDS, lists=("file", *SEARCH_LISTS))
def by_form() -> str | Response:
    """The matches of an upload; without one, a redirect to the link of the search."""
    upload = uploaded_file()
    query = read_query(request.form, with_picture=upload is not None)
    if upload is None:
        if url := address(request.form.get("address", "")):
            query = query.by_address(url)
        elif query.text is not None:
            query = query.by_words(query.text)
        return redirect(search_link(query), 303) if query.is_complete else error_page(messages.no_picture())
    picture = upload.read()
    if len(picture) > limit_bytes():
        return error_page(messages.too_large(limit_bytes()))
    query = query.with_changes(text=None, id=None, url=None, cursor=None, sha256=None)
    preview = None
    if SCRIPT_HEADER not in request.headers and upload.mimetype in BROWSER_FORMATS:
        preview = f"data:{upload.mimetype};base64,{b64encode(picture).decode()}"
    return _results(query, api().search(query.search_fields(), picture), preview=preview)


def read_query(form: MultiDict[str, str], *, with_picture: bool = False) -> SearchQuery:
    """The search in a form or link; kept for the form of an error page."""
    g.query = read(form, with_picture=with_picture)
    return g.query  # type: ignore[no-any-return]  # flask's g holds anything


def read_link(link: MultiDict[str, str]) -> SearchQuery:
    """The search in a link, which names words or a picture. A form may have both: there, words replace the picture."""
    query = read_query(link)
    if query.text is not None and (query.id is not None or query.url is not None):
        raise BadRequest(gettext("A link searches with words (text) or with a picture (id or url), not with both."))
    return query


def uploaded_file() -> FileStorage | None:
    """The picture in a form, selected or just taken; None if there is none."""
    return next((file for file in request.files.getlist("file") if file.filename), None)


def _results(query: SearchQuery, answer: SearchAnswer, **values: Any) -> str:
    """The page of matches; changed settings lead to its first page."""
    if answer.query is not None and query.kind != "item":
        query = query.with_changes(sha256=answer.query.sha256)
    g.query = query.with_changes(cursor=cursor_of(answer.link) if query.kind == "picture" else None)
    return render_template(
        "results.html",
        answer=answer,
        verdict=verdict_of(query, answer),
        query=g.query,
        next_page=query.with_changes(cursor=answer.next_cursor) if answer.next_cursor else None,
        saved=query if query.cursor is not None else g.query,  # what is shown, and not its first page
        **values,
    )
