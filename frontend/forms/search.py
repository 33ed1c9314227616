"""Reads a search from a form or link. Raises BadRequest with the mistake."""

import json
import math
from datetime import date
from typing import Any, get_args

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from frontend.api.models import Metric, Value
from frontend.forms.parameters import choice, whole_number
from frontend.languages.numbers import parse_number
from frontend.languages.texts import N_, gettext
from frontend.search_query import DEFAULT_K, Condition, Crop, SearchQuery

MAX_K = 100
MAX_EXTRA_PICTURES = 15  # further pictures; the API takes 16 with the first
MAX_VALUES = 200  # of labels, or of one attribute
MAX_ATTRIBUTES = 20
MAX_TEXT_LENGTH = 1000
MAX_LINK_LENGTH = 4000  # characters of a link before its cursor; with it, the link stays below what proxies take
JSON_VALUE = N_(
    "The value of an attribute is a JSON text, number or truth, such as “blue” in straight quotes, 3.5 or true."
)
SHA256_DIGITS, HEXADECIMAL = 64, frozenset("0123456789abcdef")
METRICS: tuple[Metric, ...] = get_args(Metric)

Fields = MultiDict[str, str]


def read(fields: Fields, *, with_picture: bool = False) -> SearchQuery:
    """The search, with an upload or without; empty fields are ignored. Raises BadRequest."""
    metric = fields.get("metric") or "cosine"
    if metric not in METRICS:
        raise BadRequest(gettext("A search compares by one of %(names)s.", names=", ".join(METRICS)))
    text = words(fields.get("text", ""))
    item_id, like, unlike = fields.get("id") or None, _others(fields, "like"), _others(fields, "unlike")
    url, cursor = address(fields.get("url", "")), fields.get("cursor") or None
    if like and not (text or item_id or url or cursor or with_picture):
        item_id, like = like[0], like[1:]
    if len(like) + len(unlike) > MAX_EXTRA_PICTURES:
        raise BadRequest(gettext("At most %(count)s pictures can be added to a query.", count=MAX_EXTRA_PICTURES))
    first_day, last_day = (_day(fields, name) for name in ("created_from", "created_to"))
    if first_day and last_day and first_day > last_day:
        raise BadRequest(
            gettext("The first day, %(first)s, is after the last one, %(last)s.", first=first_day, last=last_day)
        )
    query = SearchQuery(
        text=text,
        id=item_id,
        url=url,
        cursor=cursor,
        sha256=_digest(fields),
        like=like,
        unlike=unlike,
        crop=_crop(fields),
        face=whole_number(fields, "face", 1, 1000, 0) or None,
        k=whole_number(fields, "k", 1, MAX_K, DEFAULT_K),
        metric=metric,
        group=_group(fields),
        sure=whole_number(fields, "sure", 0, 100, 0),
        bundle=fields.get("bundle") or None,
        labels=_texts(fields, "label"),
        unlabelled=bool(choice(fields, "unlabelled", ("yes",))),
        attributes=_attributes(fields),
        created_from=first_day,
        created_to=last_day,
    )
    _check_length(query)
    return query


def _check_length(query: SearchQuery) -> None:
    """Raises BadRequest where the links to this search, and to its pages, would be too long for proxies."""
    length = len(query.with_changes(cursor=None).query_string())
    if length > MAX_LINK_LENGTH:
        raise BadRequest(
            gettext(
                "This search would be a link of %(length)s characters, and a link has up to %(limit)s. "
                "Select fewer labels and values, or a shorter address.",
                length=length,
                limit=MAX_LINK_LENGTH,
            )
        )


def address(text: str) -> str | None:
    """The address of a picture; None for an empty text. Raises BadRequest."""
    text = text.strip()
    if text and not (text.lower().startswith(("http://", "https://")) and len(text) <= MAX_TEXT_LENGTH * 2):
        raise BadRequest(gettext("The address of a picture begins with https:// or http://."))
    return text or None


def words(text: str) -> str | None:
    """Words to search with; None for an empty text. Raises BadRequest."""
    text = text.strip()
    if len(text) > MAX_TEXT_LENGTH:
        raise BadRequest(gettext("A search takes words of up to %(count)s letters in all.", count=str(MAX_TEXT_LENGTH)))
    return text or None


def _others(fields: Fields, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in fields.getlist(name) if each))


def _texts(fields: Fields, name: str) -> tuple[str, ...]:
    texts = tuple(dict.fromkeys(text for text in fields.getlist(name) if text))
    if len(texts) > MAX_VALUES or any(len(text) > MAX_TEXT_LENGTH for text in texts):
        raise BadRequest(
            gettext(
                "A filter takes up to %(count)s values of %(letters)s letters.",
                count=MAX_VALUES,
                letters=str(MAX_TEXT_LENGTH),
            )
        )
    return texts


def _digest(fields: Fields) -> str | None:
    digest = fields.get("sha256") or None
    if digest and not (len(digest) == SHA256_DIGITS and HEXADECIMAL.issuperset(digest)):
        raise BadRequest(gettext("sha256 has 64 hexadecimal digits in lower case."))
    return digest


def _crop(fields: Fields) -> Crop | None:
    """The crop, limited to the picture; None for the whole picture."""
    if not any(fields.get(name) for name in ("left", "top", "width", "height")):
        return None
    left, top = (whole_number(fields, name, 0, 99, 0) for name in ("left", "top"))
    width = min(whole_number(fields, "width", 1, 100, 100), 100 - left)
    height = min(whole_number(fields, "height", 1, 100, 100), 100 - top)
    return None if (width, height) == (100, 100) else Crop(left, top, width, height)


def _day(fields: Fields, name: str) -> date | None:
    text = fields.get(name)
    if not text:
        return None
    try:
        if len(text) == len("2026-11-24"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadRequest(gettext("%(name)s is a day, such as 2026-11-24.", name=name))


def _group(fields: Fields) -> str | None:
    group = fields.get("group") or None
    if group and group != "label" and not (group.startswith("attributes.") and len(group) > len("attributes.")):
        raise BadRequest(gettext("Matches are grouped by label, or by attributes. and the name of one."))
    return group


def _attributes(fields: Fields) -> dict[str, Condition]:
    conditions: dict[str, Condition] = {}
    for field in fields:
        kind, dot, name = field.partition(".")
        if dot and name and kind in ("has", "least", "most") and name not in conditions:
            values = tuple(_value(text) for text in _texts(fields, f"has.{name}"))
            language = fields.get("numbers")
            least, most = (_number(fields.get(f"{end}.{name}"), language) for end in ("least", "most"))
            if values and (least, most) != (None, None):
                raise BadRequest(
                    gettext("has.%(name)s cannot be combined with least.%(name)s or most.%(name)s.", name=name)
                )
            if least is not None and most is not None and least > most:
                raise BadRequest(gettext("least.%(name)s is greater than most.%(name)s.", name=name))
            if values or least is not None or most is not None:
                conditions[name] = Condition(values) if values else Condition((), least, most)
    if len(conditions) > MAX_ATTRIBUTES:
        raise BadRequest(gettext("A filter takes up to %(count)s attributes.", count=MAX_ATTRIBUTES))
    return conditions


def _value(text: str) -> Value:
    """A value in a link, in JSON: 1, "1" and true are different."""
    try:
        value: Any = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise BadRequest(gettext(JSON_VALUE)) from error
    if not isinstance(value, str | bool | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise BadRequest(gettext(JSON_VALUE))
    return value


def _number(text: str | None, language: str | None) -> float | None:
    if not text or not text.strip():
        return None
    try:
        return float(parse_number(text, language))
    except ValueError as error:
        mistake = gettext("The ends of a range are numbers, such as 12 or %(decimal)s.", decimal=3.5)
        raise BadRequest(mistake) from error


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
