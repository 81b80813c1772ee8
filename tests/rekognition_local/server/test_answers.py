"""Declared answers: which request they answer, over the wire, and what is refused when they are declared."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.registry import OPERATIONS
from rekognition_local.operations.service import Service
from rekognition_local.protocol.wire import service_model
from rekognition_local.server.answers import Answers, DeclarationError
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from tests.rekognition_local.fakes import FakeEngine, FakeS3, picture
from tests.rekognition_local.servers import client, serving

BEACH, OFFICE = picture(200, 100), picture(100, 200)
IN_S3 = {"S3Object": {"Bucket": "photos", "Name": "ana.png"}}
MODERATED = {"ModerationLabels": [{"Name": "Swimwear", "Confidence": 91.5}], "ModerationModelVersion": "7.0"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    engine = FakeEngine()
    images = ImageSource(FakeS3({("photos", "ana.png", None): BEACH}))
    with serving(Service(engine, images, Gallery(Store(None), engine)), answers=Answers()) as found:
        yield found


@pytest.fixture
def rekognition(endpoint: str) -> Iterator[Any]:
    yield client(endpoint)
    assert httpx.delete(f"{endpoint}/answers").status_code == 204


def declare(endpoint: str, *answers: dict[str, Any]) -> None:
    told = httpx.post(f"{endpoint}/answers", json={"answers": answers})
    assert told.status_code == 204, told.text


def code_of(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({"Sha256": sha256(BEACH).hexdigest().upper()}, id="by-hash"),
        pytest.param(IN_S3, id="by-bucket-and-key"),
    ],
)
def test_an_image_is_answered_as_declared_and_others_are_not(
    endpoint: str, rekognition: Any, named: dict[str, Any]
) -> None:
    declare(endpoint, {"operation": "DetectModerationLabels", "request": {"Image": named}, "answer": MODERATED})

    answer = rekognition.detect_moderation_labels(Image=IN_S3)
    other = code_of(rekognition.detect_moderation_labels, Image={"Bytes": OFFICE})

    assert answer["ModerationLabels"] == MODERATED["ModerationLabels"]
    assert other == "NotImplementedException"


def test_an_object_is_known_by_the_hash_of_its_file_and_so_are_bytes(endpoint: str, rekognition: Any) -> None:
    by_hash = {"Image": {"Sha256": sha256(BEACH).hexdigest()}}
    declare(endpoint, {"operation": "DetectFaces", "request": by_hash, "error": {"code": "ImageTooLargeException"}})

    assert code_of(rekognition.detect_faces, Image={"Bytes": BEACH}) == "ImageTooLargeException"
    assert rekognition.detect_faces(Image={"Bytes": OFFICE})["FaceDetails"] == []


def test_both_images_of_a_comparison_count(endpoint: str, rekognition: Any) -> None:
    beach, office = ({"Sha256": sha256(file).hexdigest()} for file in (BEACH, OFFICE))
    declared = {"SourceImage": beach, "TargetImage": office}
    declare(endpoint, {"operation": "CompareFaces", "request": declared, "answer": {"UnmatchedFaces": []}})

    answer = rekognition.compare_faces(SourceImage={"Bytes": BEACH}, TargetImage={"Bytes": OFFICE})

    assert answer["UnmatchedFaces"] == []
    swapped = {"SourceImage": {"Bytes": OFFICE}, "TargetImage": {"Bytes": BEACH}}
    assert code_of(rekognition.compare_faces, **swapped) == "InvalidParameterException"


def test_a_declaration_without_a_request_answers_every_one_as_often_as_it_says(endpoint: str, rekognition: Any) -> None:
    slow = {"code": "ThrottlingException", "message": "Slow down."}
    declare(endpoint, {"operation": "ListCollections", "error": slow, "times": 2})

    codes = [code_of(rekognition.list_collections) for _ in range(2)]

    assert codes == ["ThrottlingException"] * 2
    assert rekognition.list_collections()["CollectionIds"] == []


def test_what_is_declared_later_answers_first_and_a_reset_forgets_both(endpoint: str, rekognition: Any) -> None:
    for name in ("first", "second"):
        declare(endpoint, {"operation": "ListCollections", "answer": {"CollectionIds": [name]}})

    later = rekognition.list_collections()["CollectionIds"]
    httpx.delete(f"{endpoint}/answers")

    assert later == ["second"]
    assert rekognition.list_collections()["CollectionIds"] == []


@pytest.mark.parametrize("name", sorted(service_model().operation_names))
def test_every_operation_of_the_model_can_be_declared(name: str) -> None:
    error = {"operation": name, "error": {"code": "ThrottlingException"}}

    Answers().declare({"answers": [error]})


def test_a_request_that_the_model_forbids_is_refused_before_it_is_answered(endpoint: str, rekognition: Any) -> None:
    declare(endpoint, {"operation": "DetectFaces", "answer": {"FaceDetails": []}})

    refused = httpx.post(endpoint, content="{}", headers={"X-Amz-Target": "RekognitionService.DetectFaces"})

    assert refused.json()["__type"] == "ValidationException"


# --- declaring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "place"),
    [
        pytest.param([], "not a JSON object", id="no-object"),
        pytest.param({}, "answers", id="nothing"),
        pytest.param({"answers": [{"answer": {}}]}, "answers.0.operation", id="no-operation"),
        pytest.param({"answers": [{"operation": "DetectUnicorns", "answer": {}}]}, "DetectUnicorns", id="unknown"),
        pytest.param({"answers": [{"operation": "DetectFaces"}]}, "answers[0]", id="no-outcome"),
        pytest.param(
            {"answers": [{"operation": "DetectFaces", "answer": {}, "error": {"code": "ThrottlingException"}}]},
            "answers[0]",
            id="two-outcomes",
        ),
        pytest.param(
            {"answers": [{"operation": "DetectFaces", "answer": {"Faces": []}}]}, "no member Faces", id="member"
        ),
        pytest.param(
            {"answers": [{"operation": "DetectFaces", "answer": {"FaceDetails": [{"Confidence": 101}]}}]},
            "answers[0].answer.FaceDetails[0].Confidence",
            id="bound",
        ),
        pytest.param(
            {"answers": [{"operation": "DetectFaces", "error": {"code": "SessionNotFoundException"}}]},
            "SessionNotFoundException",
            id="another-operations-error",
        ),
        pytest.param(
            {"answers": [{"operation": "DetectFaces", "request": {"Picture": {}}, "answer": {}}]},
            "no member Picture",
            id="request-member",
        ),
        pytest.param(
            {"answers": [{"operation": "DetectFaces", "request": {"Image": {"Bytes": "YQ=="}}, "answer": {}}]},
            "answers[0].request.Image",
            id="image-by-its-bytes",
        ),
        pytest.param(
            {"answers": [{"operation": "DetectFaces", "request": {"Image": {"File": "/etc/hosts"}}, "answer": {}}]},
            "answers[0].request.Image",
            id="file-of-the-server",
        ),
        pytest.param({"answers": [{"operation": "DetectFaces", "answer": {}, "times": 0}]}, "times", id="no-times"),
    ],
)
def test_what_the_model_forbids_cannot_be_declared(endpoint: str, document: Any, place: str) -> None:
    refused = httpx.post(f"{endpoint}/answers", json=document)

    assert refused.status_code == 400
    assert place in refused.json()["refused"]


def test_a_file_names_images_that_lie_beside_it_and_lasts(tmp_path: Path) -> None:
    (tmp_path / "beach.png").write_bytes(BEACH)
    declared = {"operation": "DetectModerationLabels", "request": {"Image": {"File": "beach.png"}}, "answer": MODERATED}
    (tmp_path / "answers.json").write_text(json.dumps({"answers": [declared]}))
    answers = Answers.of_file(tmp_path / "answers.json")

    answers.reset()

    found = answers.find("DetectModerationLabels", {"Image": {}}, lambda _: sha256(BEACH).hexdigest())
    assert found == MODERATED


@pytest.mark.parametrize(
    "content",
    ["{", '{"answers": [{"operation": "DetectFaces", "request": {"Image": {"File": "no.png"}}, "answer": {}}]}'],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: str) -> None:
    (tmp_path / "answers.json").write_text(content)

    with pytest.raises(DeclarationError, match=r"not JSON|no\.png cannot be read"):
        Answers.of_file(tmp_path / "answers.json")


def test_operations_without_a_model_say_how_they_are_declared(endpoint: str, rekognition: Any) -> None:
    assert "DetectModerationLabels" not in OPERATIONS

    with pytest.raises(ClientError, match="Declare its answers with --answers"):
        rekognition.detect_moderation_labels(Image={"Bytes": BEACH})
