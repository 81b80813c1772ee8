"""The vocabulary of enrolled people: whose face, from which photo, under which id, in which collection."""

import hashlib
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from face_validation_function.faces import Face

# Longer than any function runs: a claim this old was left by one that died.
CLAIM_S = 120


def moment(when: datetime | None = None) -> str:
    """A time, by default now, as rows and answers carry it: ISO 8601, UTC, seconds."""
    return (when or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")


def expiry(enrolled_at: str, days: int, asked: str = "") -> str:
    """When an enrolment ends: the earlier of the stage's days (0: none) and the time asked for; empty when never."""
    by_days = [moment(datetime.fromisoformat(enrolled_at) + timedelta(days=days))] if days else []
    return min(filter(None, [asked, *by_days]), default="")


@dataclass(frozen=True, slots=True)
class PhotoVersion:
    """One version of one object of the faces bucket, and the person it shows."""

    full_name: str
    key: str
    version: str

    @property
    def id(self) -> str:
        """The same for every delivery of the photo's event, and without a name in it (64 hex digits)."""
        return hashlib.sha256(f"{self.key}\n{self.version}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class EnrolledFace:
    """A face of a collection: its photo, its place there (ratios of the upright photo), quality (0-100), time."""

    face_id: str
    photo: PhotoVersion
    face: Face
    brightness: float
    sharpness: float
    enrolled_at: str
    model_version: str = ""  # of the collection's face model; empty for faces enrolled before it was kept
    possible_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class KeptPhoto:
    """One row of the table: a photo version that is kept of a person, with its face in one collection.

    A row without a face is a claim (made at `claimed_at`, in seconds since 1970: its photo is being indexed), a copy
    (its face is that of the person's other row with the same `digest`, the file's SHA-256), or a photo that could not
    be indexed again, for a `reason`. While a rename is under way, the photo also lies at the key `moving_to`, or where
    it was, at `moved_from`.
    """

    photo: PhotoVersion
    collection_id: str
    face: EnrolledFace | None = None
    digest: str = ""
    claimed_at: int | None = None
    reason: str = ""
    moving_to: str = ""
    moved_from: PhotoVersion | None = None
    expires_at: str = ""

    @property
    def is_copy(self) -> bool:
        """Whether the person's other row with this digest has the face."""
        return self.face is None and self.claimed_at is None

    @property
    def is_under_way(self) -> bool:
        """Whether another request is indexing the photo now."""
        return self.face is None and (self.claimed_at or 0) >= time.time() - CLAIM_S

    @property
    def keys(self) -> list[str]:
        """Where the photo lies in the faces bucket."""
        before = self.moved_from.key if self.moved_from else ""
        return [key for key in (self.photo.key, self.moving_to, before) if key]

    def moved(self, photo: PhotoVersion) -> "KeptPhoto":
        """This row after a rename, with the old object still to be erased."""
        face = replace(self.face, photo=photo) if self.face else None
        return replace(self, photo=photo, face=face, moving_to="", moved_from=self.photo)


@dataclass(frozen=True, slots=True)
class Collections:
    """Which collection answers, and how far a reindex is.

    `following` is being filled and answers next; `previous` answered before and is being emptied. `start` is the row
    (its key as JSON) after which the work goes on, `swapped_at` is in seconds since 1970, `finished_by` the run that
    finished last. `revision` counts the changes.
    """

    active: str
    following: str = ""
    previous: str = ""
    start: str = ""
    swapped_at: int = 0
    finished_by: str = ""
    revision: int = 0

    @property
    def is_settled(self) -> bool:
        """Whether no reindex is under way."""
        return not (self.following or self.previous)


@dataclass(frozen=True, slots=True)
class PersonMatch:
    """A person whom a search found, by the most similar of the person's faces."""

    full_name: str
    similarity: float
    face_id: str


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed: faces of the collection, versions of photos, rows of the table."""

    faces: int = 0
    photo_versions: int = 0
    rows: int = 0

    def __add__(self, other: "Erased") -> "Erased":
        return Erased(self.faces + other.faces, self.photo_versions + other.photo_versions, self.rows + other.rows)
