"""The OpenAPI document: current, valid, true of the models; and what API Gateway refuses, the function refuses too."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft4Validator  # type: ignore[import-untyped] # carries no types
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from pydantic import TypeAdapter, ValidationError

from face_validation_function.exceptions.exceptions import RequestError
from face_validation_function.routes import ROUTES
from face_validation_function.validations.body import ObjectKey, items_of, validated
from face_validation_function.validations.validation_request import FaceValidationRequest
from infra.openapi import OBJECT_KEY, OPERATIONS, PATH, document, gateway_models

KEY = TypeAdapter(ObjectKey)
MODEL = Draft4Validator(gateway_models()["validate"])
NAMES = st.sampled_from(["source_path", "target_path", "tareget_path", "type", "threshold", "treshold", "include"])
VALUES = st.sampled_from(["a.jpg", "FACE_TO_FACE", 80, None, ["boxes"], True])
BODIES = st.one_of(
    st.dictionaries(NAMES, VALUES), st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=12), VALUES
)


def function_takes(body: Any) -> None:
    for item in items_of(body):
        validated(item, FaceValidationRequest)


def test_the_committed_document_is_current() -> None:
    assert json.loads(PATH.read_text(encoding="utf-8")) == document(), "run: make openapi"


def test_the_document_is_valid_openapi() -> None:
    validate(document(), cls=OpenAPIV31SpecValidator)


def test_every_route_is_described_with_its_scope() -> None:
    paths = document()["paths"]

    described = {(method.upper(), path): value for path, methods in paths.items() for method, value in methods.items()}

    assert described.keys() == {(route.method, route.resource) for route in ROUTES}
    for route in ROUTES:
        (security,) = described[route.method, route.resource]["security"]
        assert list(security.values()) == [[route.scope]]


@pytest.mark.parametrize("name", OPERATIONS["validate"].examples)
def test_an_example_is_a_valid_request(name: str) -> None:
    body = OPERATIONS["validate"].examples[name]

    function_takes(body)
    assert MODEL.is_valid(body)


@given(st.text(st.sampled_from("ab./:\\\x00\x1f\x7f\x85 dataDTA-+é日"), max_size=12))
@example("data:x")
@example("a/..")
@example("..")
@example("a/./b")
@example("h+t.p-1://x")
@example("x\n")
def test_the_documents_pattern_takes_the_keys_that_the_model_takes(key: str) -> None:
    try:
        KEY.validate_python(key, strict=True)
        taken = True
    except ValidationError:
        taken = False

    # \Z, for Python's $ also matches before a last newline, which JSON schema's does not.
    assert bool(re.search(OBJECT_KEY.removesuffix("$") + r"\Z", key)) == taken


@given(BODIES)
def test_what_the_gateways_model_refuses_the_function_refuses_too(body: Any) -> None:
    if MODEL.is_valid(body):
        return

    with pytest.raises(RequestError):
        function_takes(body)


def test_the_gateways_model_leaves_an_arrays_items_to_the_function() -> None:
    assert MODEL.is_valid([{"type": "FACE_TO_FACE"}, 1])
