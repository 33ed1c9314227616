"""Text that looks the same is the same text: the normal form of labels, attributes and ids, and what may be stored.

Every door passes text through `normal`: the sources of a training run, what is added or changed over HTTP, filters and
forms. What is written with a combining accent equals what is written with one letter, and no invisible character makes
two labels out of one.
"""

import re
import unicodedata

# Code points that Unicode says are not shown (Default_Ignorable_Code_Point): soft hyphen, zero-width space, byte order
# mark, marks of direction, ... Three kinds of them have a meaning beside the right neighbour, and are kept there.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_IS_INVISIBLE = re.compile(f"[{_INVISIBLE}]")
_VARIATION = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_JOINER = re.compile("[\u200c\u200d]")
_TAG = re.compile("[\U000e0020-\U000e007f]")
_FLAG = "\U0001f3f4"  # tags after it name a region: the flags of England, Scotland and Wales
_VIRAMA = 9  # combining class
_JOINED = {"Lo", "So", "Sk", "Cn"}  # letters without case (Arabic, Devanagari, ...), emoji, also those of next year
_VARIED = _JOINED | {"Sm", "Po", "Nd", "No"}

_LINE_BREAK = re.compile("\r\n|[\v\f\r\u0085\u2028\u2029]")
_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def nfc(text: str) -> str:
    """The text in Unicode's composed form: one code point where a letter and its accent were two."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def spellings(text: str) -> list[str]:
    """The text as it is, composed, and taken apart (NFD, as macOS once wrote file names): without doubles."""
    return list(dict.fromkeys((text, nfc(text), unicodedata.normalize("NFD", text))))


def normal(text: str) -> str:
    """The text as it is stored and compared; the normal form of a normal form is itself.

    Composed (NFC), without blanks at its ends and without invisible characters; every kind of blank is a space, every
    kind of line break is `\\n`. Emoji, flags, and scripts that need joiners stay as they are.
    """
    text = _LINE_BREAK.sub("\n", text)
    while not text.isascii():
        changed = nfc(_without_invisible(_BLANK.sub(" ", text)))
        if changed == text:
            break
        text = changed
    return text.strip()


def unprintable(text: str) -> str | None:
    """The first character that no label and no id may hold, as messages call it; None when there is none.

    That is a code point, such as `U+0007`, or a line break: in the normal form every kind of them is the same.

    Those are control characters, line breaks among them, and code points that are no characters. Blanks, emoji and
    letters of every script are fine, also those that this Python does not know yet.
    """
    if text.isprintable():
        return None
    for character in text:
        is_control = unicodedata.category(character) in {"Cc", "Zl", "Zp"}
        if is_control or _NO_CHARACTER.match(character) or ord(character) & 0xFFFE == 0xFFFE:
            return "a line break" if character == "\n" else f"U+{ord(character):04X}"
    return None


def _without_invisible(text: str) -> str:
    if not _IS_INVISIBLE.search(text):
        return text
    characters: list[str] = []
    base = ""  # the last character that is no mark and no tag: what a joiner or a tag acts upon
    for index, character in enumerate(text):
        if _IS_INVISIBLE.match(character):
            if not _has_meaning(character, base, characters[-1] if characters else "", text[index + 1 : index + 2]):
                continue
        elif unicodedata.category(character)[0] != "M":
            base = character
        characters.append(character)
    return "".join(characters)


def _has_meaning(character: str, base: str, last: str, following: str) -> bool:
    """Whether an invisible character changes how its visible neighbours are shown."""
    if _VARIATION.match(character):
        return bool(last) and unicodedata.category(last) in _VARIED
    if _TAG.match(character):
        return base == _FLAG
    if _JOINER.match(character) and base and unicodedata.category(base) in _JOINED:
        return unicodedata.combining(last) == _VIRAMA or (
            bool(following) and unicodedata.category(following) in _JOINED
        )
    return False
