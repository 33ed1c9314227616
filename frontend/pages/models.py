"""Models: their measures, the live one, and a comparison of two."""

from base64 import b64encode
from dataclasses import replace
from typing import cast

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from frontend import messages
from frontend.api.bundles import Bundles, BundlesClient
from frontend.api.connection import ApiRefused, ApiTimeout
from frontend.comparison import DEPTHS, SIDE_FIELDS, Comparison, Side, depth, sides
from frontend.formatting import BROWSER_FORMATS
from frontend.forms.parameters import accepts, choice
from frontend.languages.texts import N_
from frontend.pages.search.page import uploaded_file
from frontend.rendering import api, error_page, limit_bytes

SAMPLE_SIZE = 12
# Measures as people read them, the one that says most first; the others by the names that they have.
MEASURES = {
    "map_at_r": "mAP@R",
    "map": "mAP",
    "precision_at_1": "P@1",
    "precision_at_10": "P@10",
    "recall_at_10": "R@10",
    "queries": N_("queries"),
    "unanswerable": N_("without a true match"),
}

models = Blueprint("models", __name__, url_prefix="/models")


@models.get("/")
@accepts("live")
def start() -> str:
    """All bundles with their measures, newest first."""
    return _page(done="live" if choice(request.args, "live", ("1",)) else None)


@models.post("/activate")
@accepts("id")
def activate() -> str | Redirect | Response | tuple[str, int]:
    """Make a bundle live: a newer one, or an older one again."""
    bundle_id = request.form.get("id") or abort(404)
    try:
        _client().activate(bundle_id)
    except ApiTimeout:
        return _page(done="slow"), 202
    except ApiRefused as refused:
        if refused.problem.status not in {401, 403}:
            raise
        return _page(done="weak"), 403
    return redirect(url_for("models.start", live=1), 303)


@models.get("/compare")
@accepts("id", *SIDE_FIELDS)
def compare() -> str:
    """The matches of an item on both sides; without an item, the form and a sample of items."""
    item_id = request.args.get("id")
    if not item_id:
        return _comparison()
    left, right, k = _requested_sides()
    answers = [api().search({"id": item_id, **side.fields(k)}) for side in (left, right)]
    return _comparison(Comparison(answers[0], answers[1], k), item=api().item(item_id))


@models.post("/compare")
@accepts("file", "id", *SIDE_FIELDS)
def compare_picture() -> str | Response:
    """The matches of an upload on both sides."""
    upload = uploaded_file()
    left, right, k = _requested_sides()
    if upload is None:
        if item_id := request.form.get("id"):
            return cast(Response, redirect(_link(left, right, k, item_id), 303))
        return error_page(messages.no_picture())
    picture = upload.read()
    if len(picture) > limit_bytes():
        return error_page(messages.too_large(limit_bytes()))
    answers = [api().search(side.fields(k), picture) for side in (left, right)]
    preview = None
    if upload.mimetype in BROWSER_FORMATS:
        preview = f"data:{upload.mimetype};base64,{b64encode(picture).decode()}"
    return _comparison(Comparison(answers[0], answers[1], k), preview=preview)


def _page(done: str | None = None) -> str:
    available = _client().all()
    return render_template("models.html", available=available, names=_measures(available), measures=MEASURES, done=done)


def _comparison(comparison: Comparison | None = None, **context: object) -> str:
    available = _client().all()
    left, right, k = _requested_sides()
    if "left" not in request.values and len(available.loaded) > 1:  # what there is to choose from, put to use
        left, right = replace(left, bundle=available.loaded[0].id), replace(right, bundle=available.loaded[1].id)
    elif "left" not in request.values:
        right = replace(right, metric="euclidean")
    return render_template(
        "compare.html",
        available=available,
        left=left,
        right=right,
        k=k,
        depths=DEPTHS,
        comparison=comparison,
        sample=None if comparison else api().sample(SAMPLE_SIZE),
        link=lambda item_id: _link(left, right, k, item_id),
        **context,
    )


def _requested_sides() -> tuple[Side, Side, int]:
    left, right = sides(request.values)
    return left, right, depth(request.values)


def _link(left: Side, right: Side, k: int, item_id: str) -> str:
    first, second = left.bundle or "", right.bundle or ""
    return url_for(
        "models.compare",
        id=item_id,
        k=k,
        left=first,
        left_metric=left.metric,
        right=second,
        right_metric=right.metric,
    )


def _measures(available: Bundles) -> list[str]:
    """The measures of all bundles, in the order of display."""
    names = {name for bundle in available.bundles for measured in bundle.metrics.values() for name in measured}
    return [name for name in MEASURES if name in names] + sorted(names - set(MEASURES))


def _client() -> BundlesClient:
    return cast(BundlesClient, current_app.extensions["lookalike_bundles"])
