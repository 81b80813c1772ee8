"""What is kept of enrolled people: a face, everything of a person, another name, another face model."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from face_validation.client.api import ADMIN, READ, READ_ADMIN, Api
from face_validation.client.people import EnrolledFace, path_segment
from face_validation.client.validation_request import new_id


@dataclass(frozen=True, slots=True)
class FaceRecord(EnrolledFace):
    """What is kept of a face; landmarks are ratios of the photo, pose degrees; `url` is good for five minutes."""

    brightness: float
    sharpness: float
    landmarks: Mapping[str, Mapping[str, float]] | None = None
    pose: Mapping[str, float] | None = None
    model_version: str | None = None
    possible_duplicate: bool = False
    expires_at: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """One row of the service's table: a version of a photo, and its face where it has one."""

    full_name: str
    image_path: str
    version: str
    collection_id: str
    digest: str | None = None
    not_indexed: str | None = None
    expires_at: str | None = None
    face: FaceRecord | None = None


@dataclass(frozen=True, slots=True)
class PhotoVersion:
    """One version of a photo in the bucket; `url` is good for five minutes, and a delete marker has none."""

    image_path: str
    version: str
    is_delete_marker: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PersonRecords:
    """Everything that is kept about a person, and that an erasure removes."""

    full_name: str
    records: tuple[PhotoRecord, ...]
    photo_versions: tuple[PhotoVersion, ...]


@dataclass(frozen=True, slots=True)
class Renamed:
    """The name that a person has now, and how many photos the request moved."""

    full_name: str
    photos: int


@dataclass(frozen=True, slots=True)
class NotIndexed:
    """A photo that has no face any more, and why."""

    full_name: str
    image_path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReindexProgress:
    """How far a reindex is: photos indexed by the last request; at the end, those that could not be indexed."""

    finished: bool
    collection_id: str
    indexed: int
    wait_s: int
    not_indexed: tuple[NotIndexed, ...]


class Records:
    """What is kept of the people who are enrolled."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def face(self, face_id: str, *, with_link: bool = False) -> FaceRecord:
        """What is kept of a face; `with_link`: with a link to the photo, for which the client needs the scope admin."""
        path = f"/faces/{path_segment('face_id', face_id)}"
        return self._api.read(FaceRecord, "GET", path, scope=READ_ADMIN if with_link else READ)

    def person(self, full_name: str) -> PersonRecords:
        """Everything that is kept about a person; raises NotFoundError when nobody is called so."""
        return self._api.read(PersonRecords, "GET", f"/people/{path_segment('full_name', full_name)}", scope=ADMIN)

    def rename(self, old: str, new: str) -> Renamed:
        """Rename a person. If the new name is enrolled already, the two become one person."""
        return self._api.read(Renamed, "POST", "/renames", {"from": old, "to": new}, scope=ADMIN)

    def reindex(self) -> Iterator[ReindexProgress]:
        """Index every photo again with the newest face model: the progress after each request, until it is finished.

        One that was interrupted goes on.
        """
        how = {"scope": ADMIN, "id_request": new_id()}
        while True:
            body = {"id_request": how["id_request"]}
            progress = self._api.read(ReindexProgress, "POST", "/reindexings", body, **how)
            yield progress
            if progress.finished:
                return
            time.sleep(progress.wait_s)
