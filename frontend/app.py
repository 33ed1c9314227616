"""The page as a WSGI app: what is served, under which security headers, and what a failure looks like.

Development: `flask --app "frontend.app:create_app()" run --debug`. Production: `python -m frontend`.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from flask import Flask, Response, current_app, g
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from frontend import messages
from frontend.api_client import ApiClient, ApiError, ApiRefused, SearchOptions
from frontend.pictures import THUMBNAIL_SIZES, pictures
from frontend.reports import reports
from frontend.settings import Settings
from frontend.views import api, pages, problem_page

FORM_OVERHEAD_BYTES = 16 * 1024  # the other fields of the form, and the multipart boundaries

SECURITY_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "img-src 'self' data: blob:",
            "style-src 'self'",
            "script-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_app(settings: Settings | None = None) -> Flask:
    """The app for these settings; without any, for those of the environment."""
    settings = settings or Settings()
    app = Flask(__name__)
    app.config["UPLOAD_LIMIT_BYTES"] = settings.upload_limit_bytes
    app.config["MAX_CONTENT_LENGTH"] = settings.upload_limit_bytes + FORM_OVERHEAD_BYTES
    api_client = ApiClient(settings.api_url, timeout_seconds=settings.api_timeout_seconds)
    app.extensions["lookalike_api"] = api_client
    app.register_blueprint(pages)
    app.register_blueprint(pictures)
    app.register_blueprint(reports)
    app.register_error_handler(ApiError, _api_failed)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _http_failed)
    app.after_request(_secure)
    app.context_processor(_what_templates_know)
    app.jinja_env.filters |= {
        "likeness": messages.likeness,
        "sureness": messages.sureness,
        "attribute": messages.attribute,
        "megabytes": messages.megabytes,
    }
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    return app


def _what_templates_know() -> dict[str, Any]:
    return {
        "options": g.get("options", SearchOptions()),
        "defaults": SearchOptions(),
        "thumbnail_sizes": THUMBNAIL_SIZES,
        "formats": messages.FORMATS,
        "limit_bytes": current_app.config["UPLOAD_LIMIT_BYTES"],
    }


def _secure(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)  # a report has others; what comes from the API has none of them
    response.headers.setdefault("Cache-Control", "no-cache")
    return response


def _api_failed(error: ApiError) -> Response:
    current_app.logger.warning("%s: %s", type(error).__name__, error)
    trouble = messages.explain(error, limit_bytes=current_app.config["UPLOAD_LIMIT_BYTES"])
    if isinstance(error, ApiRefused) and error.problem.code == "not_ready":
        with suppress(ApiError):  # the problem document does not say why, /readyz does
            trouble = replace(trouble, happened=api().why_not_ready() or trouble.happened)
    return problem_page(trouble)


def _too_large(_: RequestEntityTooLarge) -> Response:
    return problem_page(messages.too_large(current_app.config["UPLOAD_LIMIT_BYTES"]))


def _http_failed(error: HTTPException) -> HTTPException | Response:
    """Werkzeug's errors (no such page, a bug of ours) in the page's clothes; redirects stay as they are."""
    if error.code is None or error.code < 400:
        return error
    return problem_page(messages.refused_by_page(error.code, error.name, error.description))
