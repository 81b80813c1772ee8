"""What the tables hold, as operations see it; each kind's `select` has its columns in the order of the fields."""

from dataclasses import dataclass
from typing import ClassVar, TypeVar


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection; `created` in epoch seconds, `model_id` of the recogniser whose vectors it holds."""

    select: ClassVar = "SELECT number, collection_id, created, model_id, region FROM collections"

    number: int
    collection_id: str
    created: float
    model_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Face:
    """A face of a collection as it is kept; the box in ratios of its image, confidence in percent."""

    select: ClassVar = (
        'SELECT number, face_id, image_id, external_image_id, "left", top, width, height, confidence,'
        " (SELECT user_id FROM users WHERE users.number = faces.user) FROM faces"
    )

    number: int
    face_id: str
    image_id: str
    external_image_id: str | None
    left: float
    top: float
    width: float
    height: float
    confidence: float
    user_id: str | None


@dataclass(frozen=True, slots=True)
class User:
    """A user of a collection; `vector` is the number of its vector, None for a user without faces."""

    select: ClassVar = (
        "SELECT number, user_id, vector FROM (SELECT users.number AS number, users.number AS rowid, users.collection"
        " AS collection, user_id, user_vectors.number AS vector"
        " FROM users LEFT JOIN user_vectors ON user_vectors.user = users.number)"
    )

    number: int
    user_id: str
    vector: int | None

    @property
    def status(self) -> str:
        """As the model's UserStatus."""
        return "CREATED" if self.vector is None else "ACTIVE"


Record = TypeVar("Record", Collection, Face, User)
