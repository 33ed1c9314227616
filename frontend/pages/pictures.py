"""The pictures of the catalogue, passed on from the API: browsers need access to the page only.

The id is in the query, because browsers and proxies change slashes and dots in paths.
"""

from mimetypes import guess_extension, guess_type
from pathlib import PurePosixPath

from flask import Blueprint, Response, abort, current_app, request

from frontend.api.connection import ApiError, File
from frontend.forms.parameters import accepts
from frontend.messages import explain
from frontend.rendering import THUMBNAIL_SIZES, api, limit_bytes

KEPT_FOR_GOOD = "private, max-age=31536000, immutable"

pictures = Blueprint("pictures", __name__, url_prefix="/pictures")


@pictures.get("/thumbnail")
@accepts("id", "size", "sha256")
def thumbnail() -> Response:
    """A small version of an item's picture; of one that has this content, browsers keep it for good."""
    size = request.args.get("size", default=0, type=int)
    if size not in THUMBNAIL_SIZES:
        abort(404)
    response = file_response(api().thumbnail(_item_id(), size, request.headers.get("If-None-Match")))
    content, (etag, _) = request.args.get("sha256"), response.get_etag()
    if content and etag and etag.startswith(f"{content}-"):  # else another picture has taken its place since
        response.headers["Cache-Control"] = KEPT_FOR_GOOD
    return response


@pictures.get("/full")
@accepts("id")
def full() -> Response:
    """An item's picture as it is in the catalogue."""
    return file_response(api().image(_item_id(), request.headers.get("If-None-Match")))


@pictures.get("/original")
@accepts("id")
def original() -> Response:
    """An item's picture as it came, to be saved under the last part of its id."""
    item_id = _item_id()
    response = file_response(api().original(item_id))
    response.headers.set("Content-Disposition", "attachment", filename=_file_name(item_id, response.mimetype or ""))
    return response


@pictures.errorhandler(ApiError)
def no_picture(error: ApiError) -> Response:
    """The status only: browsers show the alternative text."""
    current_app.logger.warning("%s: %s", type(error).__name__, error)
    status = explain(error, limit_bytes=limit_bytes()).status
    return Response(status=status, mimetype="text/plain")


def _item_id() -> str:
    item_id = request.args.get("id")
    if not item_id:
        abort(404)
    return item_id


def _file_name(item_id: str, media_type: str) -> str:
    name = PurePosixPath(item_id).name or item_id
    known = guess_extension(media_type) or ""
    return name if guess_type(name)[0] else f"{name}{known}"


def file_response(file: File) -> Response:
    """The file of the API, unchanged."""
    response = Response(file.chunks, status=file.status, headers=dict(file.headers))
    response.call_on_close(file.close)
    return response
