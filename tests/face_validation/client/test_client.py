"""The client against an API that answers, refuses, stumbles and hangs up."""

import threading
import uuid
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

import face_validation.client
from face_validation.client import (
    ConnectionFailedError,
    FaceValidationClient,
    FaceValidationError,
    ImageValidationError,
    InternalServerError,
    RequestFailedError,
    SettingsError,
    TooManyRequestsError,
    ValidationRequest,
    ValidationResult,
    ValidationType,
)
from face_validation.client.errors import CONTRACT_ERRORS
from tests.face_validation.client.fake_api import FakeApi, Reply, envelope

JPEG = b"\xff\xd8\xff\xe0 not a whole one"
PNG = b"\x89PNG\r\n\x1a\n not a whole one"


def ask(client: FaceValidationClient, target: str = "target.jpg", **options: Any) -> ValidationResult:
    return client.validate("source.jpg", target, ValidationType.FACE_TO_FACE, **options)


def requests_for(numbers: range) -> list[ValidationRequest]:
    return [ValidationRequest("source.jpg", f"{number}.jpg", "FACE_TO_FACE", threshold=50) for number in numbers]


class TestValidate:
    """One question."""

    def test_the_answer_comes_back_typed(self, client: FaceValidationClient) -> None:
        result = client.validate("a.jpg", "81.jpg", "ID_TO_FACE", threshold=90, include=["boxes"])

        assert (result.matched, result.similarity, result.threshold) == (False, 81.0, 90)
        assert result.boxes is not None
        assert result.boxes.source.document is not None
        assert result.boxes.source.document.label == "Passport"
        assert result.boxes.target.document is None
        assert result.boxes.target.faces[0].box.width == 0.3

    def test_the_request_is_the_contracts(self, client: FaceValidationClient, api: FakeApi) -> None:
        result = ask(client, threshold=0, threshold_label=0, include=["boxes"])

        (call,) = api.validations
        assert call.method == "POST"
        assert call.json == {
            "id_request": result.id_request,
            "source_path": "source.jpg",
            "target_path": "target.jpg",
            "type": "FACE_TO_FACE",
            "threshold": 0,
            "threshold_label": 0,
            "include": ["boxes"],
        }
        assert uuid.UUID(result.id_request).version == 4

    def test_optional_fields_stay_away_unless_given(self, client: FaceValidationClient, api: FakeApi) -> None:
        ask(client, id_request="8c1c2f5e-9f0b-4b59-8a0c-3c8a0d5a7b11")

        assert api.validations[0].json.keys() == {"id_request", "source_path", "target_path", "type", "threshold"}
        assert api.validations[0].json["id_request"] == "8c1c2f5e-9f0b-4b59-8a0c-3c8a0d5a7b11"

    def test_the_answer_in_json_is_the_services_own(self, client: FaceValidationClient, api: FakeApi) -> None:
        request = ValidationRequest("a.jpg", "b.jpg", "ID_TO_FACE", include=["boxes"])
        plain = ValidationRequest("a.jpg", "b.jpg", "ID_TO_FACE")

        with_boxes, without = client.validate_many([request, plain])

        assert isinstance(with_boxes, ValidationResult)
        assert isinstance(without, ValidationResult)
        assert _as_json(with_boxes.to_answer()) == api.answer(request.to_body())
        assert without.to_answer() == api.answer(plain.to_body())

    def test_an_address_with_a_slash_at_its_end_works(self, api: FakeApi) -> None:
        settings = api.settings | {"api_url": f"{api.address}/dev/"}
        with FaceValidationClient(**settings) as client:
            assert ask(client).matched


class TestRefusals:
    """Each error code is a class."""

    @pytest.mark.parametrize("kind", CONTRACT_ERRORS, ids=lambda kind: kind.__name__)
    def test_each_code_is_its_own_exception_with_all_that_was_said(
        self, api: FakeApi, kind: type[FaceValidationError]
    ) -> None:
        said = envelope(kind.__name__, "The source has 79 px; the limit is 80 px.")
        assert kind.usual_status is not None
        api.script.extend([Reply(kind.usual_status, said)] * 2)

        with FaceValidationClient(**api.settings, attempts=1) as client, pytest.raises(kind) as caught:
            ask(client)

        error = caught.value
        assert type(error) is kind
        assert (error.code, error.status) == (kind.__name__, kind.usual_status)
        assert (error.message, error.details) == (said["error"]["message"], said["error"]["details"])
        assert error.id_request == said["id_request"]
        assert error.to_answer() == said
        assert "79 px" in str(error)

    def test_every_code_of_the_service_has_its_class_here(self) -> None:
        from face_validation_function.exceptions import exceptions

        codes = {kind.__name__ for kind in CONTRACT_ERRORS}
        refusals = vars(exceptions).values()
        services = {
            kind("x").code
            for kind in refusals
            if isinstance(kind, type) and issubclass(kind, exceptions.FaceValidationError)
        }

        assert services - {"FaceValidationError"} <= codes
        assert codes <= vars(face_validation.client).keys()

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (400, "RequestError"),
            (401, "UnauthorizedError"),
            (403, "ForbiddenError"),
            (413, "PayloadTooLargeError"),
            (429, "TooManyRequestsError"),
            (500, "InternalServerError"),
            (502, "InternalServerError"),
            (504, "InternalServerError"),
            (404, "RequestFailedError"),
            (302, "RequestFailedError"),
            (418, "RequestFailedError"),
            (599, "InternalServerError"),
        ],
    )
    @pytest.mark.parametrize("body", ["<html>Bad gateway</html>", {"message": "Unauthorized"}, ["?"], {"error": "no"}])
    def test_what_something_else_on_the_way_refused_is_known_by_its_status(
        self, api: FakeApi, status: int, code: str, body: Any
    ) -> None:
        api.script.extend([Reply(status, body)] * 2)

        with FaceValidationClient(**api.settings, attempts=1) as client, pytest.raises(FaceValidationError) as caught:
            ask(client, id_request="8c1c2f5e-9f0b-4b59-8a0c-3c8a0d5a7b11")

        assert (caught.value.code, caught.value.status) == (code, status)
        assert caught.value.id_request == "8c1c2f5e-9f0b-4b59-8a0c-3c8a0d5a7b11"

    def test_a_code_of_a_later_contract_is_told_with_its_name(self, client: FaceValidationClient, api: FakeApi) -> None:
        api.script.append(Reply(409, envelope("BrandNewError")))

        with pytest.raises(RequestFailedError, match="BrandNewError"):
            ask(client)

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param("<html></html>", id="a-page"),
            pytest.param('{"id_request": "x", "matched": true, "similarity": NaN}', id="not-a-number"),
            pytest.param({"id_request": "x", "matched": True}, id="no-similarity"),
            pytest.param({"id_request": "x", "matched": "perhaps", "similarity": 1}, id="no-verdict"),
            pytest.param([], id="an-array"),
            pytest.param(None, id="null"),
        ],
    )
    def test_an_answer_that_is_not_the_contracts_is_no_verdict(
        self, client: FaceValidationClient, api: FakeApi, body: Any
    ) -> None:
        api.script.append(Reply(200, body))

        with pytest.raises(RequestFailedError, match="api_url"):
            ask(client)

        assert len(api.validations) == 1


class TestRetries:
    """Only what may pass is asked again."""

    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(Reply(429, envelope("TooManyRequestsError")), id="throttled"),
            pytest.param(Reply(409, envelope("ConflictError"), {"Retry-After": "0"}), id="being-answered"),
            pytest.param(Reply(500, envelope("InternalServerError")), id="failed"),
            pytest.param(Reply(502, "Bad gateway"), id="bad-gateway"),
            pytest.param(Reply(503, "Unavailable"), id="unavailable"),
            pytest.param(Reply(504, "Timeout"), id="gateway-timeout"),
            pytest.param(Reply(lost=True), id="hung-up"),
        ],
    )
    def test_what_may_pass_is_asked_again_under_the_same_id(
        self, client: FaceValidationClient, api: FakeApi, fault: Reply
    ) -> None:
        api.script.extend([fault, fault])

        assert ask(client).matched

        assert len(api.validations) == 3
        assert len({call.json["id_request"] for call in api.validations}) == 1

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (400, "RequestError"),
            (403, "ForbiddenError"),
            (413, "PayloadTooLargeError"),
            (422, "ImageValidationError"),
            (422, "ImageTooLargeError"),
            (422, "InvalidS3ObjectError"),
        ],
    )
    def test_a_refusal_is_final(self, client: FaceValidationClient, api: FakeApi, status: int, code: str) -> None:
        api.script.append(Reply(status, envelope(code)))

        with pytest.raises(getattr(face_validation.client, code)):
            ask(client)

        assert len(api.validations) == 1

    def test_attempts_are_bounded_and_the_last_error_is_told(self, client: FaceValidationClient, api: FakeApi) -> None:
        api.script.extend([Reply(500, envelope("InternalServerError", f"attempt {n}")) for n in range(1, 9)])

        with pytest.raises(InternalServerError, match="attempt 4"):
            ask(client)

        assert len(api.validations) == 4

    @pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
    def test_retry_after_is_honoured(self, client: FaceValidationClient, api: FakeApi, as_date: bool) -> None:
        date = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
        asked = format_datetime(date, usegmt=True) if as_date else "1"
        api.script.append(Reply(429, envelope("TooManyRequestsError"), {"Retry-After": asked}))

        ask(client)

        first, second = (call.came_at for call in api.validations)
        assert second >= (date if as_date else first + timedelta(seconds=1))

    @pytest.mark.parametrize("header", ["soon", "-3", "", "Fri, 99 Foo 2026"])
    def test_a_retry_after_that_makes_no_sense_is_as_none(
        self, client: FaceValidationClient, api: FakeApi, header: str
    ) -> None:
        api.script.append(Reply(503, "busy", {"Retry-After": header}))

        assert ask(client).matched

    def test_a_wait_of_many_minutes_is_the_callers(self, client: FaceValidationClient, api: FakeApi) -> None:
        api.script.append(Reply(429, envelope("TooManyRequestsError"), {"Retry-After": "600"}))

        with pytest.raises(TooManyRequestsError) as caught:
            ask(client)

        assert caught.value.retry_after_s == 600
        assert len(api.validations) == 1

    def test_a_date_to_wait_for_counts_in_the_zone_it_names(self, client: FaceValidationClient, api: FakeApi) -> None:
        in_an_hour = datetime.now(timezone(timedelta(hours=-5))) + timedelta(hours=1)
        api.script.append(Reply(429, envelope("TooManyRequestsError"), {"Retry-After": format_datetime(in_an_hour)}))

        with pytest.raises(TooManyRequestsError) as caught:
            ask(client)

        assert caught.value.retry_after_s is not None
        assert 0 < caught.value.retry_after_s <= 3600

    def test_an_api_that_is_down_is_asked_again_then_given_up(self) -> None:
        asked = []

        def refuse(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/token"):
                return httpx.Response(200, json={"access_token": "t", "expires_in": 60})
            asked.append(request)
            raise httpx.ConnectError("Connection refused", request=request)

        with (
            FaceValidationClient(
                "https://api/dev",
                "https://api/token",
                "id",
                "secret",
                attempts=3,
                transport=httpx.MockTransport(refuse),
            ) as client,
            pytest.raises(ConnectionFailedError, match="check the address") as caught,
        ):
            ask(client)

        assert len(asked) == 3
        assert caught.value.status is None
        assert uuid.UUID(caught.value.id_request).version == 4

    @pytest.mark.parametrize(
        "fault", [httpx.UnsupportedProtocol("x"), httpx.TooManyRedirects("x"), httpx.DecodingError("x")]
    )
    def test_what_cannot_pass_is_not_asked_again(self, fault: Exception) -> None:
        asked = []

        def fail(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            raise fault

        with (
            FaceValidationClient(
                "https://api/dev", "https://api/token", "id", "secret", transport=httpx.MockTransport(fail)
            ) as client,
            pytest.raises(RequestFailedError),
        ):
            ask(client)

        assert len(asked) == 1

    def test_an_api_that_never_answers_times_out(self, api: FakeApi) -> None:
        api.script.append(Reply(hangs=True))

        with (
            FaceValidationClient(**api.settings, timeout_s=0.5, attempts=1) as client,
            pytest.raises(ConnectionFailedError, match="in time"),
        ):
            ask(client)


class TestValidateMany:
    """Many questions side by side."""

    def test_answers_come_in_the_order_of_the_questions(self, client: FaceValidationClient, api: FakeApi) -> None:
        requests = requests_for(range(43))
        api.script.append(Reply(500, "slower than the others: it is asked twice"))

        results = list(client.validate_many(requests, jobs=6))

        assert [result.similarity for result in results if isinstance(result, ValidationResult)] == list(range(43))
        assert [result.id_request for result in results] == [request.id_request for request in requests]
        assert len(api.validations) == 1 + 43

    def test_no_more_are_under_way_than_allowed(self, client: FaceValidationClient, api: FakeApi) -> None:
        api.meeting = threading.Barrier(4)  # none is answered before four are there

        list(client.validate_many(requests_for(range(24)), jobs=4))

        assert api.most_at_once == 4

    def test_one_refused_question_leaves_the_others_alone(self, client: FaceValidationClient, api: FakeApi) -> None:
        api.script.append(Reply(422, envelope("ImageValidationError")))

        outcomes = list(client.validate_many(requests_for(range(5)), jobs=1))

        assert isinstance(outcomes[0], ImageValidationError)
        assert [type(outcome) for outcome in outcomes[1:]] == [ValidationResult] * 4

    @pytest.mark.parametrize("body", [[], {"id_request": "x"}, "<html>"])
    def test_a_question_that_is_answered_by_something_else_has_no_verdict(
        self, client: FaceValidationClient, api: FakeApi, body: Any
    ) -> None:
        api.script.append(Reply(200, body))

        outcomes = list(client.validate_many(requests_for(range(2)), jobs=1))

        assert [type(outcome) for outcome in outcomes] == [RequestFailedError, ValidationResult]

    def test_an_endless_stream_of_questions_is_read_only_a_little_ahead(self, client: FaceValidationClient) -> None:
        taken = []

        def endless() -> Any:
            for number in count():
                taken.append(number)
                yield ValidationRequest("a.jpg", f"{number}.jpg", "FACE_TO_FACE")

        answers = client.validate_many(endless(), jobs=3)
        first = next(answers)
        answers.close()

        assert isinstance(first, ValidationResult)
        assert len(taken) <= 7
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("validate")]

    def test_no_questions_have_no_answers(self, client: FaceValidationClient, api: FakeApi) -> None:
        assert list(client.validate_many([])) == []
        assert api.calls == []

    @pytest.mark.parametrize("jobs", [0, 101])
    def test_jobs_has_limits(self, client: FaceValidationClient, jobs: int) -> None:
        with pytest.raises(ValueError, match="jobs is"):
            client.validate_many([], jobs=jobs)


class TestUploads:
    """Images go to the buckets and away again."""

    @pytest.mark.parametrize(
        ("content", "media_type", "ending"),
        [(JPEG, "image/jpeg", ".jpg"), (PNG, "image/png", ".png"), (b"GIF89a", "application/octet-stream", "")],
    )
    def test_an_image_is_put_under_a_key_that_says_nothing_about_it(
        self, client: FaceValidationClient, api: FakeApi, tmp_path: Path, content: bytes, media_type: str, ending: str
    ) -> None:
        photo = tmp_path / "Jane Doe's passport.tiff"
        photo.write_bytes(content)

        keys = {client.upload(photo, "source") for _ in range(3)}

        assert len(keys) == 3
        for key in keys:
            assert uuid.UUID(key.removeprefix("uploads/").removesuffix(ending)).version == 4
            assert content in api.objects[f"the-source/{key}"]
            assert api.content_types[f"the-source/{key}"] == media_type

    def test_a_key_of_the_callers_own_is_kept(self, client: FaceValidationClient, api: FakeApi) -> None:
        assert client.upload(JPEG, "target", key="path/to/target.jpg") == "path/to/target.jpg"
        assert list(api.objects) == ["the-target/path/to/target.jpg"]

    def test_files_are_uploaded_judged_and_deleted(
        self, client: FaceValidationClient, api: FakeApi, tmp_path: Path
    ) -> None:
        photo = tmp_path / "photo.jpg"
        photo.write_bytes(JPEG)

        assert client.validate_files(photo, PNG, "FACE_TO_FACE", threshold=0).matched

        question = api.validations[0].json
        puts = [call.path for call in api.calls if call.method == "PUT"]
        assert puts == [f"/the-source/{question['source_path']}", f"/the-target/{question['target_path']}"]
        assert api.objects == {}

    def test_files_may_stay(self, client: FaceValidationClient, api: FakeApi) -> None:
        client.validate_files(JPEG, JPEG, "FACE_TO_FACE", keep=True)

        assert {key.split("/")[0] for key in api.objects} == {"the-source", "the-target"}

    def test_files_are_deleted_when_the_service_refuses_them(self, client: FaceValidationClient, api: FakeApi) -> None:
        api.script.append(Reply(422, envelope("ImageValidationError")))

        with pytest.raises(ImageValidationError):
            client.validate_files(JPEG, JPEG, "FACE_TO_FACE")

        assert api.objects == {}

    def test_a_deletion_that_fails_does_not_lose_the_answer(
        self, client: FaceValidationClient, api: FakeApi, caplog: pytest.LogCaptureFixture
    ) -> None:
        with client.uploaded(JPEG, "source") as key:
            api.s3_refusal = "AccessDenied"

        assert f"The upload {key} stays in the source bucket" in caplog.text

    def test_a_refused_upload_says_what_and_why(self, client: FaceValidationClient, api: FakeApi) -> None:
        api.s3_refusal = "AccessDenied"

        with pytest.raises(RequestFailedError, match=r"the-source: AccessDenied\. The AWS credentials"):
            client.upload(JPEG, "source")

    def test_the_developers_own_credentials_never_reach_this_machine(
        self, client: FaceValidationClient, api: FakeApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALONE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")

        client.upload(JPEG, "source")

        (put,) = [call for call in api.calls if call.method == "PUT"]
        assert "Credential=local/" in put.headers["Authorization"]

    def test_without_aws_credentials_an_upload_to_aws_says_what_to_do(self, api: FakeApi) -> None:
        settings = api.settings | {"s3_endpoint": "", "region": "eu-west-1", "prepare_images": False}
        with FaceValidationClient(**settings) as client, pytest.raises(SettingsError, match="aws configure"):
            client.upload(JPEG, "source")

    def test_an_unreachable_bucket_could_not_be_asked(self, api: FakeApi) -> None:
        settings = api.settings | {"s3_endpoint": "http://127.0.0.1:1", "prepare_images": False}
        with FaceValidationClient(**settings) as client, pytest.raises(ConnectionFailedError, match="the-source"):
            client.upload(JPEG, "source")

    def test_a_bucket_without_a_name_is_said_with_its_settings(self, api: FakeApi) -> None:
        settings = api.settings | {"target_bucket": "", "prepare_images": False}
        with FaceValidationClient(**settings) as client, pytest.raises(SettingsError, match="--target-bucket"):
            client.upload(JPEG, "target")


@pytest.mark.parametrize(
    "address",
    ["http://api.example.com/dev", "ftp://api.example.com", "api.example.com", "", "http://127.0.0.1.evil.org"],
)
@pytest.mark.parametrize("setting", ["api_url", "token_url"])
def test_tokens_and_secrets_are_only_sent_over_https(api: FakeApi, setting: str, address: str) -> None:
    with pytest.raises(SettingsError, match=setting):
        FaceValidationClient(**api.settings | {setting: address})


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8080/dev", "http://localhost/dev", "http://[::1]:80/dev", "https://a.b"]
)
def test_this_machine_may_be_asked_in_the_clear(api: FakeApi, address: str) -> None:
    FaceValidationClient(**api.settings | {"api_url": address}).close()


def _as_json(answer: Any) -> Any:
    import json

    return json.loads(json.dumps(answer))
