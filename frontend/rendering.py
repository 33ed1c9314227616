"""What every page is made with: the connection to the API, the words templates know, and a page for what went wrong."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from flask import Flask, Response, current_app, g, make_response, render_template, url_for
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from frontend import formatting, messages
from frontend.api.catalogue import CatalogueClient
from frontend.api.client import ApiClient
from frontend.api.connection import ApiError, ApiRefused
from frontend.api.models import Item, Size
from frontend.search_query import Asked

FORM_PICTURES = 4  # times the upload limit that a form of several pictures may have
THUMBNAIL_SIZES = (160, 320, 640)  # pixels of the longer side; what the API offers
# The pages in the navigation, by endpoint. Those that this app does not have are left out.
NAVIGATION = {
    "search.start": "Search",
    "browse.start": "Browse",
    "add.start": "Add",
    "duplicates.start": "Duplicates",
    "models.start": "Models",
}
# Pictures are laid out by their shape, but for what would become a thread. In twentieths, as css/tiles.css has them.
FLATTEST, TALLEST = 44, 14


def api() -> ApiClient:
    """The app's connection to the API."""
    return cast(ApiClient, current_app.extensions["lookalike_api"])


def catalogue() -> CatalogueClient:
    """The app's connection to the API's catalogue."""
    return cast(CatalogueClient, current_app.extensions["lookalike_catalogue"])


def limit_bytes() -> int:
    """The largest picture that is accepted."""
    return cast(int, current_app.config["UPLOAD_LIMIT_BYTES"])


def problem_page(trouble: messages.Trouble) -> Response:
    """A page that says what happened and what to do, and keeps the form."""
    response = make_response(render_template("error.html", trouble=trouble), trouble.status)
    if trouble.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(trouble.retry_after_seconds)
    return response


def install(app: Flask) -> None:
    """Let the app's templates know what they need, and give every failure a page."""
    app.context_processor(_what_templates_know)
    app.jinja_env.filters |= {
        "likeness": formatting.likeness,
        "sureness": formatting.sureness,
        "attribute": formatting.attribute,
        "exactly": json.dumps,
        "megabytes": formatting.megabytes,
        "shape": shape,
        "srcset": srcset,
        "search_link": search_link,
    }
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_error_handler(ApiError, _api_failed)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _http_failed)


def shape(picture: Size) -> str:
    """The class of a picture's shape: its width in twentieths of its height."""
    return f"r{min(FLATTEST, max(TALLEST, round(20 * picture.width / picture.height)))}"


def srcset(picture: Item) -> str:
    """A picture's thumbnails and how wide each is, for the browser to choose from."""
    narrowing = min(1, picture.width / picture.height)
    return ", ".join(
        f"{url_for('pictures.thumbnail', id=picture.id, size=size)} {max(1, round(size * narrowing))}w"
        for size in THUMBNAIL_SIZES
    )


def search_link(asked: Asked) -> str:
    """A search as a link."""
    return f"{url_for('search.by_link')}?{asked.query()}"


def _what_templates_know() -> dict[str, Any]:
    return {
        "asked": g.get("asked", Asked()),
        "formats": formatting.FORMATS,
        "limit_bytes": limit_bytes(),
        "navigation": {page: name for page, name in NAVIGATION.items() if page in current_app.view_functions},
    }


def _api_failed(error: ApiError) -> Response:
    current_app.logger.warning("%s: %s", type(error).__name__, error)
    trouble = messages.explain(error, limit_bytes=limit_bytes())
    if isinstance(error, ApiRefused) and error.problem.code == "not_ready":
        with suppress(ApiError):  # the problem document does not say why, /readyz does
            trouble = replace(trouble, happened=api().why_not_ready() or trouble.happened)
    return problem_page(trouble)


def _too_large(_: RequestEntityTooLarge) -> Response:
    return problem_page(messages.too_large(limit_bytes()))


def _http_failed(error: HTTPException) -> HTTPException | Response:
    """Werkzeug's errors (no such page, a bug of ours) in the page's clothes; redirects stay as they are."""
    if error.code is None or error.code < 400:
        return error
    return problem_page(messages.refused_by_page(error.code, error.name, error.description))
