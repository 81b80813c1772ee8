"""What the tables hold, as operations see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection; `created` in epoch seconds, `model_id` of the recogniser whose vectors it holds."""

    number: int
    collection_id: str
    created: float
    model_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Face:
    """A face of a collection as it is kept; the box in ratios of its image, confidence in percent."""

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
    """A user of a collection; ACTIVE with at least one face, else CREATED."""

    number: int
    user_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a collection."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RememberedReply:
    """A reply and the digest of the request that it answered."""

    request_digest: str
    reply: str
