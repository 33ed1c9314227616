"""Which language and time zone a request is answered in: those of its cookies, else what the browser asks for."""

from babel import Locale
from babel.localedata import exists
from flask import Flask, Response, request
from flask_babel import Babel, get_locale
from pytz import all_timezones_set

from frontend.languages.catalogues import LANGUAGES, SOURCE_LANGUAGE, PageTexts
from frontend.languages.texts import install_in_templates

LANGUAGE_COOKIE = "language"
TIME_ZONE_COOKIE = "time_zone"
COOKIE_SECONDS = 365 * 24 * 3600


class _Babel(Babel):  # type: ignore[misc]  # Flask-Babel has no types
    domain_instance = PageTexts()


def install(app: Flask) -> None:
    """Let an app answer in the visitor's language and time zone."""
    _Babel(app, locale_selector=_locale_name, timezone_selector=_time_zone_name)
    install_in_templates(app)
    app.context_processor(lambda: {"languages": LANGUAGES, "language_tag": language_tag()})
    app.after_request(_name_the_language)


def language() -> str:
    """The code of this request's language, a key of LANGUAGES."""
    return _locale().language


def language_tag() -> str:
    """The language of this request with its region, if the browser names one, as HTML has it: de-AT."""
    return str(_locale()).replace("_", "-")


def has_time_zone() -> bool:
    """Whether the time zone of the visitor is known."""
    return request.cookies.get(TIME_ZONE_COOKIE) in all_timezones_set


def _locale() -> Locale:
    return get_locale() or Locale(SOURCE_LANGUAGE)


def _locale_name() -> str:
    """The language, with the region of the browser: it decides how numbers and times are written."""
    selected = request.cookies.get(LANGUAGE_COOKIE)
    for tag, quality in request.accept_languages:
        code, _, region = tag.replace("_", "-").partition("-")
        code = code.lower()
        if quality > 0 and code in LANGUAGES and (selected == code or selected not in LANGUAGES):
            name = f"{code}_{region.upper()}"
            return name if len(region) in (2, 3) and region.isalnum() and exists(name) else code
    return selected if selected in LANGUAGES else SOURCE_LANGUAGE


def _time_zone_name() -> str:
    name = request.cookies.get(TIME_ZONE_COOKIE, "")
    return name if name in all_timezones_set else "UTC"


def _name_the_language(response: Response) -> Response:
    """Say which language a page has, and what decided it."""
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Language", language_tag())
        response.vary.update(("Accept-Language", "Cookie"))
    return response
