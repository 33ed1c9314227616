"""The page as a WSGI app: one blueprint for each page, under one set of headers, and the health checks.

Development: `flask --app "frontend.app:create_app()" run --debug`. Production: `python -m frontend`.
"""

from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response

from frontend import rendering
from frontend.api import parallel
from frontend.api.bin import BinClient
from frontend.api.bundles import BundlesClient
from frontend.api.catalogue import CatalogueClient
from frontend.api.client import ApiClient
from frontend.api.connection import Connection
from frontend.api.corrections import CorrectionsClient
from frontend.api.duplicates import DuplicatesClient
from frontend.forms.parameters import accepts
from frontend.languages import preferences
from frontend.pages.add import add
from frontend.pages.assets import assets
from frontend.pages.bin import bin_page
from frontend.pages.browse import browse
from frontend.pages.duplicates import duplicates
from frontend.pages.items.feedback import feedback
from frontend.pages.items.history import item_history
from frontend.pages.items.item import items
from frontend.pages.items.selection import selection
from frontend.pages.items.wrong_labels import wrong_labels
from frontend.pages.languages import languages
from frontend.pages.models import models
from frontend.pages.pictures import pictures
from frontend.pages.reports import reports
from frontend.pages.search.explanation import explanation
from frontend.pages.search.export import export
from frontend.pages.search.faces import faces
from frontend.pages.search.filters import filters
from frontend.pages.search.page import search
from frontend.pages.suggestions import suggestions
from frontend.settings import Settings
from frontend.web import compression, security
from frontend.web.proxy import BehindProxy

health = Blueprint("health", __name__)
BLUEPRINTS = (
    search,
    filters,
    faces,
    explanation,
    export,
    browse,
    add,
    items,
    item_history,
    suggestions,
    selection,
    feedback,
    wrong_labels,
    bin_page,
    duplicates,
    models,
    pictures,
    reports,
    languages,
    assets,
    health,
)
FORM_OVERHEAD_BYTES = 64 * 1024  # the other fields of the form, a cursor among them, and the multipart boundaries


def create_app(settings: Settings | None = None) -> Flask:
    """The app for these settings; without any, for those of the environment."""
    settings = settings or Settings()
    app = Flask(__name__)
    app.config["UPLOAD_LIMIT_BYTES"] = settings.upload_limit_bytes
    app.config["MAX_CONTENT_LENGTH"] = settings.upload_limit_bytes + FORM_OVERHEAD_BYTES
    key = settings.frontend_api_key
    connection = Connection(
        settings.api_url,
        timeout_seconds=settings.api_timeout_seconds,
        key=key.get_secret_value() if key else None,
    )
    app.extensions["lookalike_api"] = ApiClient(connection)
    app.extensions["lookalike_catalogue"] = CatalogueClient(connection)
    app.extensions["lookalike_duplicates"] = DuplicatesClient(connection)
    app.extensions["lookalike_corrections"] = CorrectionsClient(connection)
    app.extensions["lookalike_bin"] = BinClient(connection)
    app.extensions["lookalike_bundles"] = BundlesClient(connection)
    parallel.install(app)
    compression.install(app)
    preferences.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    static: Any = app.view_functions["static"]
    app.view_functions["static"] = accepts()(static)
    rendering.install(app)
    app.before_request(partial(security.refuse_unknown_hosts, settings.host_names))
    app.before_request(partial(security.refuse_cross_site_requests, settings.public_url))
    app.after_request(security.add_security_headers)
    app.wsgi_app = BehindProxy(app.wsgi_app, path=settings.public_path, trusted=settings.trusted_proxies)  # type: ignore[method-assign]
    return app


@health.get("/livez")
@accepts()
def livez() -> Response:
    """Whether the process runs."""
    return Response("alive\n", mimetype="text/plain")


@health.get("/readyz")
@accepts()
def readyz() -> Response:
    """Whether searches are answered, which needs the API as well."""
    reason = rendering.api().readiness_error()
    return Response(f"{reason or 'ready'}\n", 503 if reason else 200, mimetype="text/plain")
