"""Numbers that people type, as their language writes them: 1.234,5 in German is 1,234.5 in English.

A form names the language of its numbers in the field `numbers`; without it, as in links, a number is one of a program:
1234.5.
"""

import math
import re
import unicodedata

from babel import Locale, UnknownLocaleError
from babel.numbers import get_decimal_symbol, get_group_symbol

from frontend.languages.texts import local_number

MAX_LENGTH = 40
SPACES = re.compile(r"[\s'’]")  # noqa: RUF001 - they group digits in some languages, and mean nothing else
PROGRAM = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def number_entry(number: float) -> str:
    """A number as it stands in a field: with the decimal sign of the language, and not grouped."""
    text = repr(number).removesuffix(".0")
    return text if "e" in text else text.replace(".", local_number(0.5, "0.0")[1:2])


def parse_number(text: str, language: str | None = None) -> float:
    """The number in a text; a whole number is an int, unless it has a decimal sign. Raises ValueError.

    A text that is wrong in its language, but clear, is read as well: 1,5 in English, 1234.5 in German.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError("too long for a number")
    if language:
        text = _for_programs(
            SPACES.sub("", unicodedata.normalize("NFKC", text)).replace("\N{MINUS SIGN}", "-"), language
        )
    text = text.strip()
    if not PROGRAM.fullmatch(text):
        raise ValueError("not a number")
    digits = text.lstrip("+-")
    if digits.isdigit() and len(digits) < 16:
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _for_programs(text: str, language: str) -> str:
    """The text as programs write it; as it is, if it is of no known form."""
    try:
        locale = Locale.parse(language[:20], sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError("not a known language") from error
    signs = (get_group_symbol(locale), get_decimal_symbol(locale))
    for group, decimal in (signs, (",", "."), (".", ",")):
        pattern = rf"[+-]?(\d{{1,3}}({re.escape(group)}\d{{3}})+|\d+)?({re.escape(decimal)}\d*)?(e[+-]?\d+)?"
        if re.fullmatch(pattern, text, re.ASCII | re.IGNORECASE):
            return text.replace(group, "").replace(decimal, ".")
    return text
