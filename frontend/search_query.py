"""A search: its parts, the API request for it, and its link."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from frontend import formatting
from frontend.api.models import Metric, Value
from frontend.languages.texts import gettext

DEFAULT_K = 20
LIKE, UNLIKE = 1.0, -0.5
"""Weights of extra pictures that matches should be like, or unlike; the first picture has weight 1."""

Kind = Literal["item", "address", "picture", "words"]


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop: upper left corner and size, in percent of the upright picture."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on an attribute: one of `values`, or without values a number from `least` to `most`."""

    values: tuple[Value, ...] = ()
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search: by the words of `text`, or by pictures.

    The first picture is an item (`id`), at a `url`, uploaded, or part of a `cursor`.

    A cursor contains the whole query; other fields that name a picture are then only displayed.
    """

    text: str | None = None
    id: str | None = None
    url: str | None = None
    cursor: str | None = None
    sha256: str | None = None
    """Of the file of the first picture where that is no item, so that it can be said which of its matches are wrong."""
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    crop: Crop | None = None
    face: int | None = None
    k: int = DEFAULT_K
    metric: Metric = "cosine"
    group: str | None = None
    """Group by `label` or `attributes.NAME`: only the best match of each group."""
    sure: int = 0
    """The minimum probability of a true match, in percent."""
    bundle: str | None = None
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, Condition] = field(default_factory=dict)
    unlabelled: bool = False
    """Also pictures without a label; only these, where no label is named."""
    created_from: date | None = None
    created_to: date | None = None
    """The first and the last day on which a picture was added, in UTC."""

    @property
    def kind(self) -> Kind:
        """What is searched with: words, or the kind of the first picture."""
        if self.text is not None:
            return "words"
        if self.id is not None:
            return "item"
        return "address" if self.url is not None else "picture"

    @property
    def is_complete(self) -> bool:
        """Whether the search needs no upload."""
        return self.text is not None or self.has_picture

    @property
    def has_picture(self) -> bool:
        """Whether the first picture is named."""
        return self.id is not None or self.url is not None or self.cursor is not None

    @property
    def has_filters(self) -> bool:
        """Whether there is a filter."""
        return self.filter_count > 0

    @property
    def filter_count(self) -> int:
        """The number of conditions in the filter."""
        return len(self.labels) + self.unlabelled + len(self.attributes) + bool(self.created_from or self.created_to)

    def filter_fields(self) -> dict[str, Any]:
        """The filter of the API request."""
        labels = [*self.labels, *([None] if self.unlabelled else [])]
        conditions: dict[str, Any] = {"label": labels} if labels else {}
        if self.attributes:
            conditions["attributes"] = {name: _condition(each) for name, each in self.attributes.items()}
        days = {"gte": self.created_from, "lte": self.created_to}
        if self.created_from or self.created_to:
            conditions["created"] = {name: day.isoformat() for name, day in days.items() if day}
        return conditions

    def picture_fields(self) -> dict[str, Any]:
        """The fields of the API request that name the first picture; empty for an upload."""
        source: dict[str, Any] = {"id": self.id, "url": self.url if self.id is None else None, "face": self.face}
        if self.crop:
            part = self.crop
            sides = (part.left, part.top, part.width, part.height)
            source["crop"] = dict(zip(("x", "y", "width", "height"), (side / 100 for side in sides), strict=True))
        return {name: value for name, value in source.items() if value is not None}

    def search_fields(self) -> dict[str, Any]:
        """The fields of the API request; an upload comes before the `items`."""
        options: dict[str, Any] = {"k": self.k}
        options |= {"metric": self.metric} if self.text is None or self.metric != "cosine" else {}
        options |= {"filter": self.filter_fields()} if self.has_filters else {}
        options |= {"group_by": self.group} if self.group else {}
        options |= {"min_precision": self.sure / 100} if self.sure and self.metric != "fused" else {}
        options |= {"bundle": self.bundle} if self.bundle else {}
        if self.cursor is not None:
            return options | {"cursor": self.cursor}
        if self.text is not None:
            return options | {"text": self.text}
        first = self.picture_fields()
        if not self.like and not self.unlike:
            return options | first
        if self.crop or self.face:
            options |= first  # which the API refuses, and says why
        others = [{"id": each, "weight": LIKE} for each in self.like]
        others += [{"id": each, "weight": UNLIKE} for each in self.unlike]
        return options | {"items": [first, *others] if self.has_picture else others}

    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of a link or form; default values are left out."""
        pairs = [(name, text) for name in ("text", "id", "url") if (text := getattr(self, name)) is not None]
        pairs += [("like", each) for each in self.like] + [("unlike", each) for each in self.unlike]
        if self.crop:
            pairs += [(side.name, str(getattr(self.crop, side.name))) for side in fields(Crop)]
        usual = SearchQuery()
        for name in ("sha256", "face", "k", "metric", "group", "sure", "bundle"):
            if (value := getattr(self, name)) != getattr(usual, name):
                pairs.append((name, str(value)))
        pairs += self.filter_parameters()
        return pairs + ([("cursor", self.cursor)] if self.cursor is not None else [])

    def filter_parameters(self) -> list[tuple[str, str]]:
        """The parameters of the filter in a link or form."""
        pairs = [("label", label) for label in self.labels]
        pairs += [("unlabelled", "yes")] if self.unlabelled else []
        for name, condition in self.attributes.items():
            pairs += [(f"has.{name}", json.dumps(value)) for value in condition.values]
            ends = {"least": condition.least, "most": condition.most}
            pairs += [(f"{end}.{name}", repr(at).removesuffix(".0")) for end, at in ends.items() if at is not None]
        days = {"created_from": self.created_from, "created_to": self.created_to}
        return pairs + [(name, day.isoformat()) for name, day in days.items() if day]

    def query_string(self) -> str:
        """The query string of a link."""
        return urlencode(self.parameters())

    def by_item(self, item_id: str) -> Self:
        """The same search, starting from this item only."""
        return replace(
            self, text=None, id=item_id, url=None, cursor=None, sha256=None, like=(), unlike=(), crop=None, face=None
        )

    def by_address(self, url: str) -> Self:
        """The same search, starting from the picture at this URL only."""
        return replace(
            self, text=None, id=None, url=url, cursor=None, sha256=None, like=(), unlike=(), crop=None, face=None
        )

    def by_words(self, text: str) -> Self:
        """A search with these words, among the same pictures; words know no metric, group or probability."""
        return replace(self.by_item(""), text=text, id=None, metric="cosine", group=None, sure=0)

    def with_word(self, word: str, other: str) -> Self:
        """The same search with another word in place of one; of all words, where it is written in another way."""
        text = re.sub(re.escape(word), lambda _: other, self.text or "", flags=re.IGNORECASE)
        return replace(self, text=other if text == self.text else text, cursor=None)

    def more_like(self, item_id: str) -> Self:
        """The same search with an extra picture that matches should be like."""
        return replace(self.without(item_id), like=(*self.without(item_id).like, item_id))

    def less_like(self, item_id: str) -> Self:
        """The same search with an extra picture that matches should be unlike."""
        return replace(self.without(item_id), unlike=(*self.without(item_id).unlike, item_id))

    def without(self, item_id: str) -> Self:
        """The same search from its first page, without this extra picture."""
        like, unlike = (tuple(each for each in ids if each != item_id) for ids in (self.like, self.unlike))
        return replace(self, cursor=self.cursor if self.kind == "picture" else None, like=like, unlike=unlike)

    def without_crop(self) -> Self:
        """The same search with the whole picture."""
        return replace(self, crop=None, face=None)

    def without_label(self, label: str) -> Self:
        """The same search without the condition on this label."""
        return replace(self, labels=tuple(each for each in self.labels if each != label))

    def without_attribute(self, name: str) -> Self:
        """The same search without the condition on this attribute."""
        return replace(self, attributes={each: of for each, of in self.attributes.items() if each != name})

    def filter_chips(self) -> list[tuple[str, Self]]:
        """For each condition of the filter: its text, and the same search without it."""
        chips = [(label, self.without_label(label)) for label in self.labels]
        chips += [(gettext("no label"), replace(self, unlabelled=False))] if self.unlabelled else []
        for name, condition in self.attributes.items():
            texts = map(formatting.attribute, condition.values)
            text = gettext(" or ").join(texts) if condition.values else _range(condition.least, condition.most)
            chips.append((f"{name}: {text}", self.without_attribute(name)))
        if self.created_from or self.created_to:
            days = _range(self.created_from, self.created_to)
            chips.append((gettext("added %(days)s", days=days), replace(self, created_from=None, created_to=None)))
        return chips

    def unfiltered(self) -> Self:
        """The same search without a filter."""
        return replace(self, labels=(), unlabelled=False, attributes={}, created_from=None, created_to=None)

    def in_group(self, value: Value) -> Self:
        """The same search, only in the group with this value."""
        if self.group == "label":
            return replace(self, group=None, labels=(str(value),))
        name = (self.group or "").removeprefix("attributes.")
        return replace(self, group=None, attributes={**self.attributes, name: Condition((value,))})

    def with_changes(self, **changes: Any) -> Self:
        """The same search with these fields replaced."""
        return replace(self, **changes)


def cursor_of(link: str | None) -> str | None:
    """The cursor in a link of the API; None if there is none."""
    return next(iter(parse_qs(urlsplit(link or "").query).get("cursor", ())), None)


def _condition(condition: Condition) -> Any:
    if condition.values:
        return list(condition.values)
    ends = {"gte": condition.least, "lte": condition.most}
    return {name: value for name, value in ends.items() if value is not None}


def _range(first: float | date | None, last: float | date | None) -> str:
    start, end = (formatting.day(each) if isinstance(each, date) else each for each in (first, last))
    if end is None:
        return gettext("from %(first)s", first=start)
    if start is None:
        return gettext("to %(last)s", last=end)
    return gettext("from %(first)s to %(last)s", first=start, last=end)
