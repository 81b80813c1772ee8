"""The whole stack answers as the deployed service would, with real models."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from rich.console import Console

from face_validation.client import FaceValidationClient, ImageValidationError, InvalidS3ObjectError
from face_validation.local import demo
from face_validation.local.samples.questions import SAMPLES, sample_jpeg
from face_validation.local.stack import LocalStack
from face_validation.local.stack_info import StackInfo
from tests.waiting import fastest_ms

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(stack: LocalStack) -> Iterator[FaceValidationClient]:
    with demo.client_of(stack.info) as made:
        yield made


def test_health_is_the_face_engines_own_word_and_needs_no_token(stack: LocalStack) -> None:
    response = httpx.get(f"{stack.page_url}healthz")

    assert (response.status_code, response.json()) == (200, {"status": "healthy", "model_loaded": True})


def test_a_kept_connection_waits_for_no_acknowledgement(stack: LocalStack) -> None:
    with httpx.Client() as kept:
        assert fastest_ms(lambda: kept.get(f"{stack.page_url}openapi.json")) < 35  # a delayed acknowledgement takes 40


def test_the_apis_description_is_served_with_its_page(stack: LocalStack) -> None:
    description = httpx.get(f"{stack.page_url}openapi.json").json()

    assert "/validation" in description["paths"]
    assert "swagger-ui" in httpx.get(f"{stack.page_url}docs").text


@pytest.mark.parametrize(
    ("method", "path", "status", "meant"),
    [
        ("POST", "validation", 404, "use POST /dev/validation."),
        ("GET", "oauth2/token", 405, "use POST /oauth2/token."),
        ("GET", "doc", 404, "use GET /docs."),
    ],
)
def test_an_address_beside_the_api_is_told_the_one_that_was_meant(
    stack: LocalStack, method: str, path: str, status: int, meant: str
) -> None:
    refused = httpx.request(method, f"{stack.page_url}{path}")

    assert refused.status_code == status
    assert refused.json()["error"]["details"] == f"There is no {method} /{path} here: {meant}"


def test_the_info_file_holds_what_scripts_need(stack: LocalStack, tmp_path: Path) -> None:
    stack.info.write(tmp_path / "stack.json")

    written = json.loads((tmp_path / "stack.json").read_text())
    assert written == asdict(stack.info)
    assert list(written) == [
        "api_url",
        "token_url",
        "client_id",
        "client_secret",
        "s3_endpoint",
        "source_bucket",
        "target_bucket",
        "claims_table",
        "rekognition_endpoint",
        "faces_bucket",
        "faces_table",
        "collection_id",
        "dead_letter_queue_url",
        "events_queue_url",
        "jobs_bucket",
        "jobs_table",
        "state_machine_arn",
        "pid",
    ]
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0


def test_the_issuer_publishes_the_key_that_signed_the_token(stack: LocalStack, client: FaceValidationClient) -> None:
    import jwt

    token = client.token()
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]

    keys = httpx.get(f"{issuer}/.well-known/jwks.json").json()

    (key,) = jwt.PyJWKSet.from_dict(keys).keys
    assert jwt.decode(token, key.key, algorithms=["RS256"], issuer=issuer)["client_id"] == stack.info.client_id


def test_a_key_that_is_not_in_the_bucket_is_told(client: FaceValidationClient) -> None:
    with pytest.raises(InvalidS3ObjectError, match=r"NoSuchKey\. The key was looked for in the source bucket"):
        client.validate("not-there.jpg", "not-there.jpg", "FACE_TO_FACE")


def test_a_plain_photograph_is_no_document(client: FaceValidationClient) -> None:
    with pytest.raises(ImageValidationError, match="source, detect_labels"):
        client.validate_files(sample_jpeg("collins"), sample_jpeg("collins-again"), "ID_TO_FACE")


def test_the_demo_answers_as_a_person_would_and_leaves_pictures(stack: LocalStack, tmp_path: Path) -> None:
    from PIL import Image

    as_expected = demo.show(stack.info, tmp_path, Console(file=io.StringIO()))

    answers = {sample.name: json.loads((tmp_path / f"{sample.name}.json").read_text()) for sample in SAMPLES}
    assert as_expected
    assert {name: answer.get("matched", "refusal") for name, answer in answers.items()} == {
        "passport-match": True,
        "passport-no-match": False,
        "licence-match": True,
        "held-match": True,
        "faces-match": True,
        "faces-no-match": False,
        "no-document": "refusal",
    }
    for name, answer in answers.items():
        if "error" not in answer:
            with Image.open(tmp_path / f"{name}.png") as picture:
                assert picture.width > 800


def test_rekognition_is_never_motos(stack: LocalStack) -> None:
    """moto would say 100 % for two objects that do not exist."""
    rekognition: Any = boto3.client("rekognition", region_name="us-east-1")

    assert rekognition.meta.endpoint_url == stack.info.rekognition_endpoint
    image = {"S3Object": {"Bucket": stack.info.source_bucket, "Name": "not-there"}}
    with pytest.raises(rekognition.exceptions.InvalidS3ObjectException):
        rekognition.compare_faces(SourceImage=image, TargetImage=image)


@pytest.fixture(scope="module")
def of_a_folder(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """What a stack with a folder of images prints; in a process of its own, which a profile names that is not there."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "source" / "deep").mkdir(parents=True)
    (folder / "target").mkdir()
    (folder / "source" / "deep" / "a.JPG").write_bytes(b"one")
    (folder / "source" / "notes.txt").write_text("not an image")
    (folder / "target" / "b.png").write_bytes(b"two")
    (folder / "target" / "._b.png").write_bytes(b"a file manager's")
    Path(os.fsdecode(os.fsencode(folder / "source") + b"/Andr\xe9.jpg")).write_bytes(b"of an old archive")
    program = """
import sys, pathlib, boto3
from face_validation.local.stack import LocalStack
with LocalStack(data=pathlib.Path(sys.argv[1])) as stack:
    stack.put_image("source", "put.jpg", b"image")
    s3 = boto3.client("s3")
    for bucket in (stack.info.source_bucket, stack.info.target_bucket):
        print([found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])])
    print(stack.images)
    print(*(reason.rpartition("/")[2] for reason in stack.left_out), sep="\\n")
"""
    settings = {**os.environ, "AWS_PROFILE": "nobody", "AWS_CONFIG_FILE": "/no/such/file"}
    command = [sys.executable, "-c", program, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=settings)


def test_images_of_a_folder_are_in_the_buckets_under_their_paths(
    of_a_folder: "subprocess.CompletedProcess[str]",
) -> None:
    assert of_a_folder.stdout.splitlines() == [
        "['deep/a.JPG', 'put.jpg']",
        "['b.png']",
        "{'source': 1, 'target': 1}",
        "Andr\\xe9.jpg: its name is not UTF-8",
        "notes.txt: the buckets take JPG and PNG; save it as a JPG",
        "target: 1 hidden files",
    ], of_a_folder.stderr


def test_a_profile_that_does_not_exist_reaches_no_session_of_motos(
    of_a_folder: "subprocess.CompletedProcess[str]",
) -> None:
    assert of_a_folder.returncode == 0, of_a_folder.stderr
    assert "put.jpg" in of_a_folder.stdout


def test_the_info_is_frozen(stack: LocalStack) -> None:
    assert StackInfo(**asdict(stack.info)) == stack.info
    with pytest.raises(AttributeError):
        stack.info.api_url = "elsewhere"  # type: ignore[misc]  # that it cannot be assigned is what is tested
