"""Duplicates: groups of which one picture is worth keeping and the others can be deleted."""

from typing import cast, get_args

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as Redirect

from frontend.api.connection import ApiRefused
from frontend.api.duplicates import DuplicateGroups, DuplicatesClient, DuplicateSearch, Tier
from frontend.forms.numbers import choice, whole_number
from frontend.forms.parameters import accepts

PAGE_SIZE = 20  # groups
MAX_OFFSET = 10**8
MAX_DISMISSED = 200  # the API takes no more at once
TIERS = {
    "identical": ("Same file", "Files that are the same, byte by byte. Nothing is lost by deleting all but one."),
    "same_picture": ("Same picture", "One picture, saved in another size or quality, flipped, cropped or brightened."),
    "same_thing": (
        "Same thing",
        "Different pictures that surely show one thing, with several labels or none. A label may be wrong.",
    ),
}

duplicates = Blueprint("duplicates", __name__, url_prefix="/duplicates")


@duplicates.get("/")
@accepts("tier", "offset", "tick")
def start() -> Response:
    """The groups of a tier; while the search runs, its progress with status 202."""
    tier, offset = _tier(request.args.get("tier")), whole_number(request.args, "offset", 0, MAX_OFFSET, 0)
    selected = choice(request.args, "tick", ("all",)) == "all" and tier != "same_thing"
    is_supported, groups, progress = True, None, None
    try:
        answer = _client().groups(tier, offset=offset, limit=PAGE_SIZE)
        groups = answer if isinstance(answer, DuplicateGroups) else None
        progress = answer if isinstance(answer, DuplicateSearch) else None
    except ApiRefused as refused:
        if refused.problem.code != "unsupported_by_model":
            raise
        is_supported = False
    html = render_template(
        "duplicates.html",
        tiers=TIERS,
        tier=tier,
        is_supported=is_supported,
        page=groups,
        progress=progress,
        first=offset,
        here=url_for("duplicates.start", tier=tier, offset=offset or None),
        selected=selected or tier == "identical",
        before=url_for("duplicates.start", tier=tier, offset=max(0, offset - PAGE_SIZE) or None) if offset else None,
        after=url_for("duplicates.start", tier=tier, offset=offset + PAGE_SIZE) if groups and groups.next else None,
    )
    return Response(html, 202 if progress else 200)


@duplicates.post("/dismiss")
@accepts("tier", "offset", lists=("id",))
def dismiss() -> Redirect:
    """Dismiss a group: its members are no duplicates of each other."""
    ids = list(dict.fromkeys(each for each in request.form.getlist("id") if each))
    if not 2 <= len(ids) <= MAX_DISMISSED:
        raise BadRequest(f"From 2 to {MAX_DISMISSED} pictures can be said to be no duplicates of each other.")
    tier, offset = _tier(request.form.get("tier")), whole_number(request.form, "offset", 0, MAX_OFFSET, 0)
    _client().dismiss(ids)
    return redirect(url_for("duplicates.start", tier=tier, offset=offset or None), 303)


@duplicates.post("/refresh")
@accepts("tier")
def refresh() -> Redirect:
    """Start a new search."""
    tier = _tier(request.form.get("tier"))
    _client().refresh()
    return redirect(url_for("duplicates.start", tier=tier), 303)


@duplicates.get("/dismissed")
@accepts("offset", "done")
def dismissed() -> str:
    """The dismissals, newest first, each of which can be undone."""
    offset = whole_number(request.args, "offset", 0, MAX_OFFSET, 0)
    page = _client().dismissals(offset=offset, limit=PAGE_SIZE)
    return render_template(
        "dismissed.html",
        page=page,
        first=offset,
        is_undone=choice(request.args, "done", ("undone",)) == "undone",
        before=url_for("duplicates.dismissed", offset=max(0, offset - PAGE_SIZE) or None) if offset else None,
        after=url_for("duplicates.dismissed", offset=offset + PAGE_SIZE) if page.next else None,
    )


@duplicates.post("/undo")
@accepts("dismissal")
def undo() -> Redirect:
    """Undo a dismissal: its pictures may be reported together again."""
    _client().undo_dismissal(request.form.get("dismissal", ""))
    return redirect(url_for("duplicates.dismissed", done="undone"), 303)


def _client() -> DuplicatesClient:
    return cast(DuplicatesClient, current_app.extensions["lookalike_duplicates"])


def _tier(name: str | None) -> Tier:
    tier = name or "identical"
    if tier not in get_args(Tier):
        raise BadRequest(f"Duplicates are of one of the tiers {', '.join(get_args(Tier))}.")
    return cast(Tier, tier)
