"""Start and matches. A search without a picture of one's own is a link, and so is every one once it is answered."""

from base64 import b64encode
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.wrappers import Response

from frontend import messages
from frontend.api.models import SearchAnswer
from frontend.forms.search import address, read
from frontend.rendering import api, limit_bytes, problem_page, search_link
from frontend.search_query import Asked, cursor_of

SAMPLE_SIZE = 24
SHOWN_BY_BROWSERS = {"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp"}
SCRIPT_HEADER = "X-Lookalike-Script"  # our script asks, and shows the picture it has by itself

search = Blueprint("search", __name__)


@search.get("/")
def start() -> str:
    """Somewhere to drop a picture, and some pictures of the catalogue to start from."""
    return render_template("start.html", sample=api().sample(SAMPLE_SIZE))


@search.get("/search")
def by_link() -> str | Response:
    """The matches of a picture that the link names: it can be shared and gone back to."""
    asked = remembered(request.args)
    if not asked.names_a_picture:
        return redirect(url_for("search.start"))
    item = api().item(asked.id) if asked.id is not None else None
    return _results(asked, api().search(asked.search_fields()), item=item)


@search.post("/search")
def by_form() -> str | Response:
    """The matches of a picture that is sent; without one, those of what the form names."""
    upload = sent_picture()
    asked = remembered(request.form, with_picture=upload is not None)
    if upload is None:
        if url := address(request.form.get("address", "")):
            asked = asked.by_address(url)
        return redirect(search_link(asked), 303) if asked.names_a_picture else problem_page(messages.no_picture())
    picture = upload.read()
    if len(picture) > limit_bytes():
        return problem_page(messages.too_large(limit_bytes()))
    asked = asked.changed(id=None, url=None, cursor=None)
    preview = None
    if SCRIPT_HEADER not in request.headers and upload.mimetype in SHOWN_BY_BROWSERS:
        preview = f"data:{upload.mimetype};base64,{b64encode(picture).decode()}"
    return _results(asked, api().search(asked.search_fields(), picture), preview=preview)


def remembered(sent: MultiDict[str, str], *, with_picture: bool = False) -> Asked:
    """What is asked for; a page that says what went wrong shows it in its form again."""
    g.asked = read(sent, with_picture=with_picture)
    return g.asked  # type: ignore[no-any-return]  # flask's g holds anything


def sent_picture() -> FileStorage | None:
    """The picture in a form, chosen or just taken."""
    return next((file for file in request.files.getlist("file") if file.filename), None)


def _results(asked: Asked, answer: SearchAnswer, **shown: Any) -> str:
    """The page of an answer; what can be changed on it leads to the first page again."""
    further = cursor_of(answer.next)
    g.asked = asked.changed(cursor=cursor_of(answer.link) if asked.kind == "picture" else None)
    return render_template(
        "results.html",
        answer=answer,
        asked=g.asked,
        next_page=asked.changed(cursor=further) if further else None,
        saved=asked if asked.cursor is not None else g.asked,  # what is shown, and not its first page
        **shown,
    )
