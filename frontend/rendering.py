"""Shared by all pages: the API clients, filters and variables of templates, error pages."""

import json
from contextlib import suppress
from typing import Any, cast

from flask import Flask, Response, current_app, g, make_response, render_template, url_for
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from frontend import formatting, messages
from frontend.api.catalogue import CatalogueClient
from frontend.api.client import ApiClient
from frontend.api.connection import ApiError, ApiRefused
from frontend.api.corrections import CorrectionsClient
from frontend.api.models import Item, Size
from frontend.languages.catalogues import SOURCE_LANGUAGE, script_messages
from frontend.languages.numbers import number_entry
from frontend.languages.preferences import language
from frontend.languages.texts import N_
from frontend.reasons import why_to_keep, why_to_train
from frontend.search_query import SearchQuery

FORM_PICTURES = 4  # a form of several pictures may have so many times the upload limit
THUMBNAIL_SIZES = (160, 320, 640)  # pixels of the longer side; what the API offers
# The pages in the navigation, by endpoint. Those that this app does not have are left out.
NAVIGATION = {
    "search.start": N_("Search"),
    "browse.start": N_("Browse"),
    "add.start": N_("Add"),
    "duplicates.start": N_("Duplicates"),
    "wrong_labels.start": N_("Labels"),
    "models.start": N_("Models"),
}
# Limits of the aspect ratio of tiles, in twentieths, as in css/tiles.css: extreme pictures are cropped.
MAX_ASPECT, MIN_ASPECT = 44, 14


def api() -> ApiClient:
    """The app's client for searches."""
    return cast(ApiClient, current_app.extensions["lookalike_api"])


def catalogue() -> CatalogueClient:
    """The app's client for the catalogue."""
    return cast(CatalogueClient, current_app.extensions["lookalike_catalogue"])


def corrections() -> CorrectionsClient:
    """The app's client for corrections."""
    return cast(CorrectionsClient, current_app.extensions["lookalike_corrections"])


def limit_bytes() -> int:
    """The largest picture that is accepted."""
    return cast(int, current_app.config["UPLOAD_LIMIT_BYTES"])


def form_limit_bytes() -> int:
    """The largest form of several pictures that is accepted."""
    return FORM_PICTURES * limit_bytes()


def error_page(error_message: messages.ErrorMessage) -> Response:
    """An error page with the message and the search form."""
    response = make_response(render_template("error.html", error_message=error_message), error_message.status)
    if error_message.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error_message.retry_after_seconds)
    return response


def install(app: Flask) -> None:
    """Register template filters and variables, and error handlers."""
    app.context_processor(_template_context)
    app.jinja_env.filters |= {
        "similarity_words": formatting.similarity_words,
        "probability_words": formatting.probability_words,
        "attribute": formatting.attribute,
        "exactly": json.dumps,
        "megabytes": formatting.megabytes,
        "two_digits": formatting.two_digits,
        "file_size": formatting.file_size,
        "milliseconds": formatting.milliseconds,
        "significant": formatting.significant,
        "number_entry": number_entry,
        "moment": formatting.moment,
        "day": formatting.day,
        "shape": shape,
        "srcset": srcset,
        "thumbnail": thumbnail,
        "why_to_keep": why_to_keep,
        "why_to_train": why_to_train,
        "search_link": search_link,
    }
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_error_handler(ApiError, _api_failed)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _http_failed)


def shape(picture: Size) -> str:
    """The CSS class of an aspect ratio: the width in twentieths of the height."""
    return f"r{min(MAX_ASPECT, max(MIN_ASPECT, round(20 * picture.width / picture.height)))}"


def thumbnail(picture: Item, size: int) -> str:
    """The address of an item's thumbnail. It names the content, so that browsers keep it for good."""
    return url_for("pictures.thumbnail", id=picture.id, size=size, sha256=picture.sha256)


def srcset(picture: Item) -> str:
    """The `srcset` of an item: its thumbnails and their widths."""
    narrowing = min(1, picture.width / picture.height)
    return ", ".join(f"{thumbnail(picture, size)} {max(1, round(size * narrowing))}w" for size in THUMBNAIL_SIZES)


def search_link(query: SearchQuery) -> str:
    """The link of a search."""
    return f"{url_for('search.by_link')}?{query.query_string()}"


def _template_context() -> dict[str, Any]:
    return {
        "query": g.get("query", SearchQuery()),
        "formats": formatting.formats(),
        "accepted_files": formatting.ACCEPTED_FILES,
        "limit_bytes": limit_bytes(),
        "script_messages": _script_messages_url(),
        "navigation": {page: name for page, name in NAVIGATION.items() if page in current_app.view_functions},
    }


def _script_messages_url() -> str | None:
    """Where the script finds its texts; None in the language that they are written in."""
    if language() == SOURCE_LANGUAGE:
        return None
    digest, _ = script_messages(language())
    return url_for("languages.messages", language=language(), digest=digest)


def _api_failed(error: ApiError) -> Response:
    current_app.logger.warning("%s: %s", type(error).__name__, error)
    error_message = messages.explain(error, limit_bytes=limit_bytes())
    if isinstance(error, ApiRefused) and error.problem.code == "not_ready":
        with suppress(ApiError):  # the problem document does not say why, /readyz does
            error_message = messages.with_reason(error_message, api().readiness_error())
    return error_page(error_message)


def _too_large(_: RequestEntityTooLarge) -> Response:
    return error_page(messages.too_large(limit_bytes()))


def _http_failed(error: HTTPException) -> HTTPException | Response:
    """Error pages for HTTP errors of the page itself; redirects stay as they are."""
    if error.code is None or error.code < 400:
        return error
    is_own = error.description != type(error).description
    return error_page(messages.refused_by_page(error.code, error.name, error.description if is_own else None))
