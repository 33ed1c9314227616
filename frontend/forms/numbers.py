"""Reads whole numbers from forms and links."""

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

MAX_DIGITS = 9


def whole_number(fields: MultiDict[str, str], name: str, least: int, most: int, default: int) -> int:
    """The number in a field; the default if the field is missing or empty. Raises BadRequest."""
    text = fields.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and least <= int(text) <= most):
        raise BadRequest(f"{name} must be a whole number from {least} to {most}.")
    return int(text)


def choice(fields: MultiDict[str, str], name: str, values: tuple[str, ...]) -> str:
    """The value of a field, which is one of these; an empty text if the field is missing. Raises BadRequest."""
    text = fields.get(name, "")
    if text and text not in values:
        raise BadRequest(f"{name} must be {' or '.join(values)}.")
    return text
