"""Renaming: each photo of a person is copied under the other name, its row moves in one step, the old object goes.

The face stays in its collection under its id. A row says at every moment where its photo lies besides its own key, so
that an erasure finds all of it, and the same request again finishes what was interrupted.
"""

import uuid
from pathlib import PurePosixPath

from face_validation_function.exceptions.exceptions import ConflictError, NotFoundError, ServiceBusyError
from face_validation_function.integrations.dynamodb import ConditionNotMetError
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.people import KeptPhoto, PhotoVersion
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.kept_photos import KeptPhotos

ENDINGS = frozenset({".jpg", ".jpeg", ".png"})


class RenameService:
    """Renames the people of one faces bucket and one table."""

    def __init__(self, s3: S3Service, table: FacesTable, bucket: str) -> None:
        self._s3, self._table, self._bucket = s3, table, bucket
        self._kept = KeptPhotos(s3, table, bucket)

    def rename(self, timer: RequestTimer, old: str, new: str) -> int:
        """Put all of a person under another name, which may be enrolled already; how many photos moved.

        Raises:
            NotFoundError: nobody has the old name, nor the new one.
            ConflictError: a reindex is under way.
            FaceValidationError: AWS failed, or there was no time for all; ask again, and the rest moves.
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
        before = kept.moved_from
        if before is None:
            return
        with timer.step("photo, delete versions"):
            # The key is this photo's alone: what else lies there was copied by requests that were interrupted.
            copies = [one.version for one in self._s3.versions(self._bucket, kept.photo.key)]
            left = [version for version in copies if version != kept.photo.version]
            self._s3.delete_versions(self._bucket, kept.photo.key, left)
            versions = self._s3.versions(self._bucket, before.key)
            contents = [one for one in versions if not one.is_delete_marker]  # newest first
            place = next((at for at, one in enumerate(contents) if one.version == before.version), len(contents))
            gone = [one for one in contents[place + 1 :] if not self._kept.rows_of(before, one)]
            if len(gone) + len(contents[place : place + 1]) == len(contents):
                gone += [one for one in versions if one.is_delete_marker]
            # The photo's own version last: as long as it is there, the older ones are found.
            for part in (gone, contents[place : place + 1]):
                self._s3.delete_versions(self._bucket, before.key, [one.version for one in part])
        with timer.step("table, settle"):
            self._table.settle(kept)
