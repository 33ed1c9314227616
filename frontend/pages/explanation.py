"""Why is this a match? Both pictures side by side, under what each part of them adds to their likeness."""

from flask import Blueprint, abort, render_template, request
from werkzeug.wrappers import Response

from frontend import messages
from frontend.pages.search import remembered, sent_picture
from frontend.rendering import api, limit_bytes, problem_page
from frontend.search_query import Asked

why = Blueprint("why", __name__)


@why.get("/why")
def by_link() -> str:
    """For an item or an address that was searched with."""
    asked = remembered(request.args)
    if asked.id is None and asked.url is None:
        abort(404)
    return _page(asked, _match())


@why.post("/why")
def by_form() -> str | Response:
    """For a picture that is sent."""
    upload, match = sent_picture(), request.form.get("match")
    asked = remembered(request.form, with_picture=True)
    if upload is None or not match:
        return problem_page(messages.no_picture())
    picture = upload.read()
    if len(picture) > limit_bytes():
        return problem_page(messages.too_large(limit_bytes()))
    return _page(asked.changed(id=None, url=None, cursor=None), match, picture)


def _match() -> str:
    return request.args.get("match") or abort(404)


def _page(asked: Asked, match: str, picture: bytes | None = None) -> str:
    item = api().item(match)
    explained = api().explain({**asked.picture_fields(), "item": match}, picture)
    return render_template("explanation.html", asked=asked, item=item, explained=explained)
