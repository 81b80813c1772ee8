"""Every event under `events/people/` is one behaviour of the contract, run through its function, in this order."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from face_validation_function.indexing_function import IndexingAdapters, IndexingFunction
from face_validation_function.people_function import OPERATIONS, PeopleAdapters
from face_validation_function.rest_function import OnceMade, RestFunction
from local.people import PeopleStores
from local.stack import LocalStack, aws_client
from tests.fakes import FakeContext
from tests.people import EVENTS, REST_EVENTS, people_stores

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]

COLLINS = "Eileen Collins"
NOTHING = {"faces": 0, "photo_versions": 0, "rows": 0}
# What each event's name promises: HTTP status, and what tells one answer from another. They depend on each other: who
# is enrolled first is found later, and then forgotten.
EXPECTED: dict[str, tuple[int, object]] = {
    "refused_enrol_no_name": (400, "RequestError"),
    "refused_enrol_no_face": (422, "ImageValidationError"),
    "refused_enrol_object_missing": (422, "InvalidS3ObjectError"),
    "enrol": (201, COLLINS),
    "enrol_again": (200, COLLINS),
    "list_faces": (200, [COLLINS]),
    "list_faces_of_person": (200, [COLLINS]),
    "refused_list_limit": (400, "RequestError"),
    "refused_list_token": (400, "RequestError"),
    "search_found": (200, [COLLINS]),
    "search_image_in_the_body": (200, [COLLINS]),
    "search_nobody": (200, []),
    "refused_search_no_face": (422, "ImageValidationError"),
    "refused_search_object_missing": (422, "InvalidS3ObjectError"),
    "refused_search_two_photos": (400, "RequestError"),
    "refused_search_not_base64": (400, "RequestError"),
    "refused_search_threshold_as_text": (400, "RequestError"),
    "upload_source": (201, "uploads/"),
    "upload_target": (201, "uploads/"),
    "upload_face_to_enrol": (201, "index/"),
    "refused_upload_content_type": (400, "RequestError"),
    "refused_upload_name_of_target": (400, "RequestError"),
    "refused_face_id": (400, "RequestError"),
    "forget_face_of_nobody": (200, NOTHING),
    "forget_person": (200, {"faces": 1, "photo_versions": 1, "rows": 1}),
}
# What the indexing function counts; the same events again, as S3 may deliver them.
INDEXED: list[tuple[str, dict[str, int]]] = [
    ("s3_test", {"enrolled": 0, "known": 0, "refused": 0}),
    ("s3_photo", {"enrolled": 1, "known": 0, "refused": 0}),
    ("s3_photo", {"enrolled": 0, "known": 1, "refused": 0}),
    ("s3_photo_encoded_key", {"enrolled": 1, "known": 0, "refused": 0}),
    ("s3_photos_delivered_twice_and_refused", {"enrolled": 0, "known": 2, "refused": 3}),
]


@pytest.fixture(scope="module")
def stores(local_stack: LocalStack) -> Iterator[PeopleStores]:
    with people_stores(local_stack) as made:
        yield made


@pytest.fixture(scope="module")
def function(stores: PeopleStores) -> RestFunction[PeopleAdapters]:
    return RestFunction(OPERATIONS, PeopleAdapters.from_environment)


def event_of(name: str) -> dict[str, Any]:
    (path,) = (path for path in EVENTS if path.stem == name)
    event: dict[str, Any] = json.loads(path.read_text())
    return event


def outcome(body: Any) -> object:
    if "error" in body:
        return body["error"]["code"]
    if "faces" in body:
        return [face["full_name"] for face in body["faces"]]
    if "matches" in body:
        return [match["full_name"] for match in body["matches"]]
    if "key" in body:
        return body["key"].partition("/")[0] + "/"
    return body["erased"] if "erased" in body else body["full_name"]


def test_every_event_has_its_expectation_and_every_expectation_its_event() -> None:
    assert {path.stem for path in REST_EVENTS} == set(EXPECTED)
    assert {path.stem for path in EVENTS} - set(EXPECTED) == {name for name, _ in INDEXED}


def test_the_events_about_people_are_answered_as_their_names_say(function: RestFunction[PeopleAdapters]) -> None:
    for name, expected in EXPECTED.items():
        event = event_of(name)

        answer = function(event, FakeContext())

        body = json.loads(answer["body"])
        assert (name, answer["statusCode"], outcome(body)) == (name, *expected)
        sent = json.loads(event["body"]) if event["body"] else event["queryStringParameters"] or {}
        assert body["id_request"] == sent.get("id_request", body["id_request"]) == answer["headers"]["X-Request-Id"]


def test_the_events_of_s3_enrol_each_photo_once_and_keep_the_reason_of_a_refusal(
    stores: PeopleStores, local_stack: LocalStack
) -> None:
    function = IndexingFunction(OnceMade(IndexingAdapters.from_environment))

    for name, counts in INDEXED:
        assert (name, function(event_of(name), FakeContext())) == (name, counts)

    sqs = aws_client("sqs", local_stack.info.s3_endpoint)
    letters = sqs.receive_message(QueueUrl=stores.dead_letter_queue_url, MaxNumberOfMessages=10)["Messages"]
    kept = {letter["record"]["s3"]["object"]["key"]: letter for letter in (json.loads(m["Body"]) for m in letters)}
    assert {key: letter["error"] for key, letter in kept.items()} == {
        "index/nameless.jpg": "ImageValidationError",
        "index/no-face.jpg": "ImageValidationError",
        "index/missing.jpg": "InvalidS3ObjectError",
    }
    assert "no metadata `fullname`" in kept["index/nameless.jpg"]["reason"]


def test_an_event_with_a_version_enrols_that_version_though_a_newer_one_is_there(
    stores: PeopleStores, local_stack: LocalStack, function: RestFunction[PeopleAdapters]
) -> None:
    s3 = aws_client("s3", local_stack.info.s3_endpoint)
    key = "index/two-versions.jpg"
    photo = s3.get_object(Bucket=stores.faces_bucket, Key="index/collins.jpg")["Body"].read()
    older = s3.put_object(Bucket=stores.faces_bucket, Key=key, Body=photo, Metadata={"fullname": "Older"})["VersionId"]
    s3.put_object(Bucket=stores.faces_bucket, Key=key, Body=photo, Metadata={"fullname": "Newer"})
    event = event_of("s3_photo")
    event["Records"][0]["s3"]["object"] |= {"key": key, "versionId": older}

    IndexingFunction(OnceMade(IndexingAdapters.from_environment))(event, FakeContext())

    listed = function(event_of("list_faces"), FakeContext())
    names = {face["full_name"] for face in json.loads(listed["body"])["faces"]}
    assert "Older" in names
    assert "Newer" not in names
