"""S3 as the service asks it: what is read and what is not, what is erased, where a presigned form is sent."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from botocore.stub import Stubber

from face_validation_function.exceptions.exceptions import (
    ImageTooLargeError,
    InternalServerError,
    InvalidS3ObjectError,
    ServiceBusyError,
)
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.s3_service import S3Service, StoredVersion, name_in
from tests.face_validation_function.stubbed import stubbed

LIMIT = 15 * 1024 * 1024


@pytest.fixture
def s3() -> Iterator[tuple[S3Service, Stubber]]:
    with stubbed("s3", S3Service) as service_and_answers:
        yield service_and_answers


def test_an_object_of_15_megabytes_is_read_and_a_byte_more_is_refused_unread(s3: tuple[S3Service, Stubber]) -> None:
    service, answers = s3
    asked = {"Bucket": "photos", "Key": "a.jpg"}
    answers.add_response("get_object", {"ContentLength": LIMIT, "Body": BytesIO(b"photo")}, asked)
    too_large = BytesIO(b"photo")
    answers.add_response("get_object", {"ContentLength": LIMIT + 1, "Body": too_large}, asked)

    assert service.photo("photos", "a.jpg").data == b"photo"
    with pytest.raises(ImageTooLargeError, match=r"15728641 bytes; the limit is 15728640 \(15 MB\)"):
        service.photo("photos", "a.jpg")
    assert too_large.closed


@pytest.mark.parametrize(
    "code", ["SlowDown", "ServiceUnavailable", "RequestLimitExceeded", "Throttling", "ThrottlingException"]
)
def test_whatever_aws_calls_it_being_asked_too_often_is_for_later(s3: tuple[S3Service, Stubber], code: str) -> None:
    service, answers = s3
    answers.add_client_error("get_object", code)

    with pytest.raises(ServiceBusyError, match=code):
        service.photo("photos", "a.jpg")


def test_every_version_of_one_key_is_listed_markers_too_and_of_no_longer_key(s3: tuple[S3Service, Stubber]) -> None:
    service, answers = s3
    answers.add_response(
        "list_object_versions",
        {
            "Versions": [{"Key": "a.jpg", "VersionId": "1"}, {"Key": "a.jpg.png", "VersionId": "2"}],
            "DeleteMarkers": [{"Key": "a.jpg", "VersionId": "3"}],
        },
        {"Bucket": "faces", "Prefix": "a.jpg"},
    )

    assert service.versions("faces", "a.jpg") == [
        StoredVersion("a.jpg", "1"),
        StoredVersion("a.jpg", "3", is_delete_marker=True),
    ]


def test_versions_are_erased_a_thousand_at_a_time(s3: tuple[S3Service, Stubber]) -> None:
    service, answers = s3
    versions = [str(number) for number in range(1001)]
    for part in (versions[:1000], versions[1000:]):
        objects = [{"Key": "a.jpg", "VersionId": version} for version in part]
        answers.add_response("delete_objects", {}, {"Bucket": "faces", "Delete": {"Objects": objects, "Quiet": True}})

    assert service.delete_versions("faces", "a.jpg", versions) == 1001


def test_an_erasure_that_s3_did_not_do_is_no_success(s3: tuple[S3Service, Stubber]) -> None:
    service, answers = s3
    answers.add_response("delete_objects", {"Errors": [{"Key": "a.jpg", "VersionId": "1"}]})

    with pytest.raises(InternalServerError, match="S3 kept 1 of 1 versions"):
        service.delete_versions("faces", "a.jpg", ["1"])


def test_a_form_is_sent_to_the_region_of_its_bucket_and_not_to_the_address_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    url, fields = S3Service(aws_client("s3")).presigned_post("photos", "uploads/a.png", "image/png")

    assert url == "https://s3.eu-west-1.amazonaws.com/photos"
    assert fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert "/eu-west-1/s3/" in fields["x-amz-credential"]


def test_a_form_takes_one_photo_under_one_name_for_five_minutes() -> None:
    began = datetime.now(UTC).replace(microsecond=0)

    _, fields = S3Service(aws_client("s3")).presigned_post("photos", "index/a.png", "image/png", "Ana García")

    policy = json.loads(base64.b64decode(fields["policy"]))
    assert began <= datetime.fromisoformat(policy["expiration"]) - timedelta(minutes=5) <= datetime.now(UTC)
    for condition in (
        ["content-length-range", 1, LIMIT],
        {"key": "index/a.png"},
        {"Content-Type": "image/png"},
        {"x-amz-meta-fullname": "Ana Garc%C3%ADa"},
    ):
        assert condition in policy["conditions"]


@pytest.mark.parametrize(
    "code",
    [
        "NoSuchKey",
        "AccessDenied",
        pytest.param("InvalidRequest", id="encrypted-with-the-owners-key"),
        "KMS.DisabledException",
        "KMS.NotFoundException",
        "KMS.KMSInvalidStateException",
    ],
)
def test_an_object_that_cannot_be_read_is_the_callers_and_is_asked_for_once(
    s3: tuple[S3Service, Stubber], code: str
) -> None:
    service, answers = s3
    answers.add_client_error("get_object", code, http_status_code=400)

    with pytest.raises(InvalidS3ObjectError, match=f"S3 answered {code}"):
        service.photo("photos", "a.jpg")


@pytest.mark.parametrize(("code", "is_deleted"), [("404", True), ("403", False), ("400", False), (None, False)])
def test_a_key_is_deleted_when_its_newest_version_is_a_marker(
    s3: tuple[S3Service, Stubber], code: str | None, is_deleted: bool
) -> None:
    service, answers = s3
    if code is None:
        answers.add_response("head_object", {}, {"Bucket": "faces", "Key": "a.jpg"})
    else:
        answers.add_client_error("head_object", code, http_status_code=int(code))

    assert service.is_deleted("faces", "a.jpg") is is_deleted


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Jos%C3%A9 Uno", "José Uno"),
        ("Ana", "Ana"),
        ("=?UTF-8?Q?Jos=C3=A9?=", "José"),
        ("Jos%E9 Uno", None),
        ("Jos%E8 Uno", None),
        ("=?UTF-8?Q?Jos=E9?=", None),
        ("=?nonsense?Q?Jos=E9?=", None),
        ("", None),
    ],
)
def test_a_name_that_is_not_utf8_is_no_name(written: str, name: str | None) -> None:
    assert name_in({"fullname": written}) == name
