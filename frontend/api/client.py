"""Client for searches, single items, their pictures, and reports. Each call raises ApiError."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from frontend.api.connection import ApiInvalidAnswer, ApiRefused, Connection, File, FormField, parse_model
from frontend.api.models import (
    ExplainAnswer,
    FacesAnswer,
    FacetsAnswer,
    Item,
    ItemSample,
    LabelsAnswer,
    Problem,
    Readiness,
    SearchAnswer,
    SuggestAnswer,
    Suggestion,
)

Fields = Mapping[str, Any]
"""Fields of an API request, as JSON values."""

MAX_LABELS = 200
MAX_VALUES = 30  # of one attribute
MAX_SUGGESTIONS = 50  # the API gives no more
NOT_IN_IDS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line breaks, marks of text direction, and surrogates."""


class ApiClient:
    """Client for the searches of one API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def search(self, fields: Fields, picture: bytes | None = None) -> SearchAnswer:
        """Search with the fields, and with the picture and the `items` of the fields if given.

        Fields with a `cursor` contain no other query. The name of the picture is not sent: only its bytes matter.
        """
        if picture is None:
            for part in _ids_in(fields):
                checked_id(part)
            response = self._connection.send("POST", "/search", json=fields)
        elif "items" in fields:
            first = {"image_base64": base64.b64encode(picture).decode()}
            response = self._connection.send("POST", "/search", json={**fields, "items": [first, *fields["items"]]})
        else:
            response = self._connection.send("POST", "/search", form=_form(fields, picture))
        return self._connection.read(SearchAnswer, response)

    def explain(self, fields: Fields, picture: bytes | None = None) -> ExplainAnswer:
        """Why the picture, or the item `id`, is similar to the `item` of the fields."""
        return self._connection.read(ExplainAnswer, self._post("/explain", fields, picture))

    def faces(self, fields: Fields, picture: bytes | None = None) -> FacesAnswer:
        """The faces of a picture, or of the item `id`."""
        return self._connection.read(FacesAnswer, self._post("/faces", fields, picture))

    def labels(self, filter_: Fields) -> LabelsAnswer:
        """The most frequent labels under a filter."""
        params = {"filter": json.dumps(filter_), "limit": str(MAX_LABELS)}
        return self._connection.read(LabelsAnswer, self._connection.send("GET", "/labels", params=params))

    def completed_labels(self, text: str) -> list[str]:
        """The labels with words that begin like those of a text, the most frequent first."""
        return [each.value for each in self.suggestions(text, MAX_SUGGESTIONS) if each.attribute is None]

    def suggestions(self, text: str, limit: int) -> list[Suggestion]:
        """The labels and values with words that begin like those of a text, the most frequent first."""
        params = {"text": text, "limit": str(limit)}
        answer = self._connection.read(SuggestAnswer, self._connection.send("GET", "/suggest", params=params))
        return answer.suggestions

    def facets(self, filter_: Fields) -> FacetsAnswer:
        """Each attribute's most frequent values under a filter."""
        params = {"filter": json.dumps(filter_), "limit": str(MAX_VALUES)}
        return self._connection.read(FacetsAnswer, self._connection.send("GET", "/facets", params=params))

    def item(self, item_id: str) -> Item:
        """One item of the catalogue."""
        return self._connection.read(Item, self._connection.send("GET", item_path(item_id)))

    def sample(self, limit: int) -> ItemSample:
        """A sample of the catalogue, always the same."""
        return self._connection.read(ItemSample, self._connection.send("GET", f"/items?limit={limit}"))

    def thumbnail(self, item_id: str, size: int, if_none_match: str | None) -> File:
        """An item's picture, at most `size` pixels wide and high."""
        return self._picture(f"{item_path(item_id, '/thumbnail')}&size={size}", if_none_match)

    def image(self, item_id: str, if_none_match: str | None) -> File:
        """An item's picture as it is in the catalogue, or where browsers do not show its format, a large copy."""
        return self._picture(f"{item_path(item_id, '/image')}&format=browser", if_none_match)

    def original(self, item_id: str) -> File:
        """An item's picture as it came. Raises ApiInvalidAnswer for what is no picture of pixels."""
        return self._picture(item_path(item_id, "/image"), None)

    def report(self, bundle_id: str, name: str, if_none_match: str | None) -> File:
        """A file of a bundle's report. It is untrusted: do not serve it as a file of the page."""
        if {bundle_id, name} & {".", ".."}:  # which mean a folder in an address
            raise ApiRefused(Problem(title="There is no such report", status=404, code="report_missing"))
        path = f"/bundles/{quote(bundle_id, safe='')}/report/{quote(name, safe='')}"
        return self._connection.file(path, if_none_match)

    def readiness_error(self) -> str | None:
        """Why the API cannot search; None if it can."""
        response = self._connection.send("GET", "/readyz")
        body = self._connection.body(response)
        if response.status_code == 200:
            return None
        return parse_model(Readiness, response, body).detail or "The search service is not ready."

    def _post(self, path: str, fields: Fields, picture: bytes | None) -> Any:
        for part in _ids_in(fields):
            checked_id(part)
        if picture is None:
            return self._connection.send("POST", path, json=fields)
        return self._connection.send("POST", path, form=_form(fields, picture))

    def _picture(self, path: str, if_none_match: str | None) -> File:
        file = self._connection.file(path, if_none_match)
        media_type = file.headers.get("Content-Type", "")
        if file.status == 200 and not is_raster_image(media_type):
            file.close()
            raise ApiInvalidAnswer(f"{path} is {media_type!r}, not a picture")
        return file


def item_path(item_id: str, part: str = "") -> str:
    """The path of an item, or of a part of it, with its id in the query. Raises ApiRefused for an impossible id."""
    return f"/item{part}?id={quote(checked_id(item_id), safe='')}"


def checked_id(item_id: str) -> str:
    """The id if it is possible. Raises ApiRefused."""
    if 1 <= len(item_id) <= 128 and not NOT_IN_IDS.search(item_id) and item_id not in {".", ".."}:
        return item_id
    raise ApiRefused(Problem(title="There is no such picture", status=404))


def _ids_in(fields: Fields) -> list[str]:
    """The item ids in the fields."""
    parts = [fields, *fields.get("items", ())]
    return [part[name] for part in parts for name in ("id", "item") if name in part]


def _texts(fields: Fields) -> dict[str, str]:
    """The fields as texts; values that are no text as JSON."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}


def _form(fields: Fields, picture: bytes) -> dict[str, FormField]:
    texts: dict[str, FormField] = {name: (None, text) for name, text in _texts(fields).items()}
    return {"file": ("picture", picture), **texts}


def is_raster_image(media_type: str) -> bool:
    """Whether it is a picture of pixels: SVG can contain scripts."""
    return media_type.lower().startswith("image/") and not media_type.lower().startswith("image/svg")
