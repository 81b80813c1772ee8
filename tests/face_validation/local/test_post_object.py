"""The policy of a presigned form is kept as S3 keeps it: signature, time, every condition, no field beyond."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.wrappers import Response

from face_validation.local.aws.environment import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from face_validation.local.aws.post_object import Answer, PolicyRefusedError, check_policy, with_forms

NOW = datetime.now(UTC)


def form(**options: Any) -> dict[str, str]:
    """A form as boto3 presigns it, by lower-case names."""
    client = boto3.client(
        "s3",
        region_name="eu-west-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(signature_version="s3v4"),
    )
    asked: dict[str, Any] = {
        "Fields": {"Content-Type": "image/png"},
        "Conditions": [["content-length-range", 1, 100], {"Content-Type": "image/png"}],
        "ExpiresIn": 300,
    }
    fields = client.generate_presigned_post("bucket", "key.png", **(asked | options))["fields"]
    return {name.lower(): value for name, value in fields.items()} | {"bucket": "bucket"}


SIGNED = form(ExpiresIn=86_400)


@given(size=st.integers(0, 1000))
@example(size=0)
@example(size=1)
@example(size=100)
@example(size=101)
def test_a_form_as_it_was_signed_is_taken_within_its_size(size: int) -> None:
    fields = SIGNED

    if 1 <= size <= 100:
        check_policy(fields, size, SECRET_ACCESS_KEY, NOW)
    else:
        with pytest.raises(PolicyRefusedError, match="Your proposed upload"):
            check_policy(fields, size, SECRET_ACCESS_KEY, NOW)


@pytest.mark.parametrize("name", ["content-type", "key", "bucket", "x-amz-date", "policy", "x-amz-signature"])
def test_no_field_may_be_changed(name: str) -> None:
    fields = form()

    with pytest.raises(PolicyRefusedError) as refused:
        check_policy(fields | {name: fields[name] + "x"}, 50, SECRET_ACCESS_KEY, NOW)
    assert refused.value.status == 403


def test_no_field_may_be_added() -> None:
    with pytest.raises(PolicyRefusedError, match="Extra input fields: acl"):
        check_policy(form() | {"acl": "public-read"}, 50, SECRET_ACCESS_KEY, NOW)


def test_a_form_expires() -> None:
    fields, signed = form(), datetime.now(UTC)

    check_policy(fields, 50, SECRET_ACCESS_KEY, signed + timedelta(seconds=290))
    with pytest.raises(PolicyRefusedError, match="expired"):
        check_policy(fields, 50, SECRET_ACCESS_KEY, signed + timedelta(seconds=310))


def test_somebody_else_s_key_signs_nothing() -> None:
    with pytest.raises(PolicyRefusedError, match="signature"):
        check_policy(form(), 50, "another secret", NOW)


def test_a_form_without_a_policy_is_refused() -> None:
    with pytest.raises(PolicyRefusedError, match="Access Denied"):
        check_policy({"key": "key.png", "bucket": "bucket"}, 50, SECRET_ACCESS_KEY, NOW)


@pytest.mark.parametrize(("key", "taken"), [("mine/a.png", True), ("other/a.png", False)])
def test_a_key_may_be_bound_to_its_beginning(key: str, taken: bool) -> None:
    fields = form(Conditions=[["starts-with", "$x-amz-meta-folder", "mine/"], {"Content-Type": "image/png"}])
    fields["x-amz-meta-folder"] = key

    if taken:
        check_policy(fields, 50, SECRET_ACCESS_KEY, NOW)
    else:
        with pytest.raises(PolicyRefusedError, match="starts-with"):
            check_policy(fields, 50, SECRET_ACCESS_KEY, NOW)


def answer_of(headers: dict[str, Any], body: bytes = b"", s3: Answer = lambda _: Response(status=299)) -> int:
    """The status of the answer to a form POST; 299 when nobody looked at the form."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/bucket",
        "CONTENT_TYPE": "multipart/form-data; boundary=XX",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        **headers,
    }
    return with_forms(s3, SECRET_ACCESS_KEY, environ).status_code


def upload(fields: dict[str, str], after: dict[str, str] | None = None) -> bytes:
    """A form's body: these fields, then one byte as its file, then the fields `after` it."""

    def part(name: str, text: str) -> str:
        return f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'

    before, behind = ("".join(part(*field) for field in some.items()) for some in (fields, after or {}))
    file = part("file", "x").replace('"file"', '"file"; filename="a.png"')
    return f"{before}{file}{behind}--XX--\r\n".encode()


def put_by(body: bytes) -> tuple[int, list[bytes]]:
    """The answer to a form, and what was put for it."""
    contents: list[bytes] = []

    def s3(environ: dict[str, Any]) -> Response:
        contents.append(environ["wsgi.input"].read())
        return Response()

    return answer_of({"CONTENT_LENGTH": str(len(body))}, body, s3), contents


def test_fields_after_the_file_are_ignored_as_s3_ignores_them() -> None:
    """A browser's form with its file first works on no S3: the policy comes too late."""
    assert put_by(upload({}, after=form())) == (403, [])
    assert put_by(upload(form(), after={"acl": "public-read"})) == (204, [b"x"])


def test_a_field_to_be_ignored_needs_no_condition() -> None:
    assert put_by(upload(form() | {"X-Ignore-Note": "for nobody"})) == (204, [b"x"])


def test_a_file_without_a_name_is_a_file() -> None:
    body = upload(form()).replace(b'; filename="a.png"', b"")

    assert put_by(body) == (204, [b"x"])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(upload(form()).removesuffix(b"--XX--\r\n"), id="no-end"),
        pytest.param(upload(form()).replace(b"XX", b"YY"), id="another-boundary"),
        pytest.param(upload(form()).replace(b"image/png", b"image/p\xe9g"), id="not-utf8"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_form_is_a_bad_request(body: bytes) -> None:
    assert put_by(body) == (400, [])


@pytest.mark.parametrize("media_type", ["multipart/form-data", "Multipart/Form-Data"])
def test_a_media_type_in_capitals_is_no_way_around_the_policy(media_type: str) -> None:
    assert answer_of({"CONTENT_TYPE": f"{media_type}; boundary=XX"}, upload({"key": "key.png"})) != 299


def test_a_signature_that_is_not_ascii_is_refused_as_any_other() -> None:
    fields = form() | {"x-amz-signature": "é"}

    assert answer_of({}, upload(fields)) == 403


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"CONTENT_LENGTH": "abc"}, id="length-that-is-no-number"),
        pytest.param({"CONTENT_LENGTH": "5000"}, id="broken-off"),
        pytest.param({"CONTENT_LENGTH": str(17 * 1024 * 1024)}, id="too-long"),
        pytest.param(
            {"CONTENT_LENGTH": "", "wsgi.input_terminated": True, "wsgi.input": BytesIO(bytes(17 * 1024 * 1024))},
            id="chunks-that-are-too-long",
        ),
    ],
)
def test_a_form_of_the_wrong_length_is_a_bad_request(headers: dict[str, Any]) -> None:
    assert answer_of(headers, upload(form())) == 400


@pytest.mark.parametrize(("of_s3", "of_the_form"), [(200, 204), (404, 404)], ids=["put", "refused"])
def test_only_what_s3_has_put_is_said_to_be_there(of_s3: int, of_the_form: int) -> None:
    body = upload(form())

    answer = answer_of({"CONTENT_LENGTH": str(len(body))}, body, lambda _: Response(status=of_s3))

    assert answer == of_the_form
