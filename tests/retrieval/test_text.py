"""The normal form of text: what looks the same is the same, and what has a meaning stays."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retrieval.text import nfc, normal, spellings, unprintable

ANY = st.text(
    st.characters(codec="utf-8")
    | st.sampled_from("a\u0301\u034f\u200b\u200c\u200d\ufe0f\ufeff\u00a0\u3164語👩🏽🏴\U000e0067")
)


@given(ANY)
@example("e\u034f\u0301\u200d👩")
@example("語\u200d\u0301\u200d語")
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normal(normal(text)) == normal(text)
    assert unicodedata.is_normalized("NFC", normal(text))
    assert normal(text) == normal(text).strip()


@given(ANY)
def test_every_way_to_write_a_letter_is_the_same(text: str) -> None:
    assert normal(unicodedata.normalize("NFD", text)) == normal(text)
    assert nfc(unicodedata.normalize("NFD", text)) == nfc(text)


@given(st.text(st.characters(categories=["L", "N", "P", "Sm"], exclude_characters="\u115f\u1160\u3164\uffa0")))
def test_letters_figures_and_marks_stay(text: str) -> None:
    assert normal(text) == unicodedata.normalize("NFC", text)
    assert unprintable(normal(text)) is None


@given(
    st.text(st.characters(categories=["Lu", "Ll"])),
    st.sampled_from("\u00ad\u200b\u200c\u200d\u200e\u202e\u2060\ufe0f\ufeff"),
)
def test_no_invisible_character_makes_another_word(word: str, invisible: str) -> None:
    assert normal(invisible.join(["", *word, ""])) == normal(word)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cafe\u0301", "caf\u00e9"),
        (" cup \t\n", "cup"),
        ("rouge\u00a0vif", "rouge vif"),
        ("\u3000茶碗\u3000", "茶碗"),
        ("\ufeffcup", "cup"),
        ("\u202ecup\u202c", "cup"),
        ("co\u00adop", "coop"),
        ("\u200b \u2060", ""),
        ("\u2800", ""),
        ("\u3164", ""),
        ("two\r\nlines\rand\u2028more", "two\nlines\nand\nmore"),
        ("a  b", "a  b"),
        ("\ufb01", "\ufb01"),  # a ligature looks otherwise than f and i
    ],
)
def test_blanks_and_what_is_not_seen(text: str, wanted: str) -> None:
    assert normal(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d👩\u200d👧",
        "❤\ufe0f\u200d🔥",
        "👩🏽\u200d⚕\ufe0f",
        "🏳\ufe0f\u200d🌈",
        "🐦\u200d⬛",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "🇩🇪",
        "\U0001fae8",  # younger than the Unicode of Python 3.11
        "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc",  # Persian
        "क्\u200dष",
        "र्\u200d",
        "葛\U000e0100",
        "שלום",
        "\uf8ff",
    ],
)
def test_what_needs_its_joiners_keeps_them_and_is_printable(text: str) -> None:
    assert normal(f" {text}\u200b") == text
    assert unprintable(text) is None


@pytest.mark.parametrize(
    "character", ["\0", "\x07", "\x1b", "\x7f", "\u2028", "\udcff", "\ufdd0", "\uffff", "\U0010fffe"]
)
def test_what_is_no_character_is_named(character: str) -> None:
    assert unprintable(f"cup{character}") == f"U+{ord(character):04X}"


def test_line_breaks_and_tabs_are_not_printable() -> None:
    assert unprintable("two\nlines") == "a line break"
    assert unprintable("a\tb") == "U+0009"


@pytest.mark.parametrize("character", ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_every_line_break_is_called_so_in_the_normal_form(character: str) -> None:
    assert unprintable(normal(f"two{character}lines")) == "a line break"


def test_spellings_are_those_that_file_systems_know() -> None:
    assert spellings("cup") == ["cup"]
    assert spellings("caf\u00e9") == ["caf\u00e9", "cafe\u0301"]
    assert spellings("cafe\u0301") == ["cafe\u0301", "caf\u00e9"]
