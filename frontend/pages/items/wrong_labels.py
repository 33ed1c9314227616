"""Labels that are probably wrong: accept what the health check suggests, keep the label, or give another one."""

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from frontend.api.models import Item
from frontend.api.parallel import begin
from frontend.forms.parameters import accepts, choice, whole_number
from frontend.languages.texts import gettext
from frontend.rendering import catalogue, corrections

PAGE_SIZE = 24
MAX_OFFSET = 500  # the API looks at no more of the list
EXAMPLES = 3  # pictures that show what a suggested label is
SCRIPT_HEADER = "X-Lookalike-Script"
DECISIONS = ("accept", "keep", "other")

wrong_labels = Blueprint("wrong_labels", __name__, url_prefix="/wrong-labels")


@wrong_labels.get("/")
@accepts("offset", "done", "id", "entry")
def start() -> str:
    """The undecided ones, the surest first."""
    offset = whole_number(request.args, "offset", 0, MAX_OFFSET, 0)
    found = corrections().wrong_labels(limit=PAGE_SIZE, offset=offset)
    suggested = dict.fromkeys(each.suggested for each in found.labels)
    calls = {label: begin(lambda label=label: _examples(label)) for label in suggested}  # type: ignore[misc]
    end = offset + len(found.labels)
    return render_template(
        "wrong_labels.html",
        found=found,
        examples={label: call.result() for label, call in calls.items()},
        next_page=url_for("wrong_labels.start", offset=end) if found.labels and end < found.total else None,
        done=choice(request.args, "done", ("labelled", "kept", "undone")),
        done_id=request.args.get("id"),
        done_entry=request.args.get("entry"),
    )


@wrong_labels.post("/decide")
@accepts("id", "decision", "suggested", "label")
def decide() -> Response:
    """Accept, keep, or give another label."""
    form = request.form
    item_id, decision = form.get("id", ""), choice(form, "decision", DECISIONS)
    label = form.get("suggested" if decision == "accept" else "label", "").strip()
    if decision == "keep":
        return _answer("kept", item_id, entry=corrections().say(item_id, "right", of=item_id))
    if not label:
        raise BadRequest(gettext("Type a label first."))
    catalogue().change(item_id, label, {})
    return _answer("labelled", item_id, label=label)


@wrong_labels.post("/undo")
@accepts("id", "entry")
def undo() -> Response:
    """Undo a decision: of a label that was kept by its entry, else by the item."""
    item_id, entry = request.form.get("id", ""), request.form.get("entry")
    if entry:
        corrections().take_back(entry)
    else:
        corrections().undo_item(item_id)
    return _answer("undone", item_id)


def _examples(label: str) -> list[Item]:
    return catalogue().page({"label": [label]}, order="created", limit=EXAMPLES).items


def _answer(done: str, item_id: str, *, entry: str | None = None, label: str | None = None) -> Response:
    if SCRIPT_HEADER in request.headers:
        return jsonify({"done": done, "id": item_id, "entry": entry, "label": label})
    return redirect(url_for("wrong_labels.start", done=done, id=item_id, entry=entry), 303)
