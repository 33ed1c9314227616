"""Bring the message catalogues of the page up to date with its texts: `make messages`.

New texts are added without a translation, and those that are no longer used are removed. Fails if a translation is
missing, or does not have the values of its text.
"""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from frontend.languages.catalogues import FOLDER, LANGUAGES, SOURCE_LANGUAGE

FRONTEND = Path(__file__).resolve().parents[1] / "frontend"
METHODS = {
    "pages": [("**.py", "python"), ("templates/**.html", "jinja2")],
    "scripts": [("static/js/**.js", "javascript")],
}
OPTIONS = {"static/js/**.js": {"parse_template_string": "true"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
HEADER = """\
# The texts of the page, by their English words. `make messages` keeps this file up to date.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"

"""


def extracted(name: str) -> Catalog:
    """The texts in the code that belong to a catalogue."""
    catalogue = Catalog(domain=name)
    plurals: dict[str, bool] = {}
    for _, _, text, _, context in extract_from_dir(FRONTEND, METHODS[name], options_map=OPTIONS, keywords=KEYWORDS):
        first, is_plural = (text, False) if isinstance(text, str) else (text[0], True)
        if plurals.setdefault(first, is_plural) != is_plural:
            sys.exit(
                f"{first!r} is used with a number and without one. Catalogues take it for one text: change one of them."
            )
        catalogue.add(text, context=context)
    return catalogue


def updated(language: str, name: str) -> tuple[str, Catalog]:
    """A catalogue with the texts of today, and the content of its file."""
    path = FOLDER / language / f"{name}.po"
    catalogue = Catalog(language, domain=name)
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language, domain=name)
    catalogue.update(extracted(name), no_fuzzy_matching=True)
    content = BytesIO()
    write_po(content, catalogue, width=0, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    header = HEADER.format(language=language, plural_forms=catalogue.plural_forms)
    return header + content.getvalue().decode().strip() + "\n", catalogue


def mistakes(catalogue: Catalog) -> list[str]:
    """A line for each text that is not translated, is marked as doubtful, or has other values than its translation."""
    lines = []
    for message in catalogue:
        if not message.id:
            continue
        forms = [message.string] if isinstance(message.string, str) else message.string
        if message.fuzzy or not forms or not all(forms):
            lines.append(f"is not translated: {message.id!r}")
        else:
            lines += [f"{error}: {message.id!r}" for error in message.check(catalogue)]
    return lines


def main() -> int:
    """Write every catalogue. Returns the exit code."""
    failures = []
    for language in LANGUAGES.keys() - {SOURCE_LANGUAGE}:
        for name in METHODS:
            content, catalogue = updated(language, name)
            (FOLDER / language / f"{name}.po").write_text(content)
            failures += [f"translations/{language}/{name}.po: {line}" for line in mistakes(catalogue)]
    for failure in failures:
        sys.stderr.write(f"{failure}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
