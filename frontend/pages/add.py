"""Adding pictures: one by one from the script, or all in one form."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest

from frontend import messages
from frontend.api.connection import ApiError
from frontend.api.models import Attributes, Item
from frontend.forms.item import KINDS, Description, parse_description
from frontend.forms.parameters import accepts, choice
from frontend.languages.texts import gettext
from frontend.pages.items.item import MAX_DELETED
from frontend.rendering import catalogue, form_limit_bytes, limit_bytes, thumbnail

PICTURE_ERRORS = {400, 404, 409, 413, 415, 422}
"""Statuses that concern one picture; after any other one, no further picture would be added."""

add = Blueprint("add", __name__, url_prefix="/add")


@dataclass(frozen=True, slots=True)
class AddResult:
    """The result for one file: added, already there, or refused with a message."""

    name: str
    item: Item | None = None
    is_new: bool = False
    error_message: messages.ErrorMessage | None = None

    @property
    def stops_all(self) -> bool:
        """Whether no further file would be added."""
        return self.error_message is not None and self.error_message.status not in PICTURE_ERRORS


@add.get("/")
@accepts()
def start() -> str:
    """The form for pictures, their label and attributes."""
    return _page()


@add.post("/")
@accepts("label", "by_folder", "numbers", lists=("file", "name", "kind", "value"), max_body_bytes=form_limit_bytes)
def several() -> str | tuple[str, int]:
    """Add the files of the form in their order, until one shows that no further file would be added."""
    files = [file for file in request.files.getlist("file") if file.filename]
    if not files:
        return _page(mistake=gettext("No picture was selected.")), 400
    try:
        description = parse_description(request.form)
    except BadRequest as mistake:
        return _page(mistake=mistake.description or ""), 400
    results = list(_until_it_ends(files, description))
    return render_template(
        "add_results.html", results=results, untried=len(files) - len(results), max_deleted=MAX_DELETED
    )


@add.post("/one")
@accepts("file", "label", "by_folder", "path", "numbers", lists=("name", "kind", "value"))
def one() -> Response:
    """Add one file, for the script. `wait`: seconds until it may be tried again, if the API says so."""
    file = next((file for file in request.files.getlist("file") if file.filename), None)
    if file is None:
        raise BadRequest(gettext("A file is missing."))
    try:
        result = _added(file, parse_description(request.form))
    except BadRequest as mistake:
        unclear = messages.ErrorMessage(
            403, gettext("The label and attributes cannot be saved"), mistake.description or "", ""
        )
        result = AddResult(_name(file), error_message=unclear)
    item, error_message = result.item, result.error_message
    return jsonify(
        {
            "state": "refused" if error_message else "added" if result.is_new else "known",
            "id": item.id if item else None,
            "page": url_for("items.show", id=item.id) if item else None,
            "picture": thumbnail(item, 160) if item else None,
            "why": error_message.reason if error_message else "",
            "advice": error_message.advice if error_message else "",
            "ends": result.stops_all,
            "wait": error_message.retry_after_seconds if error_message and error_message.is_temporary else None,
        }
    )


def _until_it_ends(files: Iterable[FileStorage], description: Description) -> Iterable[AddResult]:
    for file in files:
        result = _added(file, description)
        yield result
        if result.stops_all:
            return


def _added(file: FileStorage, description: Description) -> AddResult:
    picture = file.stream.read(limit_bytes() + 1)
    if len(picture) > limit_bytes():
        return AddResult(_name(file), error_message=messages.too_large(limit_bytes()))
    label = _folder(file) if choice(request.form, "by_folder", ("yes",)) else None
    attributes: Attributes = {name: value for name, value in description.attributes.items() if value is not None}
    try:
        item, is_new = catalogue().add(picture, label or description.label, attributes)
    except ApiError as error:
        return AddResult(_name(file), error_message=messages.explain_adding(error, limit_bytes=limit_bytes()))
    return AddResult(_name(file), item, is_new)


def _name(file: FileStorage) -> str:
    return (file.filename or "")[:300]


def _folder(file: FileStorage) -> str | None:
    """The name of the folder of a file, from the path that browsers send; None if there is none."""
    path = request.form.get("path") or file.filename or ""
    return PurePosixPath(path).parent.name or None


def _page(mistake: str | None = None) -> str:
    """The form, with its fields as they were sent."""
    fields = request.form
    names = zip(fields.getlist("name"), fields.getlist("kind"), fields.getlist("value"), strict=False)
    rows = [(name, kind, text) for name, kind, text in names if name or text]
    return render_template("add.html", label=fields.get("label"), rows=rows, kinds=KINDS, mistake=mistake)
