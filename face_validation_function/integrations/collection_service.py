"""Rekognition's collections in our words: a face in under its photo's id, the most similar faces out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from face_validation_function.exceptions.exceptions import ImageValidationError
from face_validation_function.integrations.aws_errors import Ignoring, code_of, translate_aws_errors
from face_validation_function.integrations.rekognition_service import REFUSALS, percent_of


@dataclass(frozen=True, slots=True)
class IndexedFace:
    """A face that the collection has taken: its id, quality (brightness and sharpness, 0-100) and face model."""

    face_id: str
    brightness: float
    sharpness: float
    model_version: str = ""


class CollectionService:
    """Every paid call on collections; `active` gives the id of the one that searches ask.

    Images are JPG or PNG files of at most 5 MB that show one face.
    """

    def __init__(self, client: Any, active: Callable[[], str]) -> None:
        self._client = client
        self._active = active

    def create(self, collection_id: str) -> None:
        """Make a collection, with the newest face model; nothing changes when it is there."""
        with translate_aws_errors("CreateCollection", {}), Ignoring("ResourceAlreadyExistsException"):
            self._client.create_collection(CollectionId=collection_id)

    def delete(self, collection_id: str) -> None:
        """Delete a collection with its faces; nothing changes when it is gone."""
        with translate_aws_errors("DeleteCollection", {}), Ignoring("ResourceNotFoundException"):
            self._client.delete_collection(CollectionId=collection_id)

    def index_face(self, image: bytes, photo_id: str, collection_id: str) -> IndexedFace:
        """Add the largest face of an image; the same image with the same photo's id is not added twice.

        Raises:
            ImageValidationError: no face is good enough to be searched for; says why.
        """
        with translate_aws_errors("IndexFaces", REFUSALS):
            answer = self._client.index_faces(
                CollectionId=collection_id,
                Image={"Bytes": image},
                ExternalImageId=photo_id,
                MaxFaces=1,
                QualityFilter="AUTO",
            )
            if not answer["FaceRecords"]:
                reasons = sorted({reason for face in answer.get("UnindexedFaces", ()) for reason in face["Reasons"]})
                raise ImageValidationError(
                    f"the face cannot be enrolled: {', '.join(reasons) or 'IndexFaces found none'}."
                )
            record = answer["FaceRecords"][0]
            quality = record.get("FaceDetail", {}).get("Quality", {})
            return IndexedFace(
                record["Face"]["FaceId"],
                percent_of(quality.get("Brightness", 0.0)),
                percent_of(quality.get("Sharpness", 0.0)),
                str(answer.get("FaceModelVersion", "")),
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
