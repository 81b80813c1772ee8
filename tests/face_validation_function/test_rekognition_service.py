"""Rekognition as the service asks it: nothing is held back by a threshold of AWS's, nothing senseless is believed."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from face_validation_function.exceptions.exceptions import InternalServerError
from face_validation_function.faces import WHOLE_IMAGE, BoundingBox, Document
from face_validation_function.integrations.rekognition_service import FaceMatch, RekognitionService
from tests.face_validation_function.stubbed import stubbed

BOX = {"Left": 0.1, "Top": 0.2, "Width": 0.3, "Height": 0.4}
OTHER_BOX = BOX | {"Left": 0.5}


@pytest.fixture
def rekognition() -> Iterator[tuple[RekognitionService, Stubber]]:
    with stubbed("rekognition", RekognitionService) as service_and_answers:
        yield service_and_answers


def test_every_similarity_comes_back_the_lowest_too(rekognition: tuple[RekognitionService, Stubber]) -> None:
    service, answers = rekognition
    answers.add_response(
        "compare_faces",
        {"FaceMatches": [{"Similarity": 0.5, "Face": {"BoundingBox": BOX}}]},
        {"SourceImage": ANY, "TargetImage": ANY, "SimilarityThreshold": 0},
    )

    assert service.compare_faces(b"source", b"target") == [FaceMatch(BoundingBox(0.1, 0.2, 0.3, 0.4), 0.5)]


@pytest.mark.parametrize(
    ("instances", "box"),
    [
        pytest.param([], WHOLE_IMAGE, id="none"),
        pytest.param([{"Confidence": 99.0}], WHOLE_IMAGE, id="none-with-a-place"),
        pytest.param(
            [
                {"Confidence": 60.0, "BoundingBox": OTHER_BOX},
                {"Confidence": 90.0, "BoundingBox": BOX},
                {"Confidence": 99.0},
                {"Confidence": 70.0, "BoundingBox": OTHER_BOX},
            ],
            BoundingBox(0.1, 0.2, 0.3, 0.4),
            id="several",
        ),
    ],
)
def test_a_document_lies_where_its_surest_instance_does(
    rekognition: tuple[RekognitionService, Stubber], instances: list[dict[str, Any]], box: BoundingBox
) -> None:
    service, answers = rekognition
    answers.add_response(
        "detect_labels",
        {"Labels": [{"Name": "Passport", "Confidence": 1.5, "Instances": instances}]},
        {"Image": ANY, "MinConfidence": 0},
    )

    assert service.detect_labels(b"image") == [Document("Passport", 1.5, box)]


@pytest.mark.parametrize("percent", [100.1, float("nan")])
def test_what_is_no_percentage_is_a_failure_not_a_similarity(
    rekognition: tuple[RekognitionService, Stubber], percent: float
) -> None:
    service, answers = rekognition
    answers.add_response("compare_faces", {"FaceMatches": [{"Similarity": percent, "Face": {"BoundingBox": BOX}}]})

    with pytest.raises(InternalServerError, match="CompareFaces"):
        service.compare_faces(b"source", b"target")
