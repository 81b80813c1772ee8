"""Where a presigned form is sent: to the region of its bucket."""

import pytest

from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.s3_service import S3Service


def test_a_form_is_sent_to_the_region_of_its_bucket_and_not_to_the_address_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    url, fields = S3Service(aws_client("s3")).presigned_post("photos", "uploads/a.png", "image/png")

    assert url == "https://s3.eu-west-1.amazonaws.com/photos"
    assert fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert "/eu-west-1/s3/" in fields["x-amz-credential"]
