"""The pages: start, matches, and what went wrong."""

from base64 import b64encode
from typing import cast

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from pydantic import TypeAdapter, ValidationError
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from frontend import messages
from frontend.answers import SearchAnswer
from frontend.api_client import ApiClient, SearchOptions

SAMPLE_SIZE = 24  # whole rows of 3, 4, 6 and 8
SHOWN_BY_BROWSERS = {"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp"}
SCRIPT_HEADER = "X-Lookalike-Script"  # our script asks, and shows the picture it has by itself

pages = Blueprint("pages", __name__)
_options_shape = TypeAdapter(SearchOptions)


def api() -> ApiClient:
    """The app's connection to the API."""
    return cast(ApiClient, current_app.extensions["lookalike_api"])


@pages.get("/")
def start() -> str:
    """Somewhere to drop a picture, and some pictures of the catalogue to start from."""
    return render_template("start.html", sample=api().sample(SAMPLE_SIZE))


@pages.get("/search")
def search_by_item() -> str | AnyResponse:
    """The matches of an item of the catalogue: a link that can be shared and gone back to."""
    item_id = request.args.get("id")
    if not item_id:
        return redirect(url_for("pages.start"))
    options = _options(request.args)
    item = api().item(item_id)
    return render_template("results.html", answer=api().search_item(item_id, options), item=item)


@pages.post("/search")
def search_by_picture() -> str | AnyResponse:
    """The matches of an uploaded picture; without one, those of the item that the form was shown with."""
    options = _options(request.form)
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        if item_id := request.form.get("id"):
            return redirect(url_for("pages.search_by_item", id=item_id, k=options.k, metric=options.metric), 303)
        return problem_page(messages.no_picture())
    picture = upload.read()
    limit_bytes = current_app.config["UPLOAD_LIMIT_BYTES"]
    if len(picture) > limit_bytes:
        return problem_page(messages.too_large(limit_bytes))
    return _uploaded_results(upload, picture, api().search_picture(picture, options))


@pages.get("/livez")
def livez() -> Response:
    """Whether this process serves pages."""
    return Response("alive\n", mimetype="text/plain")


@pages.get("/readyz")
def readyz() -> Response:
    """Whether a search would be answered: the API has to be ready, too."""
    reason = api().why_not_ready()
    return Response(f"{reason or 'ready'}\n", 503 if reason else 200, mimetype="text/plain")


def problem_page(trouble: messages.Trouble) -> Response:
    """A page that says what happened and what to do, and keeps the form."""
    response = make_response(render_template("problem.html", trouble=trouble), trouble.status)
    if trouble.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(trouble.retry_after_seconds)
    return response


def _uploaded_results(upload: FileStorage, picture: bytes, answer: SearchAnswer) -> str:
    preview = None
    if SCRIPT_HEADER not in request.headers and upload.mimetype in SHOWN_BY_BROWSERS:
        preview = f"data:{upload.mimetype};base64,{b64encode(picture).decode()}"
    return render_template("results.html", answer=answer, item=None, preview=preview)


def _options(values: MultiDict[str, str]) -> SearchOptions:
    """What the form or the link asks for; it is also what the form on the answer will show."""
    asked = {name: values[name] for name in ("k", "metric") if values.get(name)}
    try:
        g.options = _options_shape.validate_python(asked)
    except ValidationError as error:
        raise BadRequest("A search needs k from 1 to 100, and metric cosine or euclidean.") from error
    return cast(SearchOptions, g.options)
