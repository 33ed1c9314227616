"""Duplicates: groups of which one picture is worth keeping and the others can be deleted."""

from typing import cast, get_args

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from pydantic import TypeAdapter, ValidationError
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as Redirect

from frontend.api.connection import ApiRefused
from frontend.api.duplicates import DuplicateGroups, DuplicatesClient, DuplicateSearch, Tier
from frontend.forms.parameters import accepts, choice, whole_number
from frontend.languages.texts import N_, gettext
from frontend.pages.items.item import confirmation, local_path, selected_ids
from frontend.rendering import catalogue

PAGE_SIZE = 20  # groups
MAX_OFFSET = 10**8
MAX_DISMISSED = 200  # the API takes no more at once
TIERS = {
    "identical": (
        N_("Same file"),
        N_("Files that are the same, byte by byte. Nothing is lost by deleting all but one."),
    ),
    "same_picture": (
        N_("Same picture"),
        N_("One picture, saved in another size or quality, flipped, cropped or brightened."),
    ),
    "same_thing": (
        N_("Same thing"),
        N_("Different pictures that surely show one thing, with several labels or none. A label may be wrong."),
    ),
}

_IDS = TypeAdapter(list[str])

duplicates = Blueprint("duplicates", __name__, url_prefix="/duplicates")


@duplicates.get("/")
@accepts("tier", "offset", "tick", "done")
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
        is_labelled=choice(request.args, "done", ("labelled",)) == "labelled",
        here=url_for("duplicates.start", tier=tier, offset=offset or None),
        selected=selected or tier == "identical",
        before=url_for("duplicates.start", tier=tier, offset=max(0, offset - PAGE_SIZE) or None) if offset else None,
        after=url_for("duplicates.start", tier=tier, offset=offset + PAGE_SIZE) if groups and groups.next else None,
    )
    return Response(html, 202 if progress else 200)


@duplicates.post("/delete")
@accepts("back", "sure", lists=("id", "members"))
def delete() -> Redirect | str:
    """Delete copies. What is known of them goes to the member of their group that is kept.

    `members`: of each group its ids as a JSON list, the one to keep first.
    """
    ids = selected_ids(request.form)
    back = local_path(request.form.get("back"))
    groups = [_members(text) for text in request.form.getlist("members")]
    if not ids:
        return redirect(back, 303)
    if choice(request.form, "sure", ("yes",)) != "yes":
        return confirmation(ids, back, action=url_for("duplicates.delete"))
    rest = dict.fromkeys(ids)
    for members in groups:
        copies = [each for each in members if each in rest]
        kept = [each for each in members if each not in rest]
        if copies and kept:
            _client().merge(kept[0], copies)
            for each in copies:
                del rest[each]
    if rest:  # of groups that are deleted as a whole
        catalogue().delete_all(list(rest))
    return redirect(back, 303)


@duplicates.post("/label")
@accepts("id", "label", "offset")
def relabel() -> Redirect:
    """Give a picture the label that most others of the same thing have."""
    item_id, label = request.form.get("id"), request.form.get("label")
    if not item_id or not label:
        raise BadRequest(gettext("A picture and its new label are missing."))
    offset = whole_number(request.form, "offset", 0, MAX_OFFSET, 0)
    catalogue().change(item_id, label, {})
    return redirect(url_for("duplicates.start", tier="same_thing", offset=offset or None, done="labelled"), 303)


@duplicates.post("/dismiss")
@accepts("tier", "offset", lists=("id",))
def dismiss() -> Redirect:
    """Dismiss a group: its members are no duplicates of each other."""
    ids = list(dict.fromkeys(each for each in request.form.getlist("id") if each))
    if not 2 <= len(ids) <= MAX_DISMISSED:
        raise BadRequest(
            gettext("From 2 to %(count)s pictures can be said to be no duplicates of each other.", count=MAX_DISMISSED)
        )
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


def _members(text: str) -> list[str]:
    try:
        return _IDS.validate_json(text)
    except ValidationError:
        raise BadRequest(gettext("The form does not say which pictures are a group.")) from None


def _client() -> DuplicatesClient:
    return cast(DuplicatesClient, current_app.extensions["lookalike_duplicates"])


def _tier(name: str | None) -> Tier:
    tier = name or "identical"
    if tier not in get_args(Tier):
        raise BadRequest(gettext("Duplicates are of one of the tiers %(names)s.", names=", ".join(get_args(Tier))))
    return cast(Tier, tier)
