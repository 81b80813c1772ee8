"""Every event about people is one behaviour of the contract, run through its function, in this order."""

import json
from collections.abc import Iterator

import pytest

from face_validation.local.aws.moto_services import aws_client
from face_validation.local.aws.stores import PeopleStores
from face_validation.local.stack import LocalStack
from face_validation_function.indexing_function import IndexingAdapters, index
from face_validation_function.people_function import OPERATIONS, PeopleAdapters
from face_validation_function.rest_function import RestFunction
from tests.fakes import FakeContext
from tests.people import EVENTS, EXPECTED, INDEXED, event_of, outcome, people_stores

pytestmark = pytest.mark.slow


@pytest.fixture
def stores(local_stack: LocalStack) -> Iterator[PeopleStores]:
    with people_stores(local_stack) as made:
        yield made


@pytest.fixture
def function(stores: PeopleStores) -> RestFunction[PeopleAdapters]:
    return RestFunction(OPERATIONS, PeopleAdapters.from_environment)


def test_every_event_has_its_expectation_and_every_expectation_its_event() -> None:
    assert set(EVENTS) == set(EXPECTED) | {name for name, _ in INDEXED}


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
    adapters = IndexingAdapters()

    for name, counts in INDEXED:
        assert (name, index(adapters, event_of(name), FakeContext())) == (name, counts)

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

    index(IndexingAdapters(), event, FakeContext())

    listed = function(event_of("list_faces"), FakeContext())
    names = {face["full_name"] for face in json.loads(listed["body"])["faces"]}
    assert "Older" in names
    assert "Newer" not in names
