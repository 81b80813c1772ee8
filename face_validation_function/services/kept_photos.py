"""Everything that is kept about people: found for a subject access request, erased, put under another name.

The order of the steps (docs/decisions/erasure-order.md, rename-steps.md) lets the same request finish what was
interrupted: a row goes last, and says at every moment where its photo lies.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import PurePosixPath

from face_validation_function.exceptions.exceptions import ConflictError, NotFoundError, ServiceBusyError
from face_validation_function.integrations.dynamodb import ConditionNotMetError
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import CollectionService
from face_validation_function.integrations.s3_service import S3Service, StoredVersion
from face_validation_function.people import Erased, KeptPhoto, PhotoVersion, moment
from face_validation_function.request_timer import RequestTimer
from face_validation_function.validations.people_requests import full_name_of

EXPIRED_AT_ONCE = 100
# What the last erasure of a run may take.
RESERVE_S = 5.0
ENDINGS = frozenset({".jpg", ".jpeg", ".png"})
_PHOTO_KEY = attrgetter("photo.key")


@dataclass(frozen=True, slots=True)
class KeptRecords:
    """What is kept of one photo: the rows of the table, each with its face, and the versions in the bucket."""

    rows: list[KeptPhoto]
    versions: list[StoredVersion]


class KeptPhotos:
    """All that is kept in one faces bucket, one table and their collections."""

    def __init__(self, s3: S3Service, collection: CollectionService, table: FacesTable, bucket: str) -> None:
        self._s3, self._collection, self._table, self._bucket = s3, collection, table, bucket

    def of_person(self, timer: RequestTimer, full_name: str) -> Iterator[KeptRecords]:
        """Everything of a person, photo by photo."""
        with timer.step("table"):
            rows = self._table.of_person(full_name)
        yield from self._records(timer, rows)

    def erase_person(self, timer: RequestTimer, full_name: str) -> Erased:
        """Erase everything of a person; counts of zero when there was nothing. Raises FaceValidationError."""
        return self._erase(timer, partial(self.of_person, timer, full_name))

    def erase_face(self, timer: RequestTimer, face_id: str) -> Erased:
        """Erase one face with its photo: every version of it, and the faces of those. Raises FaceValidationError."""
        with timer.step("table"):
            row = self._table.by_face_id(face_id)
        if row is None:
            # Left by an enrolment that died, or erased before: the collection is asked all the same.
            with timer.step("collection"):
                return Erased(faces=self._collection.delete_faces([face_id]))
        return self._erase(timer, partial(self._of_photo, timer, row))

    def erase_expired(self, timer: RequestTimer) -> Erased:
        """Erase the photos whose time is over, the oldest first, as many as there is time for."""
        erased, now = Erased(), moment()
        with timer.step("table"):
            rows = self._table.expired(now, EXPIRED_AT_ONCE)
        for row in rows:
            if timer.remaining_s < RESERVE_S:
                break
            erased += self._erase(timer, partial(self._of_photo, timer, row, now))
        return erased

    def rename(self, timer: RequestTimer, old: str, new: str) -> int:
        """Put all of a person under another name, which may be enrolled already; how many photos moved.

        NotFoundError when nobody has either name, ConflictError while a reindex is under way. Whatever else is raised:
        ask again, and the rest moves.
        """
        with timer.step("table"):
            if not self._table.collections().is_settled:
                raise ConflictError("the people are being reindexed: rename when that is finished.")
            there, rows = self._table.of_person(new), self._table.of_person(old)
        if not (there or rows):
            raise NotFoundError(f"{old} is not enrolled.")
        for kept in [*there, *rows]:
            self._settle(timer, kept)
        ready = [kept for kept in rows if not kept.is_under_way]
        for kept in ready:
            self._move(timer, kept, new)
        if len(ready) < len(rows):
            raise ServiceBusyError("a photo of this person is being enrolled: ask again, and it is renamed too.")
        return len(ready)

    def _of_photo(self, timer: RequestTimer, kept: KeptPhoto, over_by: str = "") -> Iterator[KeptRecords]:
        """Everything of one photo, with its copies; with `over_by`, without the versions that last longer."""
        with timer.step("table"):
            rows = [row for row in self._table.of_person(kept.photo.full_name) if _shows_the_same(row, kept)]
        if over_by and any(not row.expires_at or row.expires_at > over_by for row in rows):
            if own := [row for row in rows if row.photo == kept.photo]:
                with timer.step("photo, versions"):
                    found = self._s3.versions(self._bucket, kept.photo.key)
                yield KeptRecords(own, [one for one in found if one.version == kept.photo.version])
        else:
            yield from self._records(timer, rows)

    def _records(self, timer: RequestTimer, rows: list[KeptPhoto]) -> Iterator[KeptRecords]:
        for _, group in groupby(sorted(rows, key=_PHOTO_KEY), key=_PHOTO_KEY):
            own = list(group)
            with timer.step("photo, versions"):
                keys = dict.fromkeys(key for row in own for key in row.keys)
                versions = [version for key in keys for version in self._s3.versions(self._bucket, key)]
                known = {(row.photo.key, row.photo.version) for row in own}
                others = [one for one in versions if (one.key, one.version) not in known]
                more = [row for one in others for row in self._rows_of(own[0].photo, one)]
            yield KeptRecords([*own, *more], versions)

    def _rows_of(self, photo: PhotoVersion, other: StoredVersion) -> list[KeptPhoto]:
        """The rows of another version of a photo, under the name in its metadata, as its enrolment has kept it."""
        if other.is_delete_marker:
            return []
        written = self._s3.name_of(self._bucket, other.key, other.version)
        try:
            name = full_name_of(written or photo.full_name)
        except ValueError:
            name = photo.full_name
        found = PhotoVersion(name, other.key, other.version)
        return self._table.of_person(name, found)

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
                for collection_id, group in groupby(faces, key=itemgetter(0))
            )
        versions = 0
        with timer.step("photo, delete versions"):
            for key, group in groupby(records.versions, key=attrgetter("key")):
                versions += self._s3.delete_versions(self._bucket, key, [one.version for one in group])
        with timer.step("table"):
            rows = sum(self._table.delete(row) for row in records.rows)
        return Erased(removed, versions, rows)

    def _move(self, timer: RequestTimer, kept: KeptPhoto, name: str) -> None:
        ending = PurePosixPath(kept.photo.key).suffix.lower()
        # Out of the prefix whose uploads are enrolled, and without the name that the old key may hold.
        to = kept.moving_to or f"photos/{uuid.uuid4()}{ending if ending in ENDINGS else ''}"
        try:
            with timer.step("table, mark"):
                self._table.mark(kept, to)
            with timer.step("photo, copy"):
                version = self._s3.copy(self._bucket, kept.photo.key, kept.photo.version, to, name)
            photo = PhotoVersion(name, to, version)
            try:
                with timer.step("table, move"):
                    self._table.move(kept, photo)
            except ConditionNotMetError:
                # No row names this copy; another request's copy has another version.
                self._s3.delete_versions(self._bucket, to, [version])
                raise
        except ConditionNotMetError:
            raise ServiceBusyError("this person is being erased, renamed or reindexed by another request.") from None
        self._settle(timer, kept.moved(photo))

    def _settle(self, timer: RequestTimer, kept: KeptPhoto) -> None:
        """Erase what a moved photo was before, with the older versions that no row names."""
        before, photo = kept.moved_from, kept.photo
        if before is None:
            return
        with timer.step("photo, delete versions"):
            # The key is this photo's alone: what else lies there was copied by requests that were interrupted.
            left = [one.version for one in self._s3.versions(self._bucket, photo.key) if one.version != photo.version]
            self._s3.delete_versions(self._bucket, photo.key, left)
            versions = self._s3.versions(self._bucket, before.key)
            contents = [one for one in versions if not one.is_delete_marker]  # newest first
            place = next((at for at, one in enumerate(contents) if one.version == before.version), len(contents))
            gone = [one for one in contents[place + 1 :] if not self._rows_of(before, one)]
            if len(gone) + len(contents[place : place + 1]) == len(contents):
                gone += [one for one in versions if one.is_delete_marker]
            # The photo's own version last: as long as it is there, the older ones are found.
            for part in (gone, contents[place : place + 1]):
                self._s3.delete_versions(self._bucket, before.key, [one.version for one in part])
        with timer.step("table, settle"):
            self._table.settle(kept)


def _shows_the_same(row: KeptPhoto, kept: KeptPhoto) -> bool:
    return row.photo.key == kept.photo.key or bool(row.is_copy and row.digest and row.digest == kept.digest)
