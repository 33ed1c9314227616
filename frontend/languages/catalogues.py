"""The message catalogues: what each text of the page is in other languages, read from translations/<language>/*.po.

`pages.po` has the texts of templates and Python, `scripts.po` those of scripts. A text is found by its English words.
The files are read as they are when a language is first used, so nothing has to be compiled.
"""

import json
from functools import cache
from hashlib import sha256
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

import flask_babel
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LANGUAGES = {"en": "English", "de": "Deutsch", "ja": "日本語"}
"""Each language by its code, in its own words. The texts in the code are the first."""
SOURCE_LANGUAGE = "en"
FOLDER = Path(str(resources.files("frontend") / "translations"))


class PageTexts(flask_babel.Domain):  # type: ignore[misc]  # Flask-Babel has no types
    """The texts of templates and Python, in the language of this request."""

    def get_translations(self) -> NullTranslations:
        """The translations that Flask-Babel looks texts up in."""
        locale = flask_babel.get_locale()
        return page_translations(locale.language if locale else SOURCE_LANGUAGE)


@cache
def page_translations(language: str) -> NullTranslations:
    """The texts of pages in a language."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_catalogue(language, "pages"))
    compiled.seek(0)
    return Translations(compiled)


@cache
def script_messages(language: str) -> tuple[str, bytes]:
    """The texts of scripts in a language: a digest of them, and JSON from each English text to its plural forms."""
    messages: dict[str, Any] = {}
    if language != SOURCE_LANGUAGE:
        for message in read_catalogue(language, "scripts"):
            text, forms = message.id, message.string
            if text:
                messages[text if isinstance(text, str) else text[0]] = [forms] if isinstance(forms, str) else forms
    content = json.dumps(messages, ensure_ascii=False, separators=(",", ":")).encode()
    return sha256(content).hexdigest()[:16], content


def read_catalogue(language: str, name: str) -> Catalog:
    """A catalogue as it is in its file."""
    with (FOLDER / language / f"{name}.po").open("rb") as file:
        return read_po(file, locale=language, domain=name, abort_invalid=True)
