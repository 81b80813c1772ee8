"""Amazon Rekognition in our words: image bytes in, faces and documents out, our exceptions only."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from face_validation_function.exceptions.exceptions import (
    FaceValidationError,
    ImageTooLargeError,
    ImageValidationError,
    InternalServerError,
    ServiceBusyError,
)
from face_validation_function.faces import WHOLE_IMAGE, BoundingBox, Document, Face

# The exceptions that say something of the image or of the load; any other is a failure of the service.
_REFUSALS: dict[str, type[FaceValidationError]] = {
    "ImageTooLargeException": ImageTooLargeError,
    "InvalidImageFormatException": ImageValidationError,
    "ProvisionedThroughputExceededException": ServiceBusyError,
    "ThrottlingException": ServiceBusyError,
}


class NoFaceToCompareError(ImageValidationError):
    """CompareFaces found no face in one of the two images; it does not say in which."""

    @property
    def code(self) -> str:
        """For the caller one ImageValidationError like any other."""
        return ImageValidationError.__name__


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
        """Every label of an image as a document would be one: name, confidence (0-100), box of its best instance."""
        with _our_errors("DetectLabels"):
            # 0: a refusal shall say how far below its limit the document's label was.
            found = self._client.detect_labels(Image={"Bytes": image}, MinConfidence=0)
            return [
                Document(label["Name"], _percent(label["Confidence"]), _best_instance(label))
                for label in found["Labels"]
            ]

    def detect_faces(self, image: bytes) -> list[Face]:
        """Every face of an image, with the detector's confidence (0-100)."""
        with _our_errors("DetectFaces"):
            found = self._client.detect_faces(Image={"Bytes": image})
            return [Face(_box(face["BoundingBox"]), _percent(face["Confidence"])) for face in found["FaceDetails"]]

    def compare_faces(self, source: bytes, target: bytes) -> list[FaceMatch]:
        """The source's largest face beside every face of the target.

        Raises:
            NoFaceToCompareError: no face was found in the source or in the target.
        """
        with _our_errors("CompareFaces"):
            try:
                # 0: every score comes back. We decide what a match is; the evaluation sweeps thresholds.
                found = self._client.compare_faces(
                    SourceImage={"Bytes": source}, TargetImage={"Bytes": target}, SimilarityThreshold=0
                )
            except ClientError as error:
                if _code(error) == "InvalidParameterException":
                    raise NoFaceToCompareError("CompareFaces found no face in one of the two crops.") from error
                raise
            matches = [
                FaceMatch(_box(match["Face"]["BoundingBox"]), _percent(match["Similarity"]))
                for match in found["FaceMatches"]
            ]
        if not matches:
            raise NoFaceToCompareError("CompareFaces found no face in the target's crop.")
        return matches


@contextmanager
def _our_errors(operation: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = _code(error)
        kind = _REFUSALS.get(code, InternalServerError)
        raise kind(f"{operation} answered {code or 'an error without a code'}.") from error
    except (BotoCoreError, HTTPClientError, ResponseParserError) as error:
        raise InternalServerError(f"{operation} did not answer as it should ({type(error).__name__}).") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InternalServerError(f"{operation} answered in a shape that Rekognition does not have.") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _best_instance(label: Mapping[str, Any]) -> BoundingBox:
    instances = [instance for instance in label.get("Instances", ()) if "BoundingBox" in instance]
    if not instances:
        return WHOLE_IMAGE
    return _box(max(instances, key=lambda instance: _percent(instance["Confidence"]))["BoundingBox"])


def _box(box: Mapping[str, Any]) -> BoundingBox:
    return BoundingBox(_finite(box["Left"]), _finite(box["Top"]), _finite(box["Width"]), _finite(box["Height"]))


def _percent(value: Any) -> float:
    percent = _finite(value)
    if not 0 <= percent <= 100:
        raise ValueError(f"{percent} is no percentage")
    return percent


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not finite")
    return number
