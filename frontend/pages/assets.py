"""The styles and scripts of pages. Their addresses change with them, so that browsers keep them for good."""

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, abort, current_app, url_for

from frontend.forms.parameters import accepts
from frontend.web.assets import NoSuchAsset, digest_of, joined_scripts, joined_styles

KEPT_FOR_GOOD = "public, max-age=31536000, immutable"
SEPARATOR = "+"
MAX_NAMES = 20

assets = Blueprint("assets", __name__, url_prefix="/assets")


@assets.get("/<digest>/<names>.css")
@accepts()
def styles(digest: str, names: str) -> Response:
    """Styles in one file; 404 for a digest that they do not have."""
    return _answer(joined_styles, digest, names, "text/css")


@assets.get("/<digest>/<names>.js")
@accepts()
def scripts(digest: str, names: str) -> Response:
    """Scripts and what they import in one module; 404 for a digest that they do not have."""
    return _answer(joined_scripts, digest, names, "text/javascript")


@assets.app_context_processor
def _addresses() -> dict[str, object]:
    return {
        "styles_address": lambda names: _address("assets.styles", joined_styles, names),
        "scripts_address": lambda names: _address("assets.scripts", joined_scripts, names),
    }


def _address(endpoint: str, join: Callable[[Sequence[str]], bytes], names: Sequence[str]) -> str:
    if current_app.debug:  # files may have been changed since
        joined_styles.cache_clear()
        joined_scripts.cache_clear()
    return url_for(endpoint, digest=digest_of(join(tuple(names))), names=SEPARATOR.join(names))


def _answer(join: Callable[[Sequence[str]], bytes], digest: str, names: str, media_type: str) -> Response:
    parts = tuple(names.split(SEPARATOR))
    if len(parts) > MAX_NAMES:
        abort(404)
    try:
        content = join(parts)
    except NoSuchAsset:
        abort(404)
    if digest_of(content) != digest:
        abort(404)
    return Response(content, mimetype=media_type, headers={"Cache-Control": KEPT_FOR_GOOD})
