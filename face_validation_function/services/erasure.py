"""Erasing: a face leaves the collection, the bucket with every version of its photo, and the table, in that order.

The row goes last: as long as something is left, it says what, and the same request again finishes the work.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby

from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import CollectionService
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.people import Erased, moment
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.kept_photos import KeptPhotos, KeptRecords

EXPIRED_AT_ONCE = 100
# What the last erasure of a run may take.
RESERVE_S = 5.0


class ErasureService:
    """Erases from the collections, one faces bucket and one table."""

    def __init__(self, s3: S3Service, collection: CollectionService, table: FacesTable, bucket: str) -> None:
        self._s3, self._collection, self._table, self._bucket = s3, collection, table, bucket
        self._kept = KeptPhotos(s3, table, bucket)

    def erase_person(self, timer: RequestTimer, full_name: str) -> Erased:
        """Erase everything of a person; counts of zero when there was nothing. Raises FaceValidationError."""
        return self._erase(timer, partial(self._kept.of_person, timer, full_name))

    def erase_face(self, timer: RequestTimer, face_id: str) -> Erased:
        """Erase one face with its photo: every version of it, and the faces of those. Raises FaceValidationError."""
        with timer.step("table"):
            row = self._table.by_face_id(face_id)
        if row is None:
            # Left by an enrolment that died, or erased before: the collection is asked all the same.
            with timer.step("collection"):
                return Erased(faces=self._collection.delete_faces([face_id]))
        return self._erase(timer, partial(self._kept.of_photo, timer, row))

    def erase_expired(self, timer: RequestTimer) -> Erased:
        """Erase the photos whose time is over, the oldest first, as many as there is time for."""
        erased, now = Erased(), moment()
        with timer.step("table"):
            rows = self._table.expired(now, EXPIRED_AT_ONCE)
        for row in rows:
            if timer.remaining_s < RESERVE_S:
                break
            erased += self._erase(timer, partial(self._kept.of_photo, timer, row, now))
        return erased

    def _erase(self, timer: RequestTimer, kept: Callable[[], Iterator[KeptRecords]]) -> Erased:
        """Erase what `kept` finds, until it finds nothing: an enrolment or a reindex may have added a row meanwhile."""
        erased = Erased()
        while found := [self._remove(timer, records) for records in kept()]:
            erased = sum(found, erased)
        return erased

    def _remove(self, timer: RequestTimer, records: KeptRecords) -> Erased:
        faces = sorted((row.collection_id, row.face.face_id) for row in records.rows if row.face)
        with timer.step("collection"):
            removed = sum(
                self._collection.delete_faces([face_id for _, face_id in group], collection_id)
                for collection_id, group in groupby(faces, key=lambda face: face[0])
            )
        versions = 0
        with timer.step("photo, delete versions"):
            for key, group in groupby(records.versions, key=lambda one: one.key):
                versions += self._s3.delete_versions(self._bucket, key, [one.version for one in group])
        with timer.step("table"):
            rows = sum(self._table.delete(row) for row in records.rows)
        return Erased(removed, versions, rows)
