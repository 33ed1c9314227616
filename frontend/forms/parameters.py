"""Parameters of routes: which there are, and numbers and choices among them.

Unknown ones are refused, so that a typing error is never ignored.
"""

from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnprocessableEntity

from frontend.languages.texts import N_, gettext

FILTER_FIELDS = ("least.*", "most.*", "created_from", "created_to", "unlabelled", "numbers")
FILTER_LISTS = ("label", "has.*")
SEARCH_FIELDS = (
    *("text", "id", "url", "cursor", "sha256", "left", "top", "width", "height", "face"),
    *("k", "metric", "group", "sure", "bundle", *FILTER_FIELDS),
)
SEARCH_LISTS = ("like", "unlike", *FILTER_LISTS)
"""What describes a search in links and forms: fields with one value, and with several. * is an attribute's name."""

TRACKING = {
    *("fbclid", "gclid", "dclid", "gbraid", "wbraid", "gad_source", "gad_campaignid", "srsltid", "msclkid", "yclid"),
    *("twclid", "ttclid", "igsh", "igshid", "li_fat_id", "mc_cid", "mc_eid", "mkt_tok", "ref", "ref_src", "si"),
    *("_ga", "_gl", "_hsenc", "_hsmi", "vero_id", "wickedid", "s_kwcid", "epik", "rdt_cid"),
}
"""Parameters that other sites and mail programs add to links; ignored, so that shared links open."""

UNKNOWN_IN_LINK = N_("The link has the parameter “%(name)s”, which this page does not know.")
UNKNOWN_IN_FORM = N_("The form has the parameter “%(name)s”, which this page does not know.")
MAX_DIGITS = 9  # of a whole number
MAX_FORM_PARTS = 10_000  # files and fields of one form

P = ParamSpec("P")
R = TypeVar("R")


def accepts(
    *names: str, lists: Iterable[str] = (), max_body_bytes: Callable[[], int] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view have these parameters only: in the query of a GET, in the form of a POST.

    Those of `lists` may have several values. `max_body_bytes` is for forms larger than one picture. The view raises
    UnprocessableEntity for other parameters, and for several values where one is expected.
    """
    lists = frozenset(lists)
    allowed = lists.union(names)

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if max_body_bytes is not None:
                request.max_content_length = max_body_bytes()
                request.max_form_parts = MAX_FORM_PARTS
            _check(allowed, lists)
            return view(*args, **kwargs)

        checked.known_parameters = allowed  # type: ignore[attr-defined]  # a test looks whether every view has it
        return checked

    return decorate


def _check(allowed: Collection[str], lists: Collection[str]) -> None:
    is_form = request.method == "POST"
    for name in request.args:
        if not is_tracking(name) and (is_form or _pattern(name) not in allowed):
            raise UnprocessableEntity(_unknown(UNKNOWN_IN_LINK, name, () if is_form else allowed))
    for name in (*request.form, *request.files) if is_form else ():
        if _pattern(name) not in allowed:
            raise UnprocessableEntity(_unknown(UNKNOWN_IN_FORM, name, allowed))
    fields = request.form if is_form else request.args
    for name in fields:
        if _pattern(name) not in lists and not is_tracking(name) and len(set(fields.getlist(name))) > 1:
            raise UnprocessableEntity(
                gettext("“%(name)s” has several values, but only one is possible.", name=_short(name))
            )


def is_tracking(name: str) -> bool:
    """Whether it is a tracking parameter."""
    return name.startswith("utm_") or name in TRACKING


def _pattern(name: str) -> str:
    kind, dot, attribute = name.partition(".")
    return f"{kind}.*" if dot and attribute else name


def _unknown(text: str, name: str, names: Collection[str]) -> str:
    allowed = sorted(names)
    nearest = get_close_matches(_pattern(name), allowed, n=1)
    if not allowed:
        hint = gettext("It takes no parameters.")
    elif nearest:
        similar = nearest[0].replace("*", name.partition(".")[2] or "NAME")
        hint = gettext("Did you mean “%(name)s”?", name=similar)
    else:
        hint = gettext("Known are %(names)s.", names=", ".join(allowed).replace("*", "NAME"))
    return f"{gettext(text, name=_short(name))} {hint}"


def _short(name: str) -> str:
    return f"{name[:60]}…" if len(name) > 60 else name


def whole_number(fields: MultiDict[str, str], name: str, least: int, most: int, default: int) -> int:
    """The number in a field; the default if the field is missing or empty. Raises BadRequest."""
    text = fields.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and least <= int(text) <= most):
        raise BadRequest(
            gettext("%(name)s must be a whole number from %(least)s to %(most)s.", name=name, least=least, most=most)
        )
    return int(text)


def choice(fields: MultiDict[str, str], name: str, values: tuple[str, ...]) -> str:
    """The value of a field, which is one of these; an empty text if the field is missing. Raises BadRequest."""
    text = fields.get(name, "")
    if text and text not in values:
        raise BadRequest(gettext("%(name)s must be %(values)s.", name=name, values=gettext(" or ").join(values)))
    return text
