"""What a text that is being typed may become, for the scripts that suggest it: words of a search, existing labels."""

from flask import Blueprint, Response, jsonify, request

from frontend.forms.item import MAX_TEXT_LENGTH
from frontend.forms.parameters import accepts
from frontend.forms.search import words
from frontend.rendering import api

MAX_SUGGESTIONS = 10

suggestions = Blueprint("suggestions", __name__)


@suggestions.get("/search/suggestions")
@accepts("text")
def of_words() -> Response:
    """Labels and values of attributes that complete a text, the most frequent first."""
    text = words(request.args.get("text", ""))
    completions = api().suggestions(text, MAX_SUGGESTIONS) if text else []
    return jsonify([each.model_dump() for each in completions])


@suggestions.get("/labels/")
@accepts("text")
def of_labels() -> Response:
    """The most frequent labels; with a text, those that it is the beginning of. `complete`: no other label exists."""
    text = request.args.get("text", "").strip()[:MAX_TEXT_LENGTH]
    if text:
        return jsonify({"labels": api().completed_labels(text), "complete": False})
    answer = api().labels({})
    existing = [str(each.value) for each in answer.labels]
    return jsonify({"labels": existing, "complete": answer.distinct <= len(existing)})
