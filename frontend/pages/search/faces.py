"""The faces of a query picture, for the script, which loads them after the matches."""

from flask import Blueprint, Response, jsonify, request

from frontend.api.connection import ApiError, ApiRefused
from frontend.forms.parameters import SEARCH_FIELDS, SEARCH_LISTS, accepts
from frontend.forms.search import read
from frontend.messages import explain
from frontend.pages.search.page import uploaded_file
from frontend.rendering import api, limit_bytes

faces = Blueprint("faces", __name__)


@faces.post("/search/faces")
@accepts("file", *SEARCH_FIELDS, lists=SEARCH_LISTS)
def find() -> Response:
    """Number and box of each face, in percent of the picture; 204 if the model compares no faces."""
    upload = uploaded_file()
    query = read(request.form, with_picture=upload is not None)
    try:
        if upload is not None:
            answer = api().faces({}, upload.read())
        elif query.id is not None:
            answer = api().faces({"id": query.id})
        else:
            return Response(status=204)
    except ApiRefused as refused:
        if refused.problem.code in {"unsupported_by_model", "face_missing"}:
            return Response(status=204)
        raise
    across, down = 100 / answer.width, 100 / answer.height
    return jsonify(
        [
            {
                "face": face.face,
                "left": face.x * across,
                "top": face.y * down,
                "width": face.width * across,
                "height": face.height * down,
            }
            for face in answer.faces
        ]
    )


@faces.errorhandler(ApiError)
def no_faces(error: ApiError) -> Response:
    """The status only: the page works without faces."""
    return Response(status=explain(error, limit_bytes=limit_bytes()).status, mimetype="text/plain")
