"""The vocabulary of enrolled people: whose face, from which photo, under which id."""

import hashlib
from dataclasses import dataclass

from face_validation_function.faces import Face


def photo_id(key: str, version: str) -> str:
    """One photo version's id: the same for every delivery of its event, and without a name in it (64 hex digits)."""
    return hashlib.sha256(f"{key}\n{version}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PhotoVersion:
    """One version of one object of the faces bucket, and the person it shows."""

    full_name: str
    key: str
    version: str

    @property
    def id(self) -> str:
        """As `photo_id` makes it."""
        return photo_id(self.key, self.version)


@dataclass(frozen=True, slots=True)
class EnrolledFace:
    """A face of the collection: its photo, its box (ratios of the upright photo), quality (0-100), time (ISO 8601)."""

    face_id: str
    photo: PhotoVersion
    face: Face
    brightness: float
    sharpness: float
    enrolled_at: str


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
