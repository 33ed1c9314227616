"""What is wrong with a request, in plain words: where it is, what is expected there, which names are known.

pydantic finds it; its own texts speak of its types. The place is a path such as `items[3].weight`. What was sent is
never repeated, but for names of attributes that are plain words: those are part of the path.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

MAX_COMPLAINTS = 10
"""One request is told so many mistakes at once."""
MAX_LOOKED_AT = 50
"""So many places, and so many names that are not known at one of them, are looked at; the others are counted."""
MAX_NAME = 64
"""Characters of an attribute's name that are shown."""

# By pydantic's name of a mistake, what to say of it; {limit} and the like are of its context.
TEXTS = {
    "missing": "is missing",
    "string_type": "must be a text",
    "string_sub_type": "must be a text",
    "string_unicode": "must be a text of Unicode characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "may have at most {max_length} characters",
    "bytes_type": "must be a file: send it with a file name",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number with fewer digits",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number that is not infinite",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be an object with names and values",
    "mapping_type": "must be an object with names and values",
    "model_type": "must be an object with names and values",
    "model_attributes_type": "must be an object with names and values",
    "too_short": "must have at least {min_length} entries",
    "too_long": "may have at most {max_length} entries",
}
PATTERNS = {
    r"^[^\u0000]*$": "must not contain the character U+0000",
    r"^[^\u0000]+$": "must be a text that is not empty, without the character U+0000",
    r"^[!-~]([ -~]*[!-~])?$": "must be printable ASCII characters, with no blank at its ends",
    r"^(label|attributes\.[^\u0000]+)$": "must be label, or attributes. and a name, such as attributes.colour",
    r"^-?(id|label|created|attributes\.[^\u0000]+)$": "must be id, label, created, or attributes. and a name, such as "
    "attributes.price; with a - before it, descending",
}


def describe(errors: Iterable[ErrorDetails], data: object, shape: type[BaseModel] | None = None, at: str = "") -> str:
    """All mistakes in one sentence each, for the `detail` of a problem.

    `data` is what was checked against `shape`; `at` is the place of `data` itself, such as `queries[3]`.
    """
    complaints: dict[str, list[str]] = {}
    unknown: dict[str, list[str]] = {}
    choices: dict[str, list[str]] = {}
    steps: set[tuple[int | str, ...]] = set()
    further: set[str] = set()
    for error in errors:
        loc, kind = error["loc"], error["type"]
        if kind == "none_required":  # the other branch of what may be left out
            continue
        if kind == "extra_forbidden":
            place = (at + _path(loc[:-1], data, kind)).removeprefix(".")
            if loc[:-1] not in steps:
                steps.add(loc[:-1])
                choices[place] = sorted({*choices.get(place, ()), *known_names(shape, loc[:-1])})
            unknown.setdefault(place, []).append(str(loc[-1]))
            continue
        place = (at + _path(loc, data, kind)).removeprefix(".")
        if place not in complaints and len(complaints) == MAX_LOOKED_AT:
            further.add(place)
            continue
        text, texts = _text(error), complaints.setdefault(place, [])
        if text not in texts:
            texts.append(text)
    # A list that has a mistake within is said to be too short as well.
    places = [place for place in complaints if any(other.startswith(f"{place}[") for other in (*complaints, *unknown))]
    for place in places:
        del complaints[place]
    sentences = [_sentence(place, _unknown(names, choices[place])) for place, names in unknown.items()]
    sentences += [_sentence(place, _joined(texts)) for place, texts in complaints.items()]
    more = len(sentences) + len(further) - MAX_COMPLAINTS
    return "; ".join(sentences[:MAX_COMPLAINTS]) + (f"; and {more} more." if more > 0 else ".")


def unknown_name(name: str, choices: Sequence[str], kind: str = "field") -> str:
    """What to say of a name that is not known, which is not repeated: the nearest that is, and all of them."""
    return _unknown([name], choices, kind)


def known_names(shape: type[BaseModel] | None, loc: Sequence[int | str] = ()) -> list[str]:
    """The names of the fields at a place within a shape."""
    shapes = [] if shape is None else [shape]
    for step in loc:
        within = [
            inner
            for each in shapes
            for name, field in each.model_fields.items()
            if step == (field.alias or name)
            for inner in _models(field.annotation)
        ]
        named = [each for each in shapes if each.__name__ == step]  # the branch of a union
        shapes = within or named or shapes
    return sorted({field.alias or name for each in shapes for name, field in each.model_fields.items()})


def _sentence(place: str, text: str) -> str:
    """What is wrong at a place, or with the whole."""
    if place:
        return f"{place}: {text}"
    return f"The body {text}" if text.startswith(("must ", "is ", "may ")) else text


def _unknown(names: Sequence[str], choices: Sequence[str], kind: str = "field") -> str:
    guesses = [guess for name in names[:MAX_LOOKED_AT] if (guess := nearest(name, choices))]
    hint = f"; did you mean {' and '.join(dict.fromkeys(guesses))}?" if guesses else "."
    what = f"a {kind} is" if len(names) == 1 else f"{len(names)} {kind}s are"
    return f"{what} not known here{hint} Known: {', '.join(sorted(choices)) or 'none'}"


def nearest(name: str, choices: Sequence[str]) -> str | None:
    """The known name that is most like another one, if any is."""
    plain = re.split(r"[\[.]", name.strip().casefold().replace("-", "_").replace(" ", "_"))[0]
    close = get_close_matches(plain, choices, n=1, cutoff=0.6)
    return close[0] if close else None


def _path(loc: Sequence[int | str], data: object, kind: str) -> str:
    """The place as one writes it, without the steps that only name a branch of a union."""
    path, current = "", data
    for number, step in enumerate(loc):
        if isinstance(step, int):
            path += f"[{step}]"
            current = current[step] if isinstance(current, Sequence) and step < len(current) else None
        elif isinstance(current, Mapping) and step in current:
            path += _full_name(step, current)
            current = current[step]
        elif kind == "missing" and number == len(loc) - 1:
            path += f".{step}"
    return path


def _full_name(name: str, siblings: Mapping[str, object]) -> str:
    """One step of a path: the name if it is a plain word, or else where it stands among the others."""
    plain = len(name) <= MAX_NAME and name.isascii() and name.isidentifier()
    return f".{name}" if plain else f"[{list(siblings).index(name)}]"


def _text(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] == "string_pattern_mismatch":
        return PATTERNS.get(str(context["pattern"]), "is not written in the form that is expected")
    if context.get("min_length") == 1:
        return "must not be empty"
    if error["type"] in TEXTS:
        plain = {name: str(value).replace("'", "") for name, value in context.items()}
        return TEXTS[error["type"]].format(**plain)
    message = error["msg"].removeprefix("Value error, ")
    message = re.sub(r"^Input should be ", "must be ", message)
    return message[:1].lower() + message[1:]


def _joined(texts: Sequence[str]) -> str:
    """Several mistakes at one place are of the branches of a union: it must be one or the other."""
    if "must be a number" in texts:
        texts = [text for text in texts if text != "must be a whole number"]
    if all(text.startswith("must be ") for text in texts):
        texts = [texts[0], *(text.removeprefix("must be ") for text in texts[1:])]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])}, or {texts[-1]}"


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Every model that an annotation names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
