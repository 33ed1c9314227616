"""Health checks."""

from flask import Blueprint, Response

from frontend.forms.parameters import accepts
from frontend.rendering import api

health = Blueprint("health", __name__)


@health.get("/livez")
@accepts()
def livez() -> Response:
    """Whether the process runs."""
    return Response("alive\n", mimetype="text/plain")


@health.get("/readyz")
@accepts()
def readyz() -> Response:
    """Whether searches are answered, which needs the API as well."""
    reason = api().readiness_error()
    return Response(f"{reason or 'ready'}\n", 503 if reason else 200, mimetype="text/plain")
