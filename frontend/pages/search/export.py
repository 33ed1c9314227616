"""Export of matches as JSON or CSV. The browser draws the contact sheet."""

import csv
from datetime import datetime
from io import StringIO
from typing import Any

from flask import Blueprint, Response, abort, request

from frontend.api.models import SearchAnswer
from frontend.forms.parameters import SEARCH_FIELDS, SEARCH_LISTS, accepts
from frontend.pages.search.page import read_link
from frontend.rendering import api

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = ("rank", "id", "label", "created", "match_probability", "cosine", "euclidean")

export = Blueprint("export", __name__)


@export.get("/search/matches.<kind>")
@accepts(*SEARCH_FIELDS, lists=SEARCH_LISTS)
def download(kind: str) -> Response:
    """The matches of a search link."""
    if kind not in {"json", "csv"}:
        abort(404)
    query = read_link(request.args)
    if not query.is_complete:
        abort(404)
    answer = api().search(query.search_fields())
    body = answer.model_dump_json(indent=2, exclude={"link", "next"}) + "\n" if kind == "json" else _table(answer)
    response = Response(body, mimetype="application/json" if kind == "json" else "text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="matches.{kind}"'
    return response


def _table(answer: SearchAnswer) -> str:
    """A row for each match, a column for each attribute that any of them has."""
    names = sorted({name for hit in answer.hits for name in hit.attributes})
    text = StringIO()
    table = csv.writer(text)
    table.writerow([*COLUMNS, *map(_cell, (f"attributes.{name}" for name in names))])
    for hit in answer.hits:
        values = [getattr(hit, column) for column in COLUMNS]
        table.writerow([_cell(value) for value in [*values, *(hit.attributes.get(name) for name in names)]])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A value for a table. An apostrophe keeps a spreadsheet from taking a text for a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value
