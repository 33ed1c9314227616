"""What the OpenAPI document says of requests that are read here and not by FastAPI."""

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.duplicates.schemas import DismissalBody
from api.schemas.clusters import LineAnswer
from api.schemas.filters import FilterBody
from api.schemas.item_request import DescriptionBody, ItemBody, ItemForm
from api.schemas.search_request import (
    JSON_FIELDS,
    BatchBody,
    ExplainBody,
    ExplainForm,
    PictureBody,
    PictureForm,
    SearchBody,
    SearchForm,
    SearchLink,
)

REF = "#/components/schemas/{model}"
SHAPES = (
    SearchBody,
    SearchForm,
    SearchLink,
    BatchBody,
    ExplainBody,
    ExplainForm,
    PictureBody,
    PictureForm,
    ItemBody,
    ItemForm,
    DescriptionBody,
    LineAnswer,
    DismissalBody,
)
MODELS: list[tuple[type[BaseModel], Literal["validation"]]] = [(shape, "validation") for shape in SHAPES]


def reference(model: type[BaseModel]) -> dict[str, str]:
    """The schema of a model by name; `schemas` has it."""
    return {"$ref": REF.format(model=model.__name__)}


def schemas() -> dict[str, Any]:
    """The schemas that bodies and links refer to, by name."""
    _, definitions = models_json_schema(MODELS, ref_template=REF)
    definitions_by_name: dict[str, Any] = definitions["$defs"]
    return {name: schema for name, schema in definitions_by_name.items() if name != SearchLink.__name__}


def body_of(form: type[BaseModel], body: type[BaseModel], examples: dict[str, Any] | None = None) -> dict[str, Any]:
    """A body that is a form of one shape or JSON of the other; examples of the latter by name."""
    encoding = {name: {"contentType": "application/json"} for name in JSON_FIELDS if name in form.model_fields}
    named_examples = {name: {"value": example} for name, example in (examples or {}).items()}
    as_form: dict[str, Any] = {"schema": reference(form)} | ({"encoding": encoding} if encoding else {})
    as_json: dict[str, Any] = {"schema": reference(body)} | ({"examples": named_examples} if named_examples else {})
    return {"required": True, "content": {"multipart/form-data": as_form, "application/json": as_json}}


def json_body(
    body: type[BaseModel], examples: dict[str, Any] | None = None, media_type: str = "application/json"
) -> dict[str, Any]:
    """A body that is JSON of this shape, or in each of its lines; with examples by name."""
    named_examples = {name: {"value": example} for name, example in (examples or {}).items()}
    content: dict[str, Any] = {"schema": reference(body)} | ({"examples": named_examples} if named_examples else {})
    return {"required": True, "content": {media_type: content}}


def filter_parameter(*, required: bool = False) -> dict[str, Any]:
    """The filter in a query string."""
    return {
        "name": "filter",
        "in": "query",
        "required": required,
        "description": "Only items that it lets through.",
        "content": {"application/json": {"schema": reference(FilterBody)}},
    }


def link_parameters() -> list[dict[str, Any]]:
    """The fields of SearchLink as parameters; those that are JSON texts say so."""
    schema = SearchLink.model_json_schema(ref_template=REF)
    parameters = []
    for name, field in schema["properties"].items():
        described = {"name": name, "in": "query", "required": False}
        if "description" in field:
            described["description"] = field.pop("description")
        if name in JSON_FIELDS:
            parameters.append(described | {"content": {"application/json": {"schema": field}}})
        else:
            parameters.append(described | {"schema": field})
    return parameters
