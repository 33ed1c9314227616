"""The message catalogues: complete, up to date with the code, and safe to show."""

import re

import pytest

from frontend.languages.catalogues import FOLDER, LANGUAGES, SOURCE_LANGUAGE, read_catalogue
from scripts.messages import METHODS, extracted, mistakes, updated

TRANSLATED = sorted(LANGUAGES.keys() - {SOURCE_LANGUAGE})
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|%")


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("language", TRANSLATED)
def test_is_up_to_date_and_complete(language: str, name: str) -> None:
    content, catalogue = updated(language, name)
    assert (FOLDER / language / f"{name}.po").read_text() == content, "make messages"
    assert not mistakes(catalogue)


@pytest.mark.parametrize("name", METHODS)
def test_placeholders_are_of_the_kind_that_both_python_and_scripts_read(name: str) -> None:
    texts = [text for message in extracted(name) for text in _texts(message.id)]
    texts += [
        text for language in TRANSLATED for each in read_catalogue(language, name) for text in _texts(each.string)
    ]
    assert not [text for text in texts if set(PLACEHOLDER.findall(text)) & {"%"}]


def test_one_language_for_each_folder() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == TRANSLATED


def _texts(forms: str | tuple[str, ...] | list[str]) -> list[str]:
    return [forms] if isinstance(forms, str) else list(forms)
