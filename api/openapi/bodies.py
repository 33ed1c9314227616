"""What the OpenAPI document says of requests that are read here and not by FastAPI."""

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.duplicates.schemas import DismissalBody, MergeBody
from api.schemas.clusters import LineAnswer, LinesAnswer
from api.schemas.fields import FILE_FIELDS
from api.schemas.items.bin import EntriesBody
from api.schemas.items.bulk import ChangesBody, UndoBulkBody
from api.schemas.items.feedback import FeedbackBody
from api.schemas.items.history import UndoBody
from api.schemas.items.listing import ListBody
from api.schemas.items.write import (
    DeletionBody,
    DescriptionBody,
    ItemBody,
    ItemForm,
    ItemsBody,
    ReplacementBody,
    ReplacementForm,
)
from api.schemas.jobs import JobBody
from api.schemas.search.compare import CompareBody, CompareForm
from api.schemas.search.request import (
    JSON_FIELDS,
    LIST_FIELDS,
    BatchBody,
    ExplainBody,
    ExplainForm,
    PictureBody,
    PictureForm,
    SearchBody,
    SearchForm,
    SearchLink,
)

FILTER_EXAMPLE = '{"label": "amphora"}'
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
    ItemsBody,
    ListBody,
    CompareBody,
    CompareForm,
    DescriptionBody,
    ReplacementBody,
    ReplacementForm,
    DeletionBody,
    LineAnswer,
    LinesAnswer,
    DismissalBody,
    MergeBody,
    EntriesBody,
    FeedbackBody,
    UndoBody,
    JobBody,
    ChangesBody,
    UndoBulkBody,
)
MODELS: list[tuple[type[BaseModel], Literal["validation"]]] = [(shape, "validation") for shape in SHAPES]


def reference(model: type[BaseModel]) -> dict[str, str]:
    """The schema of a model by name; `schemas` has it."""
    return {"$ref": REF.format(model=model.__name__)}


def schemas() -> dict[str, Any]:
    """The schemas that bodies and links refer to, by name."""
    _, definitions = models_json_schema(MODELS, ref_template=REF)
    definitions_by_name: dict[str, Any] = definitions["$defs"]
    del definitions_by_name[SearchLink.__name__]
    for shape in SHAPES:
        if "file" in shape.model_fields:
            _as_form(definitions_by_name[shape.__name__])
    return definitions_by_name


def _as_form(schema: dict[str, Any]) -> None:
    """What a form has in its parts: JSON is a text there, and what may be left out is empty in /docs.

    Swagger UI makes up a value for a field without an example, and sends it.
    """
    fields = schema["properties"]
    for name in fields.keys() & set(JSON_FIELDS):
        how = "As a JSON text, or a part for each entry." if name in LIST_FIELDS else "As a JSON text."
        fields[name] = {"type": "string", "description": f"{fields[name].get('description', '')} {how}".strip()}
    for name, field in fields.items():
        if name not in schema.get("required", ()) and name not in FILE_FIELDS and field.get("default") is None:
            field["examples"] = [""]


def body_of(form: type[BaseModel], body: type[BaseModel], examples: dict[str, Any] | None = None) -> dict[str, Any]:
    """A body that is a form of one shape or JSON of the other; examples of the latter by name.

    It is not said to be required, although nothing comes of a request without it: what openapi-python-client generates
    for a required body of two kinds cannot be imported.
    """
    named_examples = {name: {"value": example} for name, example in (examples or {}).items()}
    as_json: dict[str, Any] = {"schema": reference(body)} | ({"examples": named_examples} if named_examples else {})
    content = {"multipart/form-data": {"schema": reference(form)}, "application/json": as_json}
    return {"required": False, "content": content}


def form_body(form: type[BaseModel]) -> dict[str, Any]:
    """A body that is a form alone: generated clients of many languages send only one kind of body by an operation."""
    return {"required": True, "content": {"multipart/form-data": {"schema": reference(form)}}}


def json_body(
    body: type[BaseModel], examples: dict[str, Any] | None = None, media_type: str = "application/json"
) -> dict[str, Any]:
    """A body that is JSON of this shape, or in each of its lines; with examples by name."""
    named_examples = {name: {"value": example} for name, example in (examples or {}).items()}
    content: dict[str, Any] = {"schema": reference(body)} | ({"examples": named_examples} if named_examples else {})
    return {"required": True, "content": {media_type: content}}


def filter_parameter(*, required: bool = False) -> dict[str, Any]:
    """The filter in a query string: one plain text, as every client can send it."""
    return {
        "name": "filter",
        "in": "query",
        "required": required,
        "description": f"Only items that it lets through: a FilterBody as a JSON text, such as `{FILTER_EXAMPLE}`.",
        "schema": {"type": "string"},
    }


def link_parameters() -> list[dict[str, Any]]:
    """The fields of SearchLink as parameters; what is no single value is a JSON text."""
    schema = SearchLink.model_json_schema(ref_template=REF)
    parameters = []
    for name, field in schema["properties"].items():
        parameter = {"name": name, "in": "query", "required": False}
        description = field.pop("description", "")
        field.pop("examples", None)  # Swagger UI would send them
        if name in JSON_FIELDS:
            described = f"{description} As a JSON text.".strip()
            parameters.append(parameter | {"description": described, "schema": {"type": "string"}})
        else:
            parameters.append(parameter | ({"description": description} if description else {}) | {"schema": field})
    return parameters
