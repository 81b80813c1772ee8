"""The OpenAPI document: current, valid, true of the models; and what API Gateway refuses, the function refuses too."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from pydantic import TypeAdapter, ValidationError

from face_validation_function.contract.openapi import PATH, document, gateway_models
from face_validation_function.contract.operations import FULL_NAME, OBJECT_KEY, OPERATIONS
from face_validation_function.exceptions.exceptions import RequestError
from face_validation_function.routes import ROUTES
from face_validation_function.validations.body import ObjectKey, StrictBody, items_of, validated
from face_validation_function.validations.people_requests import FullName

KEY, NAME = TypeAdapter(ObjectKey), TypeAdapter(FullName)
MODELS = {name: Draft4Validator(model) for name, model in gateway_models().items()}
MODEL = MODELS["validate"]
PEOPLE_NAMES = st.sampled_from(
    ["image_path", "full_name", "image", "threshold", "max_faces", "bucket", "content_type", "name"]
)
PEOPLE_VALUES = st.sampled_from(["a.jpg", "Ana", "AAAA", 80, 5, None, "faces", "source", "image/png", True])
NAMES = st.sampled_from(["source_path", "target_path", "tareget_path", "type", "threshold", "treshold", "include"])
VALUES = st.sampled_from(["a.jpg", "FACE_TO_FACE", 80, None, ["boxes"], True])
BODIES = st.one_of(
    st.dictionaries(NAMES, VALUES), st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=12), VALUES
)


def function_takes(body: Any, operation: str = "validate") -> None:
    request = OPERATIONS[operation].request
    assert request is not None
    assert issubclass(request, StrictBody)
    for item in items_of(body) if OPERATIONS[operation].max_items > 1 else [body]:
        validated(item, request)


def test_the_committed_document_is_current() -> None:
    assert json.loads(PATH.read_text(encoding="utf-8")) == document(), "run: make openapi"


def test_the_document_is_valid_openapi() -> None:
    validate(document(), cls=OpenAPIV31SpecValidator)


def test_every_route_is_described_with_its_scope() -> None:
    paths = document()["paths"]

    described = {(method.upper(), path): value for path, methods in paths.items() for method, value in methods.items()}

    assert described.keys() == {(route.method, route.resource) for route in ROUTES}
    for route in ROUTES:
        security = described[route.method, route.resource]["security"]
        assert [scopes for one in security for scopes in one.values()] == [[scope] for scope in route.scopes]


def test_a_route_says_its_path_parameters_and_an_erasure_takes_no_body() -> None:
    paths = document()["paths"]

    for route in ROUTES:
        described = paths[route.resource][route.method.lower()]
        named = {parameter["name"] for parameter in described.get("parameters", ()) if parameter["in"] == "path"}
        assert named == set(route.path_parameters)
        assert ("requestBody" in described) == (route.method == "POST" and route.operation != "redrive_job")


@pytest.mark.parametrize(
    ("operation", "name"), [(name, example) for name, operation in OPERATIONS.items() for example in operation.examples]
)
def test_an_example_is_a_valid_request(operation: str, name: str) -> None:
    body = OPERATIONS[operation].examples[name]

    function_takes(body, operation)
    assert MODELS[operation].is_valid(body)


def is_taken(model: TypeAdapter[str], text: str) -> bool:
    try:
        model.validate_python(text, strict=True)
    except ValidationError:
        return False
    return True


def matches(pattern: str, text: str) -> bool:
    # \Z, for Python's $ also matches before a last newline, which JSON schema's does not.
    return bool(re.search(pattern.removesuffix("$") + r"\Z", text))


@given(st.text(st.sampled_from("aé日 \u00a0\u200b\u200d\u2028\u202e\u2060\ufeff\x00\x1f\x7f\x85\n"), max_size=6))
@example("a\n")
@example(" ")
@example("\na")
def test_the_documents_pattern_takes_the_names_that_the_model_takes(name: str) -> None:
    assert matches(FULL_NAME, name) == is_taken(NAME, name)


@given(st.text(st.sampled_from("ab./:\\\x00\x1f\x7f\x85 dataDTA-+é日"), max_size=12))
@example("data:x")
@example("a/..")
@example("..")
@example("a/./b")
@example("h+t.p-1://x")
@example("x\n")
def test_the_documents_pattern_takes_the_keys_that_the_model_takes(key: str) -> None:
    assert matches(OBJECT_KEY, key) == is_taken(KEY, key)


@given(BODIES)
def test_what_the_gateways_model_refuses_the_function_refuses_too(body: Any) -> None:
    if MODEL.is_valid(body):
        return

    with pytest.raises(RequestError):
        function_takes(body)


@pytest.mark.parametrize("operation", ["enrol", "search", "upload"])
@given(st.one_of(st.dictionaries(PEOPLE_NAMES, PEOPLE_VALUES, max_size=4), st.lists(PEOPLE_VALUES), PEOPLE_VALUES))
def test_what_the_gateways_model_refuses_about_people_the_function_refuses_too(operation: str, body: Any) -> None:
    if MODELS[operation].is_valid(body):
        return

    with pytest.raises(RequestError):
        function_takes(body, operation)


def test_the_gateways_model_leaves_an_arrays_items_to_the_function() -> None:
    assert MODEL.is_valid([{"type": "FACE_TO_FACE"}, 1])


def test_each_route_is_in_the_group_of_its_subject() -> None:
    described = document()
    groups: dict[str, list[str]] = {}
    for path, methods in described["paths"].items():
        for operation in methods.values():
            (subject,) = operation["tags"]
            groups.setdefault(subject, []).append(path)

    assert [tag["name"] for tag in described["tags"]] == list(groups)
    assert "/validation" in groups["Validation"]
    assert {"/faces", "/search", "/people/{full_name}"} <= set(groups["People"])
