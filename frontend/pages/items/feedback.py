"""What people say of matches: that one is wrong; and taking that back."""

import re

from flask import Blueprint, jsonify, redirect, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from frontend.forms.parameters import accepts
from frontend.languages.texts import gettext
from frontend.pages.items.item import local_path
from frontend.rendering import corrections

SCRIPT_HEADER = "X-Lookalike-Script"
SHA256 = re.compile("[0-9a-f]{64}")

feedback = Blueprint("feedback", __name__, url_prefix="/feedback")


@feedback.post("/")
@accepts("match", "of", "sha256", "back")
def say() -> Response:
    """Say that a match of an item, or of a picture by the SHA-256 of its file, is wrong."""
    form = request.form
    match, of, sha256 = (form.get(name) or None for name in ("match", "of", "sha256"))
    if match is None or (of is None) == (sha256 is None) or (sha256 is not None and not SHA256.fullmatch(sha256)):
        raise BadRequest(gettext("It is not said of which match of which picture."))
    entry = corrections().say(match, "wrong", of=of, sha256=sha256)
    return (
        jsonify({"entry": entry}) if SCRIPT_HEADER in request.headers else redirect(local_path(form.get("back")), 303)
    )


@feedback.post("/undo")
@accepts("entry", "back")
def take_back() -> Response:
    """Take it back."""
    corrections().take_back(request.form.get("entry", ""))
    return jsonify({}) if SCRIPT_HEADER in request.headers else redirect(local_path(request.form.get("back")), 303)
