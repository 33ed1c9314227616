"""Texts in the language of this request. Every text that a visitor may read comes from here.

A text is written in English where it is used, as it is in the catalogues: `gettext("Nothing was added.")`. Values have
names, `%(name)s`; numbers among them are written as the language writes them. A percent sign is `%%`.
"""

from collections.abc import Mapping
from decimal import Decimal

import flask_babel
from babel.numbers import format_decimal
from babel.support import NullTranslations
from flask import Flask
from markupsafe import Markup, escape


def gettext(text: str, /, **values: object) -> str:
    """A text, with its values."""
    return _translated(text) % _shown(values)


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """A text in the form that fits the number `num`, which is one of its values."""
    return _translations().ngettext(one, many, num) % _shown({"num": num, **values})


def N_(text: str) -> str:  # noqa: N802 - the name that gettext has for it
    """Mark a constant for the catalogues; `gettext` translates it where it is shown."""
    return text


def local_number(number: float | Decimal, pattern: str = "#,##0.###") -> str:
    """A number as the language writes it; `pattern` is one of CLDR. Very large ones are written with an exponent."""
    pattern = pattern if -(10**15) < number < 10**15 else "0.#####E0"
    return format_decimal(number, pattern, locale=flask_babel.get_locale() or "en")


def install_in_templates(app: Flask) -> None:
    """Give templates `_` and `ngettext`. Neither texts nor values are read as HTML, unless a value is Markup."""

    def template_gettext(text: str, /, **values: object) -> Markup:
        return escape(_translated(text)) % _shown(values)

    def template_ngettext(one: str, many: str, num: int, /, **values: object) -> Markup:
        return escape(_translations().ngettext(one, many, num)) % _shown({"num": num, **values})

    app.jinja_env.globals |= {"_": template_gettext, "gettext": template_gettext, "ngettext": template_ngettext}
    app.jinja_env.filters["local_number"] = local_number


def _translated(text: str) -> str:
    return _translations().gettext(text) if text else ""  # the empty text names the header of a catalogue


def _translations() -> NullTranslations:
    return flask_babel.get_translations()  # type: ignore[no-any-return]  # Flask-Babel has no types


def _shown(values: Mapping[str, object]) -> dict[str, object]:
    return {name: local_number(value) if _is_number(value) else value for name, value in values.items()}  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
