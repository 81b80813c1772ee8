"""Enrolling: one photo version is one face of the collection and one row of the table, however often it is asked."""

import hashlib
from dataclasses import dataclass, replace

from face_validation_function.exceptions.exceptions import (
    ConflictError,
    FaceValidationError,
    ImageValidationError,
    InvalidS3ObjectError,
)
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import CollectionService, RekognitionService
from face_validation_function.integrations.s3_service import S3Service, looked_for_in
from face_validation_function.people import EnrolledFace, KeptPhoto, PhotoVersion, expiry, moment
from face_validation_function.reasons import Reason
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.image_faces import prominent_face
from face_validation_function.settings import PeopleSettings
from face_validation_function.utils.image_processing import UprightImage, open_upright
from face_validation_function.validations.people_requests import full_name_of

# The person's own photos come among them.
SIMILAR_FACES = 100


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The outcome: the face, and whether this request put it there or an earlier one."""

    face: EnrolledFace
    is_new: bool


@dataclass(frozen=True, slots=True)
class EnrolmentService:
    """Indexes the photos of one faces bucket."""

    s3: S3Service
    rekognition: RekognitionService
    collection: CollectionService
    table: FacesTable
    settings: PeopleSettings

    def enrol(
        self,
        timer: RequestTimer,
        key: str,
        version: str | None = None,
        full_name: str | None = None,
        *,
        allow_duplicate: bool = False,
        expires_at: str = "",
    ) -> Enrolled:
        """Enrol one photo; the person's name is `full_name`, or the one in the object's metadata.

        ImageValidationError without a name or a face that is good enough; ConflictError when the face is enrolled under
        another name, unless `allow_duplicate` is set. Whatever is raised, nothing is left behind.
        """
        with timer.step("photo, download"), looked_for_in("faces"):
            stored = self.s3.photo(self.settings.faces_bucket, key, version)
            # An event may come after its photo was deleted; the version that it names is still there then.
            if version is not None and self.s3.is_deleted(self.settings.faces_bucket, key):
                raise InvalidS3ObjectError("the photo was deleted after its upload.", Reason.OBJECT_MISSING)
        with timer.step("photo, decode"):
            image = open_upright(stored.data)
            photo = PhotoVersion(full_name or _name(stored.full_name), key, stored.version)
        with timer.step("table"):
            ends = expiry(moment(), self.settings.people_days, expires_at)
            digest = hashlib.sha256(stored.data).hexdigest()
            wanted = KeptPhoto(photo, self.table.collections().active, digest=digest, expires_at=ends)
            known = self._known(wanted)
            if known:
                return Enrolled(known, is_new=False)
            self.table.claim(wanted)
        try:
            return Enrolled(self._index(timer, wanted, image, allow_duplicate=allow_duplicate), is_new=True)
        except BaseException:
            self.table.release(wanted)
            raise

    def _known(self, wanted: KeptPhoto) -> EnrolledFace | None:
        """The face that this image has under this name; another object with it is kept as a copy."""
        for kept in self.table.of_person(wanted.photo.full_name):
            if kept.face is None or kept.collection_id != wanted.collection_id:
                continue
            if kept.photo == wanted.photo:
                return kept.face
            if kept.digest == wanted.digest:
                self.table.keep_copy(replace(wanted, expires_at=kept.expires_at))
                return kept.face
        return None

    def _index(
        self, timer: RequestTimer, wanted: KeptPhoto, image: UprightImage, *, allow_duplicate: bool
    ) -> EnrolledFace:
        face, crop = prominent_face(self.rekognition, timer, image)
        is_possible = self._is_possible_duplicate(timer, wanted.photo, crop, allow_duplicate=allow_duplicate)
        with timer.step("photo, index_faces", rekognition=True):
            indexed = self.collection.index_face(crop, wanted, face)
        enrolled = replace(indexed, possible_duplicate=is_possible)
        with timer.step("table"):
            # The collection keeps one face of one photo: a second name for it would be answered, or erased, by chance.
            known = self.table.by_face_id(enrolled.face_id)
            if known and known.photo != wanted.photo:
                raise _another_name("it is this very photo; erase that face first, or put the photo again")
        done = replace(wanted, face=enrolled)
        try:
            with timer.step("table"):
                self.table.complete(done)
        except FaceValidationError:
            # Written all the same, when only the answer was lost; the face may not go then.
            written = self.table.get(done)
            if written and written.face:
                return written.face
            # A face without its row would be found by every search and named by none.
            self.collection.delete_faces([enrolled.face_id], wanted.collection_id)
            raise
        return enrolled

    def _is_possible_duplicate(
        self, timer: RequestTimer, photo: PhotoVersion, crop: bytes, *, allow_duplicate: bool
    ) -> bool:
        """Whether the face may be enrolled under another name; raises ConflictError when it certainly is."""
        with timer.step("photo, search_faces_by_image", rekognition=True):
            similar = self.collection.search(crop, self.settings.threshold_possible_duplicate, SIMILAR_FACES)
        with timer.step("table"):
            for face_id, similarity in similar:  # most similar first: the first other name decides
                kept = self.table.by_face_id(face_id)
                if kept and kept.photo.full_name != photo.full_name:
                    if similarity >= self.settings.threshold_duplicate and not allow_duplicate:
                        raise _another_name("enrol it with `allow_duplicate` where that is right")
                    return True
        return False


def _another_name(advice: str) -> ConflictError:
    # Never the other name: whoever enrols need not be allowed to read who is.
    return ConflictError(
        f"the face in the photo is enrolled under another name; {advice}.", Reason.FACE_ENROLLED_UNDER_ANOTHER_NAME
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
