"""Amazon Rekognition in our words: image bytes in, faces and documents out, our exceptions only."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from face_validation_function.exceptions.exceptions import ImageTooLargeError, ImageValidationError
from face_validation_function.faces import WHOLE_IMAGE, BoundingBox, Document, Face, Landmarks, Pose, TextLine
from face_validation_function.integrations.aws_errors import Refusals, code_of, translate_aws_errors
from face_validation_function.reasons import Reason

# The exceptions that say something of the image; any other is a failure of the service.
REFUSALS: Refusals = {
    "ImageTooLargeException": ImageTooLargeError,
    "InvalidImageFormatException": ImageValidationError,
}

_LANDMARKS = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")


class NoFaceToCompareError(ImageValidationError, has_own_code=False):
    """CompareFaces found no face in one of the two images; it does not say in which."""

    reasons: tuple[Reason, ...] = (Reason.FACE_NOT_COMPARABLE,)


@dataclass(frozen=True, slots=True)
class FaceMatch:
    """A face of the target image beside the source's largest: where it is, and its similarity (0-100)."""

    box: BoundingBox
    similarity: float


class RekognitionService:
    """Every paid call of the service, and nothing else. Images are JPG or PNG files of at most 5 MB."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def detect_labels(self, image: bytes) -> list[Document]:
        """Every label of an image as a document would be one: name, confidence (0-100), best instance, model."""
        with translate_aws_errors("DetectLabels", REFUSALS):
            # 0: a refusal shall say how far below its limit the document's label was.
            found = self._client.detect_labels(Image={"Bytes": image}, MinConfidence=0)
            model = found.get("LabelModelVersion")
            return [
                Document(label["Name"], percent_of(label["Confidence"]), _best_instance(label), model)
                for label in found["Labels"]
            ]

    def detect_faces(self, image: bytes) -> list[Face]:
        """Every face of an image, with the detector's confidence (0-100)."""
        with translate_aws_errors("DetectFaces", REFUSALS):
            found = self._client.detect_faces(Image={"Bytes": image})
            return [_face(face) for face in found["FaceDetails"]]

    def detect_text(self, image: bytes) -> list[TextLine]:
        """Every line of text in an image, as the service orders them."""
        with translate_aws_errors("DetectText", REFUSALS):
            found = self._client.detect_text(Image={"Bytes": image})
            return [
                TextLine(line["DetectedText"], percent_of(line["Confidence"]), box_of(line["Geometry"]["BoundingBox"]))
                for line in found["TextDetections"]
                if line["Type"] == "LINE"
            ]

    def compare_faces(self, source: bytes, target: bytes) -> list[FaceMatch]:
        """The source's largest face beside every face of the target; raises NoFaceToCompareError where one has none."""
        with translate_aws_errors("CompareFaces", REFUSALS):
            try:
                # 0: every score comes back. We decide what a match is; the evaluation sweeps thresholds.
                found = self._client.compare_faces(
                    SourceImage={"Bytes": source}, TargetImage={"Bytes": target}, SimilarityThreshold=0
                )
            except ClientError as error:
                if code_of(error) == "InvalidParameterException":
                    raise NoFaceToCompareError("CompareFaces found no face in one of the two crops.") from error
                raise
            return [
                FaceMatch(box_of(match["Face"]["BoundingBox"]), percent_of(match["Similarity"]))
                for match in found["FaceMatches"]
            ]


def _face(face: Mapping[str, Any]) -> Face:
    box, confidence = box_of(face["BoundingBox"]), percent_of(face["Confidence"])
    points = {point["Type"]: (_finite(point["X"]), _finite(point["Y"])) for point in face.get("Landmarks", ())}
    landmarks = Landmarks(*(points[name] for name in _LANDMARKS)) if points.keys() >= set(_LANDMARKS) else None
    turned = face.get("Pose")
    pose = Pose(*(_finite(turned[name]) for name in ("Roll", "Yaw", "Pitch"))) if turned else None
    return Face(box, confidence, landmarks, pose)


def _best_instance(label: Mapping[str, Any]) -> BoundingBox:
    instances = [instance for instance in label.get("Instances", ()) if "BoundingBox" in instance]
    if not instances:
        return WHOLE_IMAGE
    return box_of(max(instances, key=lambda instance: percent_of(instance["Confidence"]))["BoundingBox"])


def box_of(box: Mapping[str, Any]) -> BoundingBox:
    """Rekognition's box; KeyError or ValueError when it is malformed."""
    return BoundingBox(_finite(box["Left"]), _finite(box["Top"]), _finite(box["Width"]), _finite(box["Height"]))


def percent_of(value: Any) -> float:
    """A percentage, 0 to 100; ValueError when it is not valid."""
    percent = _finite(value)
    if not 0 <= percent <= 100:
        raise ValueError(f"{percent} is not a percentage")
    return percent


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not finite")
    return number
