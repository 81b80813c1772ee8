"""moto answers S3 and Cognito, and never what it only pretends to know."""

import httpx
import pytest
from botocore.exceptions import ClientError

from face_validation.local.aws.moto_services import aws_client


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        (
            "rekognition",
            "compare_faces",
            {"SourceImage": {"Bytes": b"x"}, "TargetImage": {"Bytes": b"x"}, "SimilarityThreshold": 0},
        ),
        ("rekognition", "detect_labels", {"Image": {"Bytes": b"x"}}),
        ("kms", "list_keys", {}),
    ],
)
def test_other_services_are_refused(aws: str, service: str, operation: str, arguments: dict[str, object]) -> None:
    client = aws_client(service, aws)

    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**arguments)

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_s3_keeps_an_object(aws: str) -> None:
    s3 = aws_client("s3", aws)
    s3.create_bucket(Bucket="kept")

    s3.put_object(Bucket="kept", Key="años/a b.jpg", Body=b"bytes")

    assert s3.get_object(Bucket="kept", Key="años/a b.jpg")["Body"].read() == b"bytes"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://example.org"}, id="another-site"),
        pytest.param({"Origin": "null"}, id="sandboxed-frame"),
        pytest.param({"Origin": "http://[broken"}, id="no-address"),
        pytest.param({"Host": "rebound.example"}, id="dns-rebinding"),
    ],
)
def test_another_sites_page_reads_nothing_through_the_browser(aws: str, headers: dict[str, str]) -> None:
    answered = httpx.get(aws, headers=headers)

    assert answered.status_code == 403
    assert "access-control-allow-origin" not in answered.headers


def test_a_page_of_this_machine_may_use_s3(aws: str) -> None:
    assert httpx.get(aws, headers={"Origin": "http://localhost:3000"}).status_code == 200
