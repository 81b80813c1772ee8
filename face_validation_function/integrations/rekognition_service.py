"""Amazon Rekognition in our words: image bytes in, faces and documents out; its collections and liveness sessions."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from face_validation_function.exceptions.exceptions import (
    ConflictError,
    ImageTooLargeError,
    ImageValidationError,
    LivenessError,
    NotFoundError,
)
from face_validation_function.faces import WHOLE_IMAGE, BoundingBox, Document, Face, Landmarks, Pose, TextLine
from face_validation_function.integrations.aws_client import Refusals, code_of, translate_aws_errors
from face_validation_function.people import EnrolledFace, KeptPhoto, moment
from face_validation_function.reasons import Reason

# The exceptions that say something of the image; any other is a failure of the service.
REFUSALS: Refusals = {"ImageTooLargeException": ImageTooLargeError, "InvalidImageFormatException": ImageValidationError}
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


class CollectionService:
    """Every call on collections; `active` gives the id of the one that searches ask. An image shows one face."""

    def __init__(self, client: Any, active: Callable[[], str]) -> None:
        self._client, self._active = client, active

    def create(self, collection_id: str) -> None:
        """Make a collection, with the newest face model; nothing changes when it is there."""
        there = {"ResourceAlreadyExistsException": ConflictError}
        with suppress(ConflictError), translate_aws_errors("CreateCollection", there):
            self._client.create_collection(CollectionId=collection_id)

    def delete(self, collection_id: str) -> None:
        """Delete a collection with its faces; nothing changes when it is gone."""
        gone = {"ResourceNotFoundException": NotFoundError}
        with suppress(NotFoundError), translate_aws_errors("DeleteCollection", gone):
            self._client.delete_collection(CollectionId=collection_id)

    def index_face(self, image: bytes, kept: KeptPhoto, face: Face) -> EnrolledFace:
        """Add a photo's face to the collection of `kept`, once; ImageValidationError says why it is not good enough."""
        with translate_aws_errors("IndexFaces", REFUSALS):
            answer = self._client.index_faces(
                CollectionId=kept.collection_id,
                Image={"Bytes": image},
                ExternalImageId=kept.photo.id,
                MaxFaces=1,
                QualityFilter="AUTO",
            )
            if not answer["FaceRecords"]:
                reasons = sorted({reason for one in answer.get("UnindexedFaces", ()) for reason in one["Reasons"]})
                raise ImageValidationError(
                    f"the face cannot be enrolled: {', '.join(reasons) or 'IndexFaces found none'}."
                )
            record = answer["FaceRecords"][0]
            quality = record.get("FaceDetail", {}).get("Quality", {})
            return EnrolledFace(
                record["Face"]["FaceId"],
                kept.photo,
                face,
                brightness=percent_of(quality.get("Brightness", 0.0)),
                sharpness=percent_of(quality.get("Sharpness", 0.0)),
                enrolled_at=moment(),
                model_version=str(answer.get("FaceModelVersion", "")),
            )

    def search(self, image: bytes, threshold: float, max_faces: int) -> list[tuple[str, float]]:
        """(face id, similarity), best first, of faces like an image's largest; ImageValidationError without a face."""
        with translate_aws_errors("SearchFacesByImage", REFUSALS):
            try:
                answer = self._client.search_faces_by_image(
                    CollectionId=self._active(),
                    Image={"Bytes": image},
                    FaceMatchThreshold=threshold,
                    MaxFaces=max_faces,
                    QualityFilter="NONE",
                )
            except ClientError as error:
                # The same code says that a server of one machine cannot search vectors of another model.
                if code_of(error) == "InvalidParameterException" and "no faces" in str(error):
                    raise ImageValidationError("SearchFacesByImage found no face in the crop.") from error
                raise
            return [(match["Face"]["FaceId"], percent_of(match["Similarity"])) for match in answer["FaceMatches"]]

    def delete_faces(self, face_ids: list[str], collection_id: str | None = None) -> int:
        """Remove faces of a collection, by default of the one that searches ask; how many were there."""
        if not face_ids:
            return 0
        with translate_aws_errors("DeleteFaces", {}):
            answer = self._client.delete_faces(CollectionId=collection_id or self._active(), FaceIds=face_ids)
            return len(answer.get("DeletedFaces", ()))


@dataclass(frozen=True, slots=True)
class LivenessResult:
    """What became of a session: its status, the confidence (0-100), codes of what was wrong, the reference image."""

    status: str
    confidence: float = 0.0
    feedback: tuple[str, ...] = ()
    image: bytes | None = None


class LivenessSessions:
    """Creates sessions and reads their results; `client` is a Rekognition client."""

    def __init__(self, client: Any, challenge: str, audit_images: int) -> None:
        self._client = client
        # No OutputConfig: Rekognition itself keeps nothing of a session beyond its three minutes.
        self._settings = {"AuditImagesLimit": audit_images, "ChallengePreferences": [{"Type": challenge}]}

    @property
    def region(self) -> str:
        """Where the browser must send its video."""
        return str(self._client.meta.region_name)

    def create(self, token: str) -> str:
        """The id of a new session; of the same one for the same token (at most 64 letters, digits, - and _)."""
        with translate_aws_errors("CreateFaceLivenessSession", {}):
            made = self._client.create_face_liveness_session(Settings=self._settings, ClientRequestToken=token)
            return str(made["SessionId"])

    def result(self, session_id: str) -> LivenessResult:
        """What became of a session; raises LivenessError when Rekognition does not know it."""
        with translate_aws_errors("GetFaceLivenessSessionResults", {"SessionNotFoundException": LivenessError}):
            found = self._client.get_face_liveness_session_results(SessionId=session_id)
            return LivenessResult(
                status=found["Status"],
                confidence=percent_of(found.get("Confidence", 0.0)),
                feedback=tuple(one["Code"] for one in found.get("Feedback", ())),
                image=found.get("ReferenceImage", {}).get("Bytes"),
            )


def _face(face: Mapping[str, Any]) -> Face:
    box, confidence = box_of(face["BoundingBox"]), percent_of(face["Confidence"])
    points = {point["Type"]: (_finite(point["X"]), _finite(point["Y"])) for point in face.get("Landmarks", ())}
    landmarks = Landmarks(*(points[name] for name in _LANDMARKS)) if points.keys() >= set(_LANDMARKS) else None
    turned = face.get("Pose")
    pose = Pose(*(_finite(turned[name]) for name in ("Roll", "Yaw", "Pitch"))) if turned else None
    return Face(box, confidence, landmarks, pose)


def _best_instance(label: Mapping[str, Any]) -> BoundingBox:
    instances = [instance for instance in label.get("Instances", ()) if "BoundingBox" in instance]
    best = max(instances, key=lambda instance: percent_of(instance["Confidence"]), default=None)
    return WHOLE_IMAGE if best is None else box_of(best["BoundingBox"])


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
