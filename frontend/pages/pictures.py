"""The catalogue's pictures, passed through from the API: the browser talks to this page alone.

An id may hold slashes and dots, which browsers and servers resolve in a path; in a query string they stay.
"""

from flask import Blueprint, Response, abort, current_app, request

from frontend.api.connection import ApiError, File
from frontend.forms.parameters import accepts
from frontend.messages import explain
from frontend.rendering import THUMBNAIL_SIZES, api, limit_bytes

pictures = Blueprint("pictures", __name__, url_prefix="/pictures")


@pictures.get("/thumbnail")
@accepts("id", "size")
def thumbnail() -> Response:
    """A small version of an item's picture."""
    size = request.args.get("size", default=0, type=int)
    if size not in THUMBNAIL_SIZES:
        abort(404)
    return file_response(api().thumbnail(_item_id(), size, request.headers.get("If-None-Match")))


@pictures.get("/full")
@accepts("id")
def full() -> Response:
    """An item's picture as it is in the catalogue."""
    return file_response(api().image(_item_id(), request.headers.get("If-None-Match")))


@pictures.errorhandler(ApiError)
def no_picture(error: ApiError) -> Response:
    """In an <img> nobody reads a page: the status is enough, and the browser shows the alternative text."""
    current_app.logger.warning("%s: %s", type(error).__name__, error)
    status = explain(error, limit_bytes=limit_bytes()).status
    return Response(status=status, mimetype="text/plain")


def _item_id() -> str:
    item_id = request.args.get("id")
    if not item_id:
        abort(404)
    return item_id


def file_response(file: File) -> Response:
    """What the API sent, byte by byte."""
    response = Response(file.chunks, status=file.status, headers=dict(file.headers))
    response.call_on_close(file.close)
    return response
