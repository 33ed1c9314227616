"""Text in requests: what looks the same is the same, in what is added, changed, filtered and searched for."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr

from retrieval.catalogue import ID_LENGTH, new_id
from retrieval.text import nfc, normal, unprintable

MAX_TEXT = 1000  # characters

NORMAL = "Compared and kept in Unicode's composed form (NFC), without blanks at its ends and invisible characters."


def _label(text: str) -> str:
    text = normal(text)
    if not text:
        raise ValueError("a label cannot be blank; leave it out, or change it to null, where there is none")
    if character := unprintable(text):
        raise ValueError(f"a label is printable text in one line; {character} is not")
    return text


def _name(text: str) -> str:
    text = normal(text)
    if not text:
        raise ValueError("the name of an attribute cannot be blank")
    return text


def _different_names(value: object) -> object:
    """Two spellings of one name would take each other's place without a word."""
    if isinstance(value, Mapping):
        name_counts = Counter(normal(name) for name in value if isinstance(name, str))
        for name, count in name_counts.most_common(1):
            if count > 1:
                raise ValueError(f"the attribute {name} is named twice, in spellings that look the same")
    return value


def _of_attribute(text: str) -> str:
    """The name of the label or of an attribute: `label`, `attributes.colour`, after a `-` where it may have one."""
    before, dot, name = text.partition(".")
    return f"{before}{dot}{_name(name)}" if dot else text


# No database holds a NUL in a text.
Text: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[^\u0000]*$", max_length=MAX_TEXT), AfterValidator(normal)]
Name: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[^\u0000]+$", max_length=MAX_TEXT), AfterValidator(_name)]
Label: TypeAlias = Annotated[
    StrictStr,
    Field(pattern=r"^[^\u0000]+$", max_length=MAX_TEXT, description=f"Printable text in one line. {NORMAL}"),
    AfterValidator(_label),
]
DifferentNames = BeforeValidator(_different_names)
OfAttribute = AfterValidator(_of_attribute)
NewId: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        max_length=ID_LENGTH,
        description="1 to 128 printable characters, kept in Unicode's composed form (NFC). Slashes are fine between "
        "others, but no `.` or `..` between slashes; no blank at an end, and no invisible characters.",
    ),
    AfterValidator(new_id),
]
ItemName: TypeAlias = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(nfc)]
"""The id of an item that is there, in any of the spellings that look the same."""
