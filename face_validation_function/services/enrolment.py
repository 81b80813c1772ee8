"""Enrolling: one photo version is one face of the collection and one row of the table, however often it is asked."""

from dataclasses import dataclass

from face_validation_function.exceptions.exceptions import (
    FaceValidationError,
    ImageValidationError,
    InvalidS3ObjectError,
)
from face_validation_function.integrations.collection_service import CollectionService
from face_validation_function.integrations.faces_table import FacesTable, now
from face_validation_function.integrations.rekognition_service import RekognitionService
from face_validation_function.integrations.s3_service import S3Service, looked_for_in
from face_validation_function.people import EnrolledFace, PhotoVersion
from face_validation_function.reasons import Reason
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.prominent_face import prominent_face
from face_validation_function.utils.image_processing import UprightImage, open_upright
from face_validation_function.validations.people_requests import full_name_of


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The outcome: the face, and whether this request put it there or an earlier one."""

    face: EnrolledFace
    is_new: bool


class EnrolmentService:
    """Indexes the photos of one faces bucket."""

    def __init__(
        self,
        s3: S3Service,
        rekognition: RekognitionService,
        collection: CollectionService,
        table: FacesTable,
        bucket: str,
    ) -> None:
        self._s3 = s3
        self._rekognition = rekognition
        self._collection = collection
        self._table = table
        self._bucket = bucket

    def enrol(
        self, timer: RequestTimer, key: str, version: str | None = None, full_name: str | None = None
    ) -> Enrolled:
        """Enrol one photo; the person's name is `full_name`, or the one in the object's metadata.

        Raises:
            ImageValidationError: no name, no face, or none good enough; nothing is left behind.
            FaceValidationError: the photo cannot be read, or AWS failed; nothing is left behind, ask again.
        """
        with timer.step("photo, download"), looked_for_in("faces"):
            stored = self._s3.photo(self._bucket, key, version)
            # An event may come after its photo was deleted; the version that it names is still there then.
            if version is not None and self._s3.is_deleted(self._bucket, key):
                raise InvalidS3ObjectError("the photo was deleted after its upload.", Reason.OBJECT_MISSING)
        with timer.step("photo, decode"):
            image = open_upright(stored.data)
            photo = PhotoVersion(full_name or _name(stored.full_name), key, stored.version)
        with timer.step("table"):
            enrolled = self._table.claim(photo)
        if enrolled:
            return Enrolled(enrolled, is_new=False)
        try:
            return Enrolled(self._index(timer, photo, image), is_new=True)
        except BaseException:
            self._table.release(photo)
            raise

    def _index(self, timer: RequestTimer, photo: PhotoVersion, image: UprightImage) -> EnrolledFace:
        face, crop = prominent_face(self._rekognition, timer, "photo", image)
        with timer.step("photo, index_faces", rekognition=True):
            indexed = self._collection.index_face(crop, photo.id)
        self._check_name(timer, photo, indexed.face_id)
        enrolled = EnrolledFace(indexed.face_id, photo, face, indexed.brightness, indexed.sharpness, now())
        try:
            with timer.step("table"):
                self._table.complete(enrolled)
        except FaceValidationError:
            # A face without its row would be found by every search and named by none.
            self._collection.delete_faces([indexed.face_id])
            raise
        return enrolled

    def _check_name(self, timer: RequestTimer, photo: PhotoVersion, face_id: str) -> None:
        """The collection keeps one face of one photo: a second name for it would be answered, or erased, by chance."""
        with timer.step("table"):
            known = self._table.by_face_id(face_id)
            if known and known.photo != photo:
                raise ImageValidationError(
                    "this photo is enrolled under another name; erase that face first, or upload the photo again."
                )


def _name(written: str | None) -> str:
    if written is None:
        raise ImageValidationError(
            "the object has no metadata `fullname` that can be read: upload the photo again with the person's name."
        )
    try:
        return full_name_of(written)
    except ValueError as error:
        raise ImageValidationError(f"the `fullname` metadata is not a valid name: {error}.") from error
