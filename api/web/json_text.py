"""JSON as it is sent: UTF-8, with or without a byte order mark; each name once; numbers that JSON has."""

import json
from typing import Any, NoReturn

from api.errors import Refusal

BYTE_ORDER_MARK = "\ufeff"
NOT_UTF8 = "The body is not UTF-8 text; send JSON in UTF-8."
PACKED = "The body is packed with gzip; say so in the header Content-Encoding: gzip."
EMPTY = "empty; send a JSON object"
WIDE = "The body is UTF-16 or UTF-32; send JSON in UTF-8."
TWICE = "not usable JSON: one of its objects has a name twice; send each once"
MAX_VALUES = 150_000
"""Of one text: 1,000 items with all the attributes that they may have, and more. Others take seconds to read."""
MAX_NAMES = 1_000
"""Of one object. Each that is not known would be looked at."""
TOO_MANY_VALUES = f"not usable JSON: it has more than {MAX_VALUES:,} values"
TOO_MANY_NAMES = f"not usable JSON: one of its objects has more than {MAX_NAMES:,} names"
LONG_NUMBER = "not usable JSON: one of its numbers has thousands of digits"
SINGLE_QUOTES = "; JSON has double quotes around names and texts"


def decode_utf8(body: bytes) -> str:
    """The text of a body. Raises Refusal (unparseable) for another encoding than UTF-8."""
    if body.startswith(b"\x1f\x8b"):
        raise Refusal("unparseable", PACKED)
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in body[:4]:
        raise Refusal("unparseable", WIDE)
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal("unparseable", NOT_UTF8) from error


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises ValueError that says what is wrong and where."""
    text = text.removeprefix(BYTE_ORDER_MARK)
    if not text.strip():
        raise ValueError(EMPTY)
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise ValueError(TOO_MANY_VALUES)
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        hint = SINGLE_QUOTES if text[error.pos : error.pos + 1] == "'" else ""
        raise ValueError(f"not well-formed JSON at line {error.lineno}, column {error.colno}{hint}") from error
    except ValueError as error:
        raise ValueError(LONG_NUMBER if "int_max_str_digits" in str(error) else str(error)) from error
    except RecursionError as error:
        raise ValueError("not JSON that can be read: it is nested too deeply") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_NAMES:
        raise ValueError(TOO_MANY_NAMES)
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError(TWICE)
    return names


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("not well-formed JSON: it has no NaN and no Infinity")
