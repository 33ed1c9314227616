"""Choosing a language, and the texts of scripts in it."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, redirect, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as Redirect

from frontend.forms.parameters import accepts, choice
from frontend.languages.catalogues import LANGUAGES, script_messages
from frontend.languages.preferences import COOKIE_SECONDS, LANGUAGE_COOKIE

languages = Blueprint("languages", __name__)


@languages.post("/language")
@accepts("to")
def select() -> Redirect:
    """Remember a language in a cookie, and show the same page in it."""
    selected = choice(request.form, "to", tuple(LANGUAGES))
    answer = redirect(_same_page(), 303)
    if selected:
        root = f"{request.script_root}/"
        answer.set_cookie(
            LANGUAGE_COOKIE,
            selected,
            COOKIE_SECONDS,
            path=root,
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return answer


@languages.get("/messages/<language>.<digest>.json")
@accepts()
def messages(language: str, digest: str) -> Response:
    """The texts of scripts in a language. The address changes with them, so browsers keep them for good."""
    if language not in LANGUAGES:
        abort(404)
    current, content = script_messages(language)
    if digest != current:
        abort(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, mimetype="application/json", headers=headers)


def _same_page() -> str:
    """The page that the form was on, if it is one of this page's that a link can open; else the start."""
    start = url_for("search.start")
    root = request.script_root
    try:
        origin = urlsplit(request.referrer or "")
    except ValueError:
        return start
    if origin.netloc != request.host or not origin.path.startswith(f"{root}/"):
        return start
    path = origin.path.removeprefix(root)
    try:
        current_app.create_url_adapter(request).match(path, method="GET")  # type: ignore[union-attr]
    except (HTTPException, RequestRedirect):
        return start
    return f"{root}{path}?{origin.query}" if origin.query else f"{root}{path}"
