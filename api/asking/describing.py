"""What the OpenAPI document says of requests that are read here and not by FastAPI."""

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.asking.request import EXAMPLES, JSON_FIELDS, SearchBody, SearchForm, SearchLink

REF = "#/components/schemas/{model}"
MODELS: list[tuple[type[BaseModel], Literal["validation"]]] = [
    (SearchBody, "validation"),
    (SearchForm, "validation"),
    (SearchLink, "validation"),
]


def reference(model: type[BaseModel]) -> dict[str, str]:
    """The schema of a model by name; `schemas` has it."""
    return {"$ref": REF.format(model=model.__name__)}


def schemas() -> dict[str, Any]:
    """The schemas that bodies and links refer to, by name."""
    _, definitions = models_json_schema(MODELS, ref_template=REF)
    named: dict[str, Any] = definitions["$defs"]
    return {name: schema for name, schema in named.items() if name != SearchLink.__name__}


def search_body() -> dict[str, Any]:
    """The body of a search, in either way."""
    encoding = {name: {"contentType": "application/json"} for name in JSON_FIELDS}
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": reference(SearchForm), "encoding": encoding},
            "application/json": {
                "schema": reference(SearchBody),
                "examples": {name: {"value": example} for name, example in EXAMPLES.items()},
            },
        },
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
