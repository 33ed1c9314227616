"""Reads label and attributes of a picture from a form. Raises BadRequest with the mistake."""

from dataclasses import dataclass

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from frontend.api.models import Attributes, Value
from frontend.languages.numbers import parse_number
from frontend.languages.texts import N_, gettext

KINDS = {"text": N_("text"), "number": N_("number"), "truth": N_("yes or no")}
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
        raise BadRequest(gettext("Each attribute needs a name, a kind and a value."))
    rows = zip(names, kinds, values, strict=True)
    attributes: Attributes = {}
    for name, kind, text in ((name.strip(), kind, text.strip()) for name, kind, text in rows):
        if not name and text:
            raise BadRequest(
                gettext(
                    "The value %(value)s has no name. Name the attribute, or empty its value.", value=_shortened(text)
                )
            )
        if name in attributes:
            raise BadRequest(
                gettext("The attribute %(name)s is there twice. Leave one of the two.", name=_shortened(name))
            )
        if name:
            attributes[name] = value(name, kind, text, fields.get("numbers")) if text else None
    label = fields.get("label", "").strip()
    if len(label) > MAX_TEXT_LENGTH or any(len(name) > MAX_TEXT_LENGTH for name in attributes):
        raise BadRequest(
            gettext("A label, or the name of an attribute, has up to %(count)s letters.", count=str(MAX_TEXT_LENGTH))
        )
    return Description(label or None, attributes)


def value(name: str, kind: str, text: str, language: str | None = None) -> Value:
    """The value of an attribute of this kind; numbers are written as in `language`. Raises BadRequest."""
    if kind not in KINDS:
        raise BadRequest(gettext("The kind of an attribute is one of %(names)s.", names=", ".join(KINDS)))
    if kind == "truth":
        words = BOOLEANS | {gettext("yes"): True, gettext("no"): False}
        if text.lower() not in words:
            raise BadRequest(gettext("The attribute %(name)s is yes or no.", name=_shortened(name)))
        return words[text.lower()]
    if kind == "number":
        return _number(name, text, language)
    return text


def kind_of(attribute: Value | None) -> str:
    """The kind of a value in the form."""
    if isinstance(attribute, bool):
        return "truth"
    return "text" if attribute is None or isinstance(attribute, str) else "number"


def _number(name: str, text: str, language: str | None) -> int | float:
    try:
        return parse_number(text, language)
    except ValueError as error:
        mistake = gettext(
            "The attribute %(name)s is to be a number, such as 12 or %(decimal)s.", name=_shortened(name), decimal=3.5
        )
        raise BadRequest(mistake) from error


def _shortened(text: str) -> str:
    return f"“{text[:40]}{'…' if len(text) > 40 else ''}”"
