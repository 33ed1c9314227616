"""Existing labels, for the script that suggests them where a label is typed."""

from flask import Blueprint, Response, jsonify, request

from frontend.forms.item import MAX_TEXT_LENGTH
from frontend.forms.parameters import accepts
from frontend.rendering import api

labels = Blueprint("labels", __name__, url_prefix="/labels")


@labels.get("/")
@accepts("text")
def suggest() -> Response:
    """The most frequent labels; with a text, those that it is the beginning of. `complete`: no other label exists."""
    text = request.args.get("text", "").strip()[:MAX_TEXT_LENGTH]
    if text:
        return jsonify({"labels": api().completed_labels(text), "complete": False})
    answer = api().labels({})
    known = [str(each.value) for each in answer.labels]
    return jsonify({"labels": known, "complete": answer.distinct <= len(known)})
