"""Reads label and attributes of a picture from a form. Raises BadRequest with the mistake."""

import math
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from frontend.api.models import Attributes, Value

KINDS = {"text": "text", "number": "number", "truth": "yes or no"}
MAX_TEXT_LENGTH = 1000
BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class Description:
    """A label, or None; attributes, where None removes one."""

    label: str | None
    attributes: Attributes


def parse_description(fields: MultiDict[str, str]) -> Description:
    """The fields `label`, and `name`, `kind` and `value` once for each attribute. Raises BadRequest."""
    names, kinds, values = (fields.getlist(name) for name in ("name", "kind", "value"))
    if not len(names) == len(kinds) == len(values):
        raise BadRequest("Each attribute needs a name, a kind and a value.")
    rows = zip(names, kinds, values, strict=True)
    attributes: Attributes = {}
    for name, kind, text in ((name.strip(), kind, text.strip()) for name, kind, text in rows):
        if not name and text:
            raise BadRequest(f"The value {_shortened(text)} has no name. Name the attribute, or empty its value.")
        if name in attributes:
            raise BadRequest(f"The attribute {_shortened(name)} is there twice. Leave one of the two.")
        if name:
            attributes[name] = value(name, kind, text) if text else None
    label = fields.get("label", "").strip()
    if len(label) > MAX_TEXT_LENGTH or any(len(name) > MAX_TEXT_LENGTH for name in attributes):
        raise BadRequest(f"A label, or the name of an attribute, has up to {MAX_TEXT_LENGTH} letters.")
    return Description(label or None, attributes)


def value(name: str, kind: str, text: str) -> Value:
    """The value of an attribute of this kind. Raises BadRequest."""
    if kind not in KINDS:
        raise BadRequest(f"The kind of an attribute is one of {', '.join(KINDS)}.")
    if kind == "truth":
        if text.lower() not in BOOLEANS:
            raise BadRequest(f"The attribute {_shortened(name)} is yes or no.")
        return BOOLEANS[text.lower()]
    if kind == "number":
        return _number(name, text)
    return text


def kind_of(attribute: Value | None) -> str:
    """The kind of a value in the form."""
    if isinstance(attribute, bool):
        return "truth"
    return "text" if attribute is None or isinstance(attribute, str) else "number"


def _number(name: str, text: str) -> int | float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadRequest(f"The attribute {_shortened(name)} is to be a number, such as 12 or 3.5.")
    digits = text.removeprefix("-").removeprefix("+")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 16 else number


def _shortened(text: str) -> str:
    return f"“{text[:40]}{'…' if len(text) > 40 else ''}”"
