"""moto answers S3 and Cognito, and never what it only pretends to know."""

import gc
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest
from botocore.exceptions import ClientError

from face_validation.local.aws.moto_services import aws_client, moto_server
from rekognition_local.server.connections import BoundedProtocol
from tests.waiting import until


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        (
            "rekognition",
            "compare_faces",
            {"SourceImage": {"Bytes": b"x"}, "TargetImage": {"Bytes": b"x"}, "SimilarityThreshold": 0},
        ),
        ("rekognition", "detect_labels", {"Image": {"Bytes": b"x"}}),
        ("secretsmanager", "list_secrets", {}),
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


def test_a_container_of_this_machine_may_use_s3(aws: str) -> None:
    assert httpx.get(aws, headers={"Host": "host.docker.internal:5000"}).status_code == 200


def test_a_page_of_this_machine_may_use_s3(aws: str) -> None:
    assert httpx.get(aws, headers={"Origin": "http://localhost:3000"}).status_code == 200


def test_what_is_erased_leaves_the_memory_and_a_list_copies_no_contents(aws: str) -> None:
    """moto alone kept all of it, and a copy of the whole bucket for each list."""
    from moto.s3.models import FakeKey

    def in_memory() -> list[int]:
        gc.collect()
        ours = (one for one in gc.get_objects() if type(one) is FakeKey and one.bucket_name == "forgetful")
        return [len(one.value) for one in ours]

    s3 = aws_client("s3", aws)
    s3.create_bucket(Bucket="forgetful")
    s3.put_bucket_versioning(Bucket="forgetful", VersioningConfiguration={"Status": "Enabled"})
    kept = s3.put_object(Bucket="forgetful", Key="kept", Body=b"k" * 1000)

    for _ in range(5):
        for _ in range(2):
            s3.put_object(Bucket="forgetful", Key="erased", Body=b"e" * 1000)
        found = s3.list_object_versions(Bucket="forgetful", Prefix="erased")["Versions"]
        versions = [{"Key": "erased", "VersionId": version["VersionId"]} for version in found]
        s3.delete_objects(Bucket="forgetful", Delete={"Objects": versions})
    (listed,) = s3.list_object_versions(Bucket="forgetful")["Versions"]

    assert in_memory() == [1000]
    assert (listed["ETag"], listed["VersionId"], listed["Size"]) == (kept["ETag"], kept["VersionId"], 1000)
    assert s3.get_object(Bucket="forgetful", Key="kept")["Body"].read() == b"k" * 1000


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a moto that waits less long and for fewer."""
    for name, value in {"header_s": 0.4, "body_s": 0.8, "most_connections": 8}.items():
        monkeypatch.setattr(BoundedProtocol, name, value)
    with socket.create_server(("127.0.0.1", 0)) as listener, moto_server(listener):
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\n", id="half-a-header"),
        pytest.param(b"PUT /b/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nhalf", id="half-a-body"),
    ],
)
def test_slow_callers_are_left_and_keep_nobody_out(hurried: int, beginning: bytes) -> None:
    with ExitStack() as callers:
        for _ in range(3 * BoundedProtocol.most_connections):
            caller = callers.enter_context(socket.create_connection(("127.0.0.1", hurried), timeout=20))
            caller.sendall(beginning)
        began = time.monotonic()

        # While eight callers are being worked for, a ninth is turned away: it asks again, as boto3 does.
        until(lambda: _is_answered(f"http://127.0.0.1:{hurried}/"), timeout_s=10)

        for _ in range(20):  # dripped, the rest does not come in time either
            time.sleep(0.05)
            try:
                caller.sendall(b"x")
            except OSError:
                break
        with suppress(ConnectionError):
            while caller.recv(4096):
                pass
        assert time.monotonic() - began < 10


def _is_answered(url: str) -> bool:
    try:
        return httpx.get(url, timeout=20).status_code == 200
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        return False
