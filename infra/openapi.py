"""The API in OpenAPI 3.1, made of the models and routes that serve it; run, it writes docs/openapi.json."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from face_validation_function.exceptions.exceptions import FaceValidationError
from face_validation_function.routes import ROUTES
from face_validation_function.validations.body import MAX_ITEMS
from face_validation_function.validations.validation_request import MISSPELT_TARGET_PATH, FaceValidationRequest
from infra.answers import ErrorEnvelope, ValidationAnswer
from infra.refusals import REFUSALS

PATH = Path(__file__).parents[1] / "docs" / "openapi.json"
VERSION = "1.0.0"
SECURITY_SCHEME = "clientCredentials"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """What the document says of a route beyond the route itself.

    `max_items` is how many requests one body may carry as an array; 1 means that the body is one object.
    `patterns` are what a field's text must match, where the model judges in code.
    """

    summary: str
    description: str
    request: type[BaseModel]
    answer: type[BaseModel]
    statuses: tuple[HTTPStatus, ...]
    max_items: int = 1
    aliases: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)


UUID_V4 = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-4[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$"
OBJECT_KEY = (
    r"^(?!/)(?![A-Za-z][A-Za-z0-9+.-]*://)(?![Dd][Aa][Tt][Aa]:)"
    r"(?!(?:[^/]*/)*\.{1,2}(?:/|$))[^\u0000-\u001f\u007f-\u009f]+$"
)
_FACES = {"type": "FACE_TO_FACE", "source_path": "people/ada.jpg", "target_path": "selfies/ada.jpg"}
_DOCUMENT = {
    "id_request": "7b0a3f0e-59f7-4b0f-9a43-0d8c9b5a1d11",
    "type": "ID_TO_FACE",
    "source_path": "documents/ada-passport.png",
    "target_path": "selfies/ada.jpg",
    "threshold": 95,
    "threshold_label": 60,
    "include": ["boxes"],
}

OPERATIONS: dict[str, Operation] = {
    "validate": Operation(
        summary="Is the person in the target image the person of the source image?",
        description=(
            "One object gives one answer. An array of 1 to 10 gives an array in the same order, with status 200: each "
            "item is an answer or an error envelope. Images are read from the buckets: JPG or PNG by content, 80x80 to "
            "4096x4096 pixels, at most 15 MB. AWS recommends a threshold of 99 for identity checks; 80 is the default."
        ),
        request=FaceValidationRequest,
        answer=ValidationAnswer,
        statuses=(HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.INTERNAL_SERVER_ERROR),
        max_items=MAX_ITEMS,
        aliases={"target_path": MISSPELT_TARGET_PATH},
        patterns={"id_request": UUID_V4, "source_path": OBJECT_KEY, "target_path": OBJECT_KEY},
        examples={"faces": _FACES, "document": _DOCUMENT, "several": [_FACES, _DOCUMENT]},
    ),
}

_DETAILS = {
    "RequestError": "threshold: Input should be less than or equal to 100; the value sent is 101.",
    "ImageValidationError": "target: no face in the image: a face counts from confidence 80; nothing was found.",
    "ImageTooLargeError": "source, decode: the image has 79x200 pixels; the limits are 80x80 to 4096x4096.",
    "InvalidS3ObjectError": "source: the bucket has no object with the key people/ada.jpg.",
    "InternalServerError": "Rekognition throttled the request: try again later.",
}


def document(*, server_url: str | None = None, token_url: str = "/oauth2/token") -> Json:  # noqa: S107 (a path, no secret)
    """The whole OpenAPI document.

    Args:
        server_url: where the API answers, with the stage; by default a template of API Gateway's addresses.
        token_url: where tokens are given; a path is taken from where the document was loaded.
    """
    scopes = {route.scope: route.scope.replace("/", ": ") for route in ROUTES}
    paths: dict[str, Json] = {}
    for route in ROUTES:
        operation = OPERATIONS[route.operation]
        paths.setdefault(route.resource, {})[route.method.lower()] = {
            "operationId": route.operation,
            "summary": operation.summary,
            "description": operation.description,
            "security": [{SECURITY_SCHEME: [route.scope]}],
            "requestBody": {"required": True, "content": _content(_body(operation), operation.examples)},
            "responses": _responses(operation),
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Face validation",
            "version": VERSION,
            "summary": "Does the face in one image belong to the person of another, trusted one?",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [_server(server_url)],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                SECURITY_SCHEME: {
                    "type": "oauth2",
                    "description": "Authorization: Bearer <access token>; the stack's output TokenUrl gives them.",
                    "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": scopes}},
                }
            },
        },
    }


def gateway_models() -> dict[str, Json]:
    """What API Gateway checks of a body by itself: operation -> JSON schema, draft 4.

    Only what its validator can explain to a caller: an object or array, how many items, and an object's field names.
    Types and ranges are left to the function, whose refusal names the field, the value and the limit; and so are an
    array's items, for each has an answer of its own.
    """
    return {name: _gateway_model(operation) for name, operation in OPERATIONS.items()}


def _gateway_model(operation: Operation) -> Json:
    schema = operation.request.model_json_schema()
    names = [*schema["properties"], *operation.aliases.values()]
    model: Json = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": schema["title"],
        "type": "object",
        "required": [name for name in schema["required"] if name not in operation.aliases],
        "properties": {name: {} for name in names},
        "additionalProperties": False,
    }
    if operation.max_items > 1:
        # In draft 4 the keywords of objects and of arrays each bind their own type only; oneOf would tell a caller
        # nothing but "matched 0 out of 2".
        model |= {"type": ["object", "array"], "minItems": 1, "maxItems": operation.max_items}
    return model


def _server(url: str | None) -> Json:
    if url is not None:
        return {"url": url}
    return {
        "url": "https://{api}.execute-api.{region}.amazonaws.com/{stage}",
        "description": "The deployed stack's output ApiUrl.",
        "variables": {
            "api": {"default": "api-id"},
            "region": {"default": "eu-west-1"},
            "stage": {"default": "dev", "enum": ["dev", "prod"]},
        },
    }


def _schemas() -> Json:
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(ErrorEnvelope, "validation")]
    for operation in OPERATIONS.values():
        models += [(operation.request, "validation"), (operation.answer, "validation")]
    _, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    schemas: Json = definitions["$defs"]
    for operation in OPERATIONS.values():
        properties = schemas[operation.request.__name__]["properties"]
        for name, pattern in operation.patterns.items():
            properties[name]["pattern"] = pattern
    return schemas


def _body(operation: Operation) -> Json:
    one = _ref(operation.request)
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
    responses = {str(int(HTTPStatus.OK)): {"description": "Validated.", "content": _content(answer)}}
    refusals = _refusals(operation)
    for status in sorted(refusals):
        codes = refusals[status]
        responses[str(int(status))] = {
            "description": " ".join(f"{code}: {message}" for code, (message, _) in codes.items()),
            "content": _content(
                _ref(ErrorEnvelope),
                {
                    code: {
                        "id_request": "7b0a3f0e-59f7-4b0f-9a43-0d8c9b5a1d11",
                        "error": {"code": code, "message": message, "details": details},
                    }
                    for code, (message, details) in codes.items()
                },
            ),
        }
    return responses


def _refusals(operation: Operation) -> dict[HTTPStatus, dict[str, tuple[str, str]]]:
    """Status -> code -> (message, an example of details): the operation's own errors and the gateway's."""
    found: dict[HTTPStatus, dict[str, tuple[str, str]]] = {}
    for error in _errors(FaceValidationError):
        code = error().code
        if error.status in operation.statuses:
            found.setdefault(error.status, {}).setdefault(code, (error.message, _DETAILS[code]))
    for refusal in REFUSALS:
        if refusal.status is not None:
            found.setdefault(refusal.status, {}).setdefault(refusal.code, (refusal.message, refusal.details))
    return found


def _errors(base: type[FaceValidationError]) -> Iterator[type[FaceValidationError]]:
    for error in base.__subclasses__():
        yield error
        yield from _errors(error)


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
