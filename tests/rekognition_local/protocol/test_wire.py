"""The protocol: targets, bodies, request validation and errors, as AWS JSON 1.1 and botocore's model have them."""

import base64
import json
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import given
from hypothesis import strategies as st

from rekognition_local.operations.registry import OPERATIONS
from rekognition_local.protocol.validation import compiled, read_request, violations
from rekognition_local.protocol.wire import (
    ServiceError,
    error_statuses,
    json_model,
    operation_of,
    read_blob,
    read_json,
    service_model,
    write_json,
)
from tests.rekognition_local.conftest import FakeServer
from tests.rekognition_local.fakes import Scene, descriptor, face, picture

IMAGE = {"Bytes": base64.b64encode(picture()).decode()}


def post(fake: FakeServer, target: str | None, content: bytes | str) -> httpx.Response:
    headers = {"Content-Type": "application/x-amz-json-1.1"} | ({"X-Amz-Target": target} if target else {})
    return httpx.post(fake.endpoint, content=content, headers=headers, timeout=30)


def refusal_of(target: str, document: dict[str, Any]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        read_request(operation_of(target), document)
    return caught.value


def test_an_error_has_the_services_own_members(fake: FakeServer) -> None:
    reply = post(fake, "RekognitionService.DetectFaces", "{}")

    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/x-amz-json-1.1"
    assert re.fullmatch(r"[0-9a-f-]{36}", reply.headers["x-amzn-requestid"])
    assert reply.json().keys() == {"__type", "Code", "Logref", "Message"}
    assert reply.json()["__type"] == reply.json()["Code"] == "ValidationException"


def test_a_reply_that_json_cannot_say_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(operation_of("RekognitionService.DetectFaces").output_shape, {"Confidence": float("nan")})


def test_an_empty_body_is_an_empty_object(fake: FakeServer) -> None:
    assert post(fake, "RekognitionService.ListCollections", b"").status_code == 200


def test_base64_in_lines_is_read_as_the_service_reads_it() -> None:
    assert read_blob(base64.encodebytes(picture()).decode()) == picture()


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(None, id="missing"),
        pytest.param("RekognitionService.DetectUnicorns", id="unknown"),
        pytest.param("DetectFaces", id="no-prefix"),
        pytest.param("TextractService.DetectFaces", id="another-service"),
    ],
)
def test_a_target_that_names_no_operation_is_refused(fake: FakeServer, target: str | None) -> None:
    reply = post(fake, target, "{}")

    assert reply.status_code == 400
    assert reply.json()["__type"] == "UnknownOperationException"


@pytest.mark.parametrize("name", sorted(set(service_model().operation_names) - set(OPERATIONS)))
def test_an_operation_that_is_not_built_says_so(fake: FakeServer, name: str) -> None:
    reply = post(fake, f"RekognitionService.{name}", "{}")

    assert reply.status_code == 501
    assert reply.json()["__type"] == "NotImplementedException"
    assert name in reply.json()["Message"]


def test_every_built_operation_is_in_the_model() -> None:
    assert set(OPERATIONS) <= set(service_model().operation_names)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("{", id="cut-off"),
        pytest.param("[]", id="array"),
        pytest.param('{"Image": {"Bytes": 5}}', id="number-for-blob"),
        pytest.param('{"Image": {"Bytes": "%%%"}}', id="not-base64"),
        pytest.param('{"Image": []}', id="array-for-structure"),
        pytest.param('{"Image": {}, "Attributes": "ALL"}', id="string-for-list"),
        pytest.param(b"\xff\xfe", id="not-utf-8"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param('{"Image": {"S3Object": {"Bucket": "bucket", "Name": "\\ud800"}}}', id="half-a-surrogate-pair"),
    ],
)
def test_a_body_of_the_wrong_form_is_a_serialization_exception(fake: FakeServer, content: bytes | str) -> None:
    reply = post(fake, "RekognitionService.DetectFaces", content)

    assert reply.status_code == 400
    assert reply.json()["__type"] == "SerializationException"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", '"80"', "true", "9" * 400])
def test_a_threshold_that_is_no_number_is_refused(fake: FakeServer, number: str) -> None:
    image = json.dumps(IMAGE)
    body = f'{{"SourceImage": {image}, "TargetImage": {image}, "SimilarityThreshold": {number}}}'

    reply = post(fake, "RekognitionService.CompareFaces", body)

    assert reply.status_code == 400
    assert reply.json()["__type"] == "SerializationException"


def test_a_body_beyond_the_limit_is_refused_while_it_is_read(fake: FakeServer) -> None:
    reply = post(fake, "RekognitionService.DetectFaces", b" " * (16 * 1024 * 1024 + 1))

    assert reply.status_code == 413
    assert reply.json()["__type"] == "RequestEntityTooLargeException"


def test_all_violations_are_told_with_their_places() -> None:
    refused = refusal_of(
        "RekognitionService.DetectLabels",
        {"Image": {"S3Object": {"Bucket": "b", "Name": ""}}, "MinConfidence": 101, "Features": ["GENERAL_LABELS", "X"]},
    )

    assert refused.code == "ValidationException"
    assert str(refused) == (
        "4 validation errors detected: "
        "Value 'b' at 'image.s3Object.bucket' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3; "
        "Value '' at 'image.s3Object.name' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1; "
        "Value '101.0' at 'minConfidence' failed to satisfy constraint: "
        "Member must have value less than or equal to 100; "
        "Value 'X' at 'features.2.member' failed to satisfy constraint: "
        "Member must satisfy enum value set: [GENERAL_LABELS, IMAGE_PROPERTIES]"
    )


def test_a_missing_member_is_told_as_null() -> None:
    refused = refusal_of("RekognitionService.DetectFaces", {"Image": None})

    assert str(refused) == (
        "1 validation error detected: Value null at 'image' failed to satisfy constraint: Member must not be null"
    )


FACE_ID = "0a0a0a0a-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    ("operation", "member", "accepted", "refused"),
    [
        pytest.param("SearchFaces", "MaxFaces", [1, 4096], [0, 4097], id="integer"),
        pytest.param("SearchFaces", "FaceMatchThreshold", [0, 100], [-0.1, 100.1], id="number"),
        pytest.param(
            "SearchFaces", "CollectionId", ["a", "a" * 255], ["", "a" * 256, "a" * 10_000, "a!", "a\n"], id="text"
        ),
        pytest.param("DeleteFaces", "FaceIds", [[FACE_ID], [FACE_ID] * 4096], [[], [FACE_ID] * 4097], id="list"),
        pytest.param(
            "CreateCollection",
            "Tags",
            [{}, {str(n): "" for n in range(200)}],
            [{str(n): "" for n in range(201)}],
            id="map",
        ),
    ],
)
def test_a_member_at_its_limit_is_taken_and_one_beyond_is_a_violation(
    operation: str, member: str, accepted: list[Any], refused: list[Any]
) -> None:
    name = f"RekognitionService.{operation}"
    others = {"CollectionId": "office", "FaceId": FACE_ID, "FaceIds": [FACE_ID]}

    for value in accepted:
        assert read_request(operation_of(name), others | {member: value})[member] == value
    for value in refused:
        violation = refusal_of(name, others | {member: value})
        assert violation.code == "ValidationException"
        assert f"at '{member[0].lower()}{member[1:]}' failed to satisfy constraint" in str(violation)
        assert len(str(violation)) < 500


def test_a_boolean_is_no_integer() -> None:
    request = {"CollectionId": "office", "FaceId": FACE_ID, "MaxFaces": True}

    assert refusal_of("RekognitionService.SearchFaces", request).code == "SerializationException"


def test_a_member_that_the_model_does_not_know_is_ignored_as_the_protocol_asks() -> None:
    request = read_request(operation_of("RekognitionService.DetectFaces"), {"Image": {}, "Colour": "blue"})

    assert request == {"Image": {}}


@pytest.mark.parametrize(
    ("size", "is_accepted"),
    [pytest.param(0, False), pytest.param(1, True), pytest.param(5_242_880, True), pytest.param(5_242_881, False)],
)
def test_image_bytes_are_counted_raw_not_in_base64(size: int, is_accepted: bool) -> None:
    document = {"Image": {"Bytes": base64.b64encode(b"x" * size).decode()}}

    if is_accepted:
        assert len(read_request(operation_of("RekognitionService.DetectFaces"), document)["Image"]["Bytes"]) == size
    else:
        assert "'image.bytes'" in str(refusal_of("RekognitionService.DetectFaces", document))


def shapes_within(shape: Shape | None, seen: dict[str, Shape]) -> dict[str, Shape]:
    if shape is None or shape.name in seen:
        return seen
    seen[shape.name] = shape
    match shape:
        case StructureShape():
            for member in shape.members.values():
                shapes_within(member, seen)
        case ListShape():
            shapes_within(shape.member, seen)
        case MapShape():
            shapes_within(shape.key, seen)
            shapes_within(shape.value, seen)
    return seen


def test_every_pattern_of_the_model_is_understood() -> None:
    found: dict[str, Shape] = {}
    for name in service_model().operation_names:
        operation = service_model().operation_model(name)
        shapes_within(operation.input_shape, found)
        shapes_within(operation.output_shape, found)
    patterns = [shape.metadata["pattern"] for shape in found.values() if "pattern" in shape.metadata]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for pattern in patterns:
            compiled(pattern)

    assert len(patterns) > 20


def test_letters_of_every_script_are_letters_in_a_tag() -> None:
    pattern = compiled(r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$")

    assert pattern.fullmatch("Größe des Teams = Δ 7")
    assert not pattern.fullmatch("semi;colon")


@st.composite
def integers_beside_a_bound(draw: st.DrawFn) -> tuple[str, dict[str, Any], bool]:
    """An operation with a bounded number, a request with that number near a bound, and whether the bound admits it."""
    operation, member, low, high = draw(
        st.sampled_from(
            [
                ("DetectLabels", "MinConfidence", 0, 100),
                ("CompareFaces", "SimilarityThreshold", 0, 100),
            ]
        )
    )
    value = draw(st.floats(-1, 101) | st.sampled_from([low, high, -0.001, 100.001]))
    images = {"Image": IMAGE} if operation == "DetectLabels" else {"SourceImage": IMAGE, "TargetImage": IMAGE}
    return operation, {**images, member: value}, low <= value <= high


@given(integers_beside_a_bound())
def test_a_number_is_admitted_exactly_within_its_bounds(case: tuple[str, dict[str, Any], bool]) -> None:
    operation, document, is_admitted = case

    if is_admitted:
        read_request(operation_of(f"RekognitionService.{operation}"), document)
    else:
        assert refusal_of(f"RekognitionService.{operation}", document).code == "ValidationException"


@given(st.binary() | st.text().map(str.encode))
def test_no_body_breaks_the_reading_of_requests(body: bytes) -> None:
    with suppress(ServiceError):
        read_request(operation_of("RekognitionService.DetectFaces"), read_json(body))


def test_the_statuses_are_the_models() -> None:
    shapes = json_model()["shapes"]
    modelled = {name for name, shape in shapes.items() if shape.get("exception")}

    assert modelled <= set(error_statuses())
    assert {name for name in modelled if error_statuses()[name] == 500} == {
        "InternalServerError",
        "ThrottlingException",
    }


def test_an_error_that_no_model_has_cannot_be_answered() -> None:
    with pytest.raises(KeyError):
        ServiceError("TooManyUnicornsException", "")


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_documented_error_of_every_built_operation_reaches_boto3_as_its_own_class(
    fake: FakeServer, name: str
) -> None:
    documented = [shape.name for shape in service_model().operation_model(name).error_shapes]

    for error in documented:
        fake.faults.order(error, name)
        reply = post(fake, f"RekognitionService.{name}", json.dumps(smallest_request(name)))
        assert reply.json()["__type"] == error
        assert reply.status_code == error_statuses()[error]

    assert documented


def smallest_request(name: str) -> dict[str, Any]:
    """The members that an operation requires, with the least valid values."""
    shape = service_model().operation_model(name).input_shape
    assert shape is not None
    return {member: _smallest(shape.members[member]) for member in shape.required_members}


def _smallest(shape: Shape) -> Any:
    match shape:
        case ListShape():
            return [_smallest(shape.member)]
        case StructureShape():
            return dict(IMAGE)
        case MapShape():
            return {_smallest(shape.key): _smallest(shape.value)}
        case _ if "8}" in shape.metadata.get("pattern", ""):
            return "01234567-89ab-cdef-0123-456789abcdef"
        case _:
            return "a" * shape.metadata.get("min", 1)


def test_ordered_errors_are_answered_as_often_as_ordered_and_only_by_their_operation(fake: FakeServer) -> None:
    order = {"error": "ThrottlingException", "operation": "DetectFaces", "times": 2}
    assert httpx.post(f"{fake.endpoint}/faults", json=order).status_code == 204

    fake.rekognition.detect_labels(Image={"Bytes": picture()})
    for _ in range(2):
        with pytest.raises(fake.rekognition.exceptions.ThrottlingException):
            fake.rekognition.detect_faces(Image={"Bytes": picture()})

    fake.rekognition.detect_faces(Image={"Bytes": picture()})


def test_an_error_can_be_ordered_of_an_operation_without_a_model(fake: FakeServer) -> None:
    fake.faults.order("ThrottlingException", "DetectModerationLabels")

    codes = [
        post(fake, "RekognitionService.DetectModerationLabels", json.dumps({"Image": IMAGE})).json()["__type"]
        for _ in range(2)
    ]

    assert codes == ["ThrottlingException", "NotImplementedException"]


def test_an_ordered_error_that_the_model_has_not_is_refused(fake: FakeServer) -> None:
    assert httpx.post(f"{fake.endpoint}/faults", json={"error": "Nonsense"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param("[" * 100_000, 400, id="deep"),
        pytest.param('{"error": {"a": 1}}', 400, id="an-object-for-a-name"),
        pytest.param('{"error": "ThrottlingException", "operation": {"a": 1}}', 400, id="an-object-for-an-operation"),
        pytest.param('{"error": "ThrottlingException", "operation": "Nonsense"}', 400, id="unknown-operation"),
        pytest.param('{"error": "ThrottlingException", "times": 1e12}', 400, id="too-often"),
        pytest.param('{"error": "ThrottlingException", "times": true}', 400, id="no-number"),
        pytest.param('{"error": "ThrottlingException", "more": 1}', 400, id="unknown-field"),
        pytest.param("[]", 400, id="no-object"),
        pytest.param("{", 400, id="no-json"),
        pytest.param('{"error": "' + "a" * 17_000_000 + '"}', 400, id="too-long"),
    ],
)
def test_an_order_that_is_none_is_refused_and_breaks_nothing(fake: FakeServer, body: str, status: int) -> None:
    headers = {"Content-Type": "application/json"}

    refused = httpx.post(f"{fake.endpoint}/faults", content=body, headers=headers)

    assert refused.status_code == status
    fake.rekognition.detect_faces(Image={"Bytes": picture()})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Content-Type": "text/plain"}, 415, id="as-text"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, 415, id="as-a-form"),
        pytest.param({}, 415, id="as-nothing"),
        pytest.param({"Content-Type": "application/json", "Origin": "https://example.org"}, 403, id="another-site"),
        pytest.param({"Content-Type": "application/json", "Origin": "null"}, 403, id="sandboxed-frame"),
        pytest.param({"Content-Type": "application/json", "Origin": "http://[broken"}, 403, id="no-address"),
        pytest.param({"Content-Type": "application/json", "Origin": "http://localhost:3000"}, 204, id="this-machine"),
        pytest.param({"Content-Type": "application/json; charset=utf-8"}, 204, id="a-program"),
    ],
)
def test_another_sites_page_orders_no_errors(fake: FakeServer, headers: dict[str, str], status: int) -> None:
    order = b'{"error": "ThrottlingException"}'

    assert httpx.post(f"{fake.endpoint}/faults", content=order, headers=headers).status_code == status
    if status == 204:
        fake.faults.reset()
    fake.rekognition.list_collections()  # no error was ordered


def test_what_was_not_foreseen_is_an_internal_server_error_without_detail(
    fake: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    fake.engine.scenes[160, 120] = Scene([face()], [])  # a face without a descriptor: the engine breaks

    with pytest.raises(ClientError) as caught:
        fake.rekognition.compare_faces(SourceImage={"Bytes": picture()}, TargetImage={"Bytes": picture()})

    assert caught.value.response["Error"] == {"Code": "InternalServerError", "Message": "Internal server error"}
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "CompareFaces failed" in caplog.text


def test_concurrent_requests_get_their_own_answers(fake: FakeServer) -> None:
    for width in range(100, 140):
        fake.engine.scenes[width, 100] = Scene([face(confidence=50 + width / 10)], [descriptor(width)])

    def confidence(width: int) -> float:
        found = fake.rekognition.detect_faces(Image={"Bytes": picture(width, 100)})
        return float(found["FaceDetails"][0]["Confidence"])

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(confidence, [*range(100, 140)] * 5))

    assert answers == pytest.approx([50 + width / 10 for width in [*range(100, 140)] * 5])


def test_under_another_host_name_nothing_is_answered(fake: FakeServer) -> None:
    headers = {"Host": "rebound.example", "X-Amz-Target": "RekognitionService.ListCollections"}

    refused = httpx.post(fake.endpoint, content="{}", headers=headers)

    assert refused.status_code == 403
    assert refused.json()["__type"] == "AccessDeniedException"
    assert "rebound.example" in refused.json()["Message"]


def test_health_says_that_the_models_are_loaded(fake: FakeServer) -> None:
    reply = httpx.get(f"{fake.endpoint}/healthz")

    assert reply.json() == {"status": "healthy", "model_loaded": True}


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param({"FaceDetails": [], "Colour": "blue"}, id="unknown-member"),
        pytest.param({"FaceDetails": {}}, id="type"),
        pytest.param({"FaceDetails": [{"Confidence": 100.1}]}, id="above-bound"),
        pytest.param({"FaceDetails": [{"Confidence": True}]}, id="boolean-for-number"),
        pytest.param({"FaceDetails": [{"Pose": {"Yaw": -181}}]}, id="below-bound"),
        pytest.param({"FaceDetails": [{"Landmarks": [{"Type": "ear"}]}]}, id="enum"),
    ],
)
def test_the_reading_of_output_shapes_is_strict(reply: dict[str, Any]) -> None:
    assert list(violations(operation_of("RekognitionService.DetectFaces").output_shape, reply, "reply"))


@pytest.mark.parametrize("host", ["127.0.0.1:4567", "localhost:4567", "host.docker.internal:4567"])
def test_programs_of_this_machine_and_of_containers_on_it_are_answered(fake: FakeServer, host: str) -> None:
    headers = {"Host": host, "X-Amz-Target": "RekognitionService.ListCollections"}

    assert httpx.post(fake.endpoint, content="{}", headers=headers).status_code == 200
