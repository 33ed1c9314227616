"""What FastAPI cannot know of the OpenAPI document: the problems that a route may answer with, bodies read by us."""

from collections import defaultdict
from typing import Any

from fastapi import FastAPI

from api.errors import MEDIA_TYPE, PROBLEMS, TITLES, Code, Problem, problem
from api.openapi import bodies
from api.schemas.health import TOLERANT
from api.security.keys import SCHEME

EXAMPLE_REQUEST_ID = "6f1c0b7e2d5f4f0a9c3b8a7d6e5f4c3b"


def problems(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """What a route may refuse with, for its `responses`; every route may fail with internal_error."""
    by_status: dict[int, list[Code]] = defaultdict(list)
    for code in (*codes, "internal_error"):
        by_status[PROBLEMS[code][0]].append(code)
    return {status: _response(status, by_status[status]) for status in sorted(by_status)}


def _mend(node: Any) -> None:
    """Say what pydantic says of shapes in the words that generators of clients know.

    A field that may be left out is not required: a default of null would be another type than the field has. The values
    of any name are `additionalProperties`, and their number is `maxProperties`.
    """
    if isinstance(node, dict):
        if "default" in node and node["default"] is None:
            del node["default"]
        if node.get("type") == "object" and "patternProperties" in node:
            ((pattern, values),) = node.pop("patternProperties").items()
            node["additionalProperties"] = values
            node["propertyNames"] = node.get("propertyNames", {}) | {"pattern": pattern}
            if "maxLength" in node:
                node["maxProperties"] = node.pop("maxLength")
        for each in node.values():
            _mend(each)
    elif isinstance(node, list):
        for each in node:
            _mend(each)


def _write_problems(operation: dict[str, Any], responses: dict[str, Any]) -> dict[str, Any]:
    """Those responses, and what an operation that changes something refuses where nothing can be written."""
    if not _scopes(operation) & {"write", "admin"}:
        return responses
    unavailable = responses.get("503", _response(503, []))
    codes = [*unavailable["content"][MEDIA_TYPE]["examples"], "write_unavailable"]
    return responses | {"503": _response(503, codes), "507": _response(507, ["storage_full"])}


def _parameter_problems(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation's responses, and what it refuses where a parameter is not known, in place of FastAPI's own 422."""
    responses = dict(operation["responses"])
    shown_examples = responses.pop("422", {}).get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    codes = list(
        dict.fromkeys([*shown_examples, *(() if operation["operationId"] in TOLERANT else ["invalid_parameter"])])
    )
    return responses | ({"422": _response(422, codes)} if codes else {})


def _body_problems(operation: dict[str, Any]) -> dict[str, Any]:
    """What an operation with a body refuses where that does not come in time."""
    return {"408": _response(408, ["request_timeout"])} if "requestBody" in operation else {}


def _scopes(operation: dict[str, Any]) -> set[str]:
    """Of which scopes the key must be."""
    return {scope for needed in operation.get("security", ()) for scope in needed.get(SCHEME, ())}


def _key_problems(operation: dict[str, Any]) -> dict[str, Any]:
    """What an operation that needs a key refuses without a good one."""
    scopes = _scopes(operation)
    if not scopes:
        return {}
    weak: tuple[Code, ...] = () if scopes == {"read"} else ("insufficient_scope",)  # every key may read
    responses = problems("key_missing", "key_unknown", *weak, "cross_origin_refused", "rate_limited")
    return {str(status): response for status, response in responses.items() if status != 500}


def _response(status: int, codes: list[Code]) -> dict[str, Any]:
    examples = {code: {"value": problem(code, EXAMPLE_REQUEST_ID).model_dump()} for code in codes}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}}
    return {"description": f"{TITLES[status]}: {' or '.join(codes)}", "content": content}


def install(app: FastAPI) -> None:
    """Complete the app's document: add the problem's schema, and drop FastAPI's own shape of a 422."""
    generate = app.openapi

    def completed() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document["components"]["schemas"]
            schemas["Problem"] = Problem.model_json_schema()
            schemas |= bodies.schemas()
            del schemas["HTTPValidationError"], schemas["ValidationError"]
            for operations in document["paths"].values():
                for operation in operations.values():
                    responses = _parameter_problems(operation) | _key_problems(operation) | _body_problems(operation)
                    responses = _write_problems(operation, responses)
                    operation["responses"] = dict(sorted(responses.items()))
            _mend(document)
        return app.openapi_schema or generate()

    app.openapi = completed  # type: ignore[method-assign]  # FastAPI's documented way to extend it
