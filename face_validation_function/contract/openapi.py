"""The API in OpenAPI 3.1, made of the models and routes that serve it; run, it writes docs/openapi.json."""

import json
from collections.abc import Mapping
from copy import deepcopy
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from face_validation_function.contract.answers import ErrorEnvelope
from face_validation_function.contract.operations import (
    DETAILS,
    EXAMPLE_ID,
    OPERATIONS,
    PATH_PARAMETERS,
    PATTERNS,
    REFUSALS,
    WORDS,
    Json,
    Operation,
)
from face_validation_function.exceptions.exceptions import FaceValidationError
from face_validation_function.routes import ROUTES, Route

PATH = Path(__file__).parents[2] / "docs" / "openapi.json"
SECURITY_SCHEME = "clientCredentials"

# The subject of a route by the first part of its path, where that is not called so itself.
_SUBJECTS = {"faces": "People", "search": "People", "verification": "People", "renames": "People", "uploads": "Images"}


def document(*, server_url: str | None = None) -> Json:
    """The whole document; `server_url` is the API with its stage, by default a template of API Gateway's addresses."""
    security = deepcopy(WORDS["security"])
    security["flows"]["clientCredentials"]["scopes"] = {route.scope: route.scope.replace("/", ": ") for route in ROUTES}
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.resource, {})[route.method.lower()] = _operation(route, OPERATIONS[route.operation])
    return {
        **WORDS["document"],
        "servers": [WORDS["server"] if server_url is None else {"url": server_url}],
        "tags": [{"name": name} for name in dict.fromkeys(map(_subject, ROUTES))],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": {SECURITY_SCHEME: security}},
    }


def gateway_models() -> dict[str, Json]:
    """What API Gateway checks of a body by itself: operation -> JSON schema, draft 4.

    Only what its validator can explain to a caller: an object or array, how many items, and an object's field names.
    Types and ranges are left to the function, whose refusal names the field, the value and the limit; and so are an
    array's items, for each has an answer of its own.
    """
    return {name: _gateway_model(one, one.request) for name, one in OPERATIONS.items() if one.request is not None}


def _gateway_model(operation: Operation, request: type[BaseModel]) -> Json:
    schema = request.model_json_schema()
    names = [*schema["properties"], *operation.aliases.values()]
    model: Json = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": schema["title"],
        "type": "object",
        "properties": {name: {} for name in names},
        "additionalProperties": False,
    }
    required = [name for name in schema.get("required", ()) if name not in operation.aliases]
    if required:
        # Draft 4 has no empty list here.
        model["required"] = required
    if operation.max_items > 1:
        # In draft 4 the keywords of objects and of arrays each bind their own type only; oneOf would tell a caller
        # nothing but "matched 0 out of 2".
        model |= {"type": ["object", "array"], "minItems": 1, "maxItems": operation.max_items}
    return model


def _operation(route: Route, operation: Operation) -> Json:
    described: Json = {
        "operationId": route.operation,
        "tags": [_subject(route)],
        "summary": operation.summary,
        "description": operation.description,
        "security": [{SECURITY_SCHEME: [scope]} for scope in route.scopes],
        "responses": _responses(operation),
    }
    if parameters := _parameters(route, operation):
        described["parameters"] = parameters
    if operation.request is not None:
        content = _content(_body(operation, operation.request), operation.examples)
        described["requestBody"] = {"required": True, "content": content}
    return described


def _subject(route: Route) -> str:
    """What a route is about: readers of the document see the routes in these groups."""
    first = route.resource.split("/")[1]
    return _SUBJECTS.get(first, first.replace("-", " ").capitalize())


def _parameters(route: Route, operation: Operation) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": PATH_PARAMETERS[name]}
        for name in route.path_parameters
    ]
    if operation.query is not None:
        schema = operation.query.model_json_schema()
        for name, property_ in schema["properties"].items():
            parameter = {"name": name, "in": "query", "required": name in schema.get("required", ())}
            if "description" in property_:
                parameter["description"] = property_["description"]
            hidden = {"title", "description"} | ({"default"} if property_.get("default") is None else set())
            described = {key: value for key, value in _text_of(property_).items() if key not in hidden}
            found.append(parameter | {"schema": described | ({"pattern": PATTERNS[name]} if name in PATTERNS else {})})
    return found


def _text_of(property_: Json) -> Json:
    """The schema of a field's value where there is one, without null."""
    found: Json = next((kind for kind in property_.get("anyOf", ()) if kind.get("type") != "null"), property_)
    return found


def _schemas() -> Json:
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(ErrorEnvelope, "validation")]
    for operation in OPERATIONS.values():
        models += [(model, "validation") for model in (operation.request, operation.answer) if model is not None]
    _, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    schemas: Json = definitions["$defs"]
    for operation in OPERATIONS.values():
        if operation.request is None:
            continue
        schema = schemas[operation.request.__name__]
        schema |= operation.rules
        for name in PATTERNS.keys() & schema["properties"].keys():
            _text_of(schema["properties"][name])["pattern"] = PATTERNS[name]
    return schemas


def _body(operation: Operation, request: type[BaseModel]) -> Json:
    one = _ref(request)
    if operation.max_items == 1:
        return one
    anything = {"description": "Whatever is not valid is answered by an error envelope in its place."}
    array = {"type": "array", "minItems": 1, "maxItems": operation.max_items, "items": {"anyOf": [one, anything]}}
    return {"oneOf": [one, array]}


def _responses(operation: Operation) -> Json:
    answer = _ref(operation.answer)
    if operation.max_items > 1:
        answers = {"type": "array", "items": {"oneOf": [answer, _ref(ErrorEnvelope)]}}
        answer = {"oneOf": [answer, answers]}
    responses = {
        str(int(status)): {"description": said, "content": _content(answer)}
        for status, said in sorted(operation.successes.items())
    }
    for status, codes in sorted(_refusals(operation).items()):
        examples = {
            code: {"id_request": EXAMPLE_ID, "error": {"code": code, "message": message, "details": details}}
            for code, (message, details) in codes.items()
        }
        responses[str(int(status))] = {
            "description": " ".join(f"{code}: {message}" for code, (message, _) in codes.items()),
            "content": _content(_ref(ErrorEnvelope), examples),
        }
    return responses


def _refusals(operation: Operation) -> dict[HTTPStatus, dict[str, tuple[str, str]]]:
    """Status -> code -> (message, an example of details): the operation's own errors and the gateway's."""
    found: dict[HTTPStatus, dict[str, tuple[str, str]]] = {}
    for error in FaceValidationError.__subclasses__():
        if error.status in operation.refusals:
            found.setdefault(error.status, {})[error.code] = (error.message, DETAILS[error.code])
    for refusal in REFUSALS:
        if refusal.status is not None:
            found.setdefault(refusal.status, {}).setdefault(refusal.code, (refusal.message, refusal.details))
    return found


def _content(schema: Json, examples: Mapping[str, Any] | None = None) -> Json:
    media: Json = {"schema": schema}
    if examples:
        media["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"application/json": media}


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(json.dumps(document(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
