"""Everything that is kept about a person: what an erasure removes, and what a subject access request is answered."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.s3_service import S3Service, StoredVersion
from face_validation_function.people import KeptPhoto, PhotoVersion
from face_validation_function.request_timer import RequestTimer
from face_validation_function.validations.people_requests import full_name_of


@dataclass(frozen=True, slots=True)
class KeptRecords:
    """What is kept of one photo: the rows of the table, each with its face, and the versions in the bucket."""

    rows: list[KeptPhoto]
    versions: list[StoredVersion]


@dataclass(frozen=True, slots=True)
class KeptPhotos:
    """Finds all that is kept in one faces bucket and one table."""

    s3: S3Service
    table: FacesTable
    bucket: str

    def of_person(self, timer: RequestTimer, full_name: str) -> Iterator[KeptRecords]:
        """Everything of a person, photo by photo."""
        with timer.step("table"):
            rows = self.table.of_person(full_name)
        yield from self._records(timer, rows)

    def of_photo(self, timer: RequestTimer, kept: KeptPhoto, over_by: str = "") -> Iterator[KeptRecords]:
        """Everything of one photo, with its copies; with `over_by`, without the versions that last longer."""
        with timer.step("table"):
            rows = [row for row in self.table.of_person(kept.photo.full_name) if _shows_the_same(row, kept)]
        if over_by and any(not row.expires_at or row.expires_at > over_by for row in rows):
            own = [row for row in rows if row.photo == kept.photo]
            with timer.step("photo, versions"):
                found = self.s3.versions(self.bucket, kept.photo.key) if own else []
            if own:
                yield KeptRecords(own, [one for one in found if one.version == kept.photo.version])
        else:
            yield from self._records(timer, rows)

    def rows_of(self, photo: PhotoVersion, other: StoredVersion) -> list[KeptPhoto]:
        """The rows of another version of a photo, under the name in its metadata, as its enrolment has kept it."""
        if other.is_delete_marker:
            return []
        written = self.s3.name_of(self.bucket, other.key, other.version)
        try:
            name = full_name_of(written or photo.full_name)
        except ValueError:
            name = photo.full_name
        found = PhotoVersion(name, other.key, other.version)
        return self.table.of_person(name, found)

    def _records(self, timer: RequestTimer, rows: list[KeptPhoto]) -> Iterator[KeptRecords]:
        for _, group in groupby(sorted(rows, key=_key), key=_key):
            own = list(group)
            with timer.step("photo, versions"):
                keys = dict.fromkeys(key for row in own for key in row.keys)
                versions = [version for key in keys for version in self.s3.versions(self.bucket, key)]
                known = {(row.photo.key, row.photo.version) for row in own}
                others = [one for one in versions if (one.key, one.version) not in known]
                more = [row for one in others for row in self.rows_of(own[0].photo, one)]
            yield KeptRecords([*own, *more], versions)


def _key(kept: KeptPhoto) -> str:
    return kept.photo.key


def _shows_the_same(row: KeptPhoto, kept: KeptPhoto) -> bool:
    return row.photo.key == kept.photo.key or bool(row.is_copy and row.digest and row.digest == kept.digest)
