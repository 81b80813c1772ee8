"""What a caller may ask, and why something else is refused before any paid call."""

import json
import re
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_validation_function.exceptions.exceptions import RequestError
from face_validation_function.validations import body
from face_validation_function.validations.body import items_of, parse_body, request_id_of
from face_validation_function.validations.validation_request import FaceValidationRequest
from tests.fakes import request_body


def validated(item: object) -> FaceValidationRequest:
    return body.validated(item, FaceValidationRequest)


UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_what_is_absent_gets_the_contract_s_defaults() -> None:
    request = validated(request_body())

    assert request.threshold == 80
    assert request.threshold_label == 55
    assert request.include == []
    assert UUID_4.fullmatch(request.id_request)


@pytest.mark.parametrize("field", ["threshold", "threshold_label"])
@pytest.mark.parametrize("value", [0, 0.0, 79.999, 100, 1e-300])
def test_every_number_from_0_to_100_is_a_threshold(field: str, value: float) -> None:
    assert getattr(validated(request_body(**{field: value})), field) == value


@pytest.mark.parametrize("field", ["threshold", "threshold_label"])
@pytest.mark.parametrize("value", ["95", True, False, None, [], {}, -0.001, 100.001, 10**400, -(10**400)])
def test_nothing_else_is_a_threshold(field: str, value: Any) -> None:
    """(R) Numbers are JSON numbers."""
    with pytest.raises(RequestError, match=field):
        validated(request_body(**{field: value}))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999"])
def test_numbers_that_json_does_not_have_are_refused(number: str) -> None:
    """(R) NaN, Infinity and 1e400 are refused."""
    with pytest.raises(RequestError, match="not valid JSON"):
        parse_body('{"threshold": ' + number + "}")


def test_an_unknown_field_is_refused_by_name() -> None:
    """(R) A misspelt threshold must never be ignored silently."""
    with pytest.raises(RequestError, match="treshold: this field is not known"):
        validated(request_body(treshold=99))


@pytest.mark.parametrize(("name", "shown"), [("", '""'), ("a\ud800", r"a\ud800"), ("a.b", "a.b"), ("k" * 99, "k" * 80)])
def test_whatever_an_unknown_field_is_called_the_other_problems_are_told_too(name: str, shown: str) -> None:
    with pytest.raises(RequestError) as refused:
        validated(request_body(threshold=101, **{name: 1}))

    assert f"{shown}..." in str(refused.value) or f"{shown}: this field is not known" in str(refused.value)
    assert "threshold: Input should be less than or equal to 100" in str(refused.value)
    assert str(refused.value).encode()


def test_the_original_s_misspelling_of_target_path_is_served() -> None:
    """(R) `tareget_path` is accepted as an alias."""
    body = request_body(tareget_path="other.jpg")
    del body["target_path"]

    assert validated(body).target_path == "other.jpg"
    assert validated(request_body(tareget_path="target.jpg")).target_path == "target.jpg"


def test_both_spellings_with_different_values_are_refused() -> None:
    """(R) Both with different values is a RequestError."""
    with pytest.raises(RequestError, match="different values"):
        validated(request_body(tareget_path="other.jpg"))


@pytest.mark.parametrize("field", ["source_path", "target_path"])
@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../up.jpg",
        "a/../b.jpg",
        "a/./b.jpg",
        "a/..",
        ".",
        "line\nbreak.jpg",
        "nul\0.jpg",
        "del\x7f.jpg",
        "https://example.com/a.jpg",
        "s3://bucket/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "x" * 1025,
        "ñ" * 513,
        "\ud800.jpg",
        7,
        None,
        ["a.jpg"],
    ],
)
def test_what_is_no_key_is_refused(field: str, key: Any) -> None:
    """(R) Keys: 1 to 1024 bytes of UTF-8, no leading /, no . or .. segment, no control character, not a URL."""
    with pytest.raises(RequestError, match=field):
        validated(request_body(**{field: key}))


@pytest.mark.parametrize(
    "key", ["a", "x" * 1024, "ñ" * 512, "a/b c/ü.jpg", "..a/b..jpg", "a//b", "no-extension", "a:b"]
)
def test_every_other_key_is_taken(key: str) -> None:
    assert validated(request_body(source_path=key)).source_path == key


@pytest.mark.parametrize("value", ["face_to_face", "FACE", "", None, 1, ["FACE_TO_FACE"]])
def test_there_are_two_types(value: Any) -> None:
    with pytest.raises(RequestError, match="type"):
        validated(request_body(type=value))


@pytest.mark.parametrize("value", [["box"], "boxes", ["boxes", "boxes"], [1], {"boxes": True}, None])
def test_include_knows_boxes_alone(value: Any) -> None:
    """(R) `include` is an array that may hold "boxes"."""
    with pytest.raises(RequestError, match="include"):
        validated(request_body(include=value))


@pytest.mark.parametrize(
    "value",
    [
        "not-a-uuid",
        "",
        "00000000-0000-1000-8000-000000000000",  # version 1
        "00000000-0000-4000-7000-000000000000",  # another variant
        "{00000000-0000-4000-8000-000000000000}",
        "00000000000040008000000000000000",
        7,
        None,
    ],
)
def test_an_id_request_is_a_uuid_of_version_4(value: Any) -> None:
    """(R) An `id_request` that is not a UUID v4 is a RequestError; the envelope carries a new id."""
    body = request_body(id_request=value)

    with pytest.raises(RequestError, match="id_request"):
        validated(body)
    assert UUID_4.fullmatch(request_id_of(body))


def test_a_good_id_is_answered_even_when_the_rest_is_refused() -> None:
    mine = "0A0A0A0A-0000-4000-8000-000000000000"

    assert request_id_of({"id_request": mine, "type": "?"}) == mine


def test_a_refusal_says_the_field_the_reason_and_the_value_cut_short() -> None:
    with pytest.raises(RequestError) as refused:
        validated(request_body(threshold=101, id_request="x" * 500))

    details = str(refused.value)
    assert "threshold: Input should be less than or equal to 100; the value sent is 101." in details
    assert "xxx..." in details
    assert len(details) < 400


def test_a_thousand_unknown_fields_do_not_fill_the_answer() -> None:
    with pytest.raises(RequestError, match=r"There are 99\d more problems") as refused:
        validated(request_body(**{f"field{number}": 1 for number in range(1000)}))

    assert len(str(refused.value)) < 2500


@pytest.mark.parametrize("count", [0, 11, 500])
def test_an_array_has_1_to_10_items(count: int) -> None:
    """(R) An empty array, or more than 10, is a RequestError."""
    with pytest.raises(RequestError, match=f"array of {count} items; the limits are 1 to 10"):
        items_of([request_body()] * count)


@pytest.mark.parametrize("body", ["7", '"text"', "null", "true"])
def test_a_body_is_an_object_or_an_array(body: str) -> None:
    with pytest.raises(RequestError, match="one JSON object, or an array"):
        items_of(parse_body(body))


@pytest.mark.parametrize("body", [None, "", "{", "[" * 100_000, "{'a': 1}", '{"a": 1} trailing', "1" * 5000])
def test_what_is_not_json_is_refused(body: str | None) -> None:
    with pytest.raises(RequestError):
        items_of(parse_body(body))


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(RequestError, match='"threshold" is given twice'):
        parse_body('{"threshold": 99, "threshold": 1}')


def test_a_name_given_twice_among_very_many_is_found_at_once() -> None:
    names = [f'"{number}": 1' for number in range(50_000)]
    began = time.process_time()

    with pytest.raises(RequestError, match='"49999" is given twice'):
        parse_body("{" + ", ".join([*names, names[-1]]) + "}")

    assert time.process_time() - began < 5  # by comparing all with all it was half a minute


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(fields=st.dictionaries(st.sampled_from([*request_body(), "threshold", "include", "id_request"]), json_values))
def test_no_json_whatever_raises_anything_but_a_request_error(fields: dict[str, Any]) -> None:
    with suppress(RequestError):
        for item in items_of(parse_body(json.dumps(fields))):
            validated(item)


def test_a_body_may_begin_with_a_byte_order_mark() -> None:
    assert parse_body('\ufeff{"a": 1}') == {"a": 1}
    with pytest.raises(RequestError, match="not valid JSON"):
        parse_body('\ufeff\ufeff{"a": 1}')
