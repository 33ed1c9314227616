"""For whoever keeps the page running."""

from flask import Blueprint, Response

from frontend.rendering import api

health = Blueprint("health", __name__)


@health.get("/livez")
def livez() -> Response:
    """Whether this process serves pages."""
    return Response("alive\n", mimetype="text/plain")


@health.get("/readyz")
def readyz() -> Response:
    """Whether a search would be answered: the API has to be ready, too."""
    reason = api().why_not_ready()
    return Response(f"{reason or 'ready'}\n", 503 if reason else 200, mimetype="text/plain")
