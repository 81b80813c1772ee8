"""Erasing: a face leaves the collection, the bucket with every version of its photo, and the table, in that order.

The row goes last: as long as something is left, it says what, and the same request again finishes the work.
"""

from face_validation_function.integrations.collection_service import CollectionService
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.people import Erased, PhotoVersion
from face_validation_function.request_timer import RequestTimer
from face_validation_function.validations.people_requests import full_name_of


class ErasureService:
    """Erases from one collection, one faces bucket and one table."""

    def __init__(self, s3: S3Service, collection: CollectionService, table: FacesTable, bucket: str) -> None:
        self._s3 = s3
        self._collection = collection
        self._table = table
        self._bucket = bucket

    def erase_person(self, timer: RequestTimer, full_name: str) -> Erased:
        """Erase everything of a person; counts of zero when there was nothing. Raises FaceValidationError."""
        with timer.step("table"):
            photos = self._table.photos_of(full_name)
        erased = Erased()
        for photo, face_id in photos:
            erased += self._erase(timer, photo, face_id)
        return erased

    def erase_face(self, timer: RequestTimer, face_id: str) -> Erased:
        """Erase one face with its photo: every version of it, and the faces of those. Raises FaceValidationError."""
        with timer.step("table"):
            row = self._table.by_face_id(face_id)
        if row is None:
            # Left by an enrolment that died, or erased before: the collection is asked all the same.
            with timer.step("collection"):
                return Erased(faces=self._collection.delete_faces([face_id]))
        return self._erase(timer, row.photo, face_id)

    def _erase(self, timer: RequestTimer, photo: PhotoVersion, face_id: str | None) -> Erased:
        with timer.step("photo, versions"):
            versions = self._s3.versions(self._bucket, photo.key)
            others = [self._other(photo, version) for version in versions if version != photo.version]
        faces = {photo: face_id}
        for other in others:
            enrolled = self._table.get(other)
            if enrolled:
                faces[other] = enrolled.face_id
        with timer.step("collection"):
            removed = self._collection.delete_faces([found for found in faces.values() if found])
        with timer.step("photo, delete versions"):
            erased = self._s3.delete_versions(self._bucket, photo.key, versions)
        with timer.step("table"):
            rows = sum(self._table.delete(found) for found in faces)
        return Erased(removed, erased, rows)

    def _other(self, photo: PhotoVersion, version: str) -> PhotoVersion:
        """Another version of a photo, under the name in its own metadata, as its enrolment would have kept it."""
        written = self._s3.name_of(self._bucket, photo.key, version)
        try:
            name = full_name_of(written or photo.full_name)
        except ValueError:
            name = photo.full_name
        return PhotoVersion(name, photo.key, version)
