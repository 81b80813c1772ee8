"""The answers of the routes about what is kept of people."""

from pydantic import Field

from face_validation_function.contract.answer import Answer, Count, Maybe, Percent, Uuid
from face_validation_function.contract.answers import FaceAnswer


class Point(Answer):
    """A point in ratios of the upright photo, origin top left."""

    x: float
    y: float


class LandmarksRecord(Answer):
    """Points of a face; left and right are the image's."""

    left_eye: Point
    right_eye: Point
    nose: Point
    mouth_left: Point
    mouth_right: Point


class PoseRecord(Answer):
    """How the face is turned, in degrees; 0 looks straight into the camera."""

    roll: float
    yaw: float
    pitch: float


class FaceRecord(FaceAnswer):
    """What is kept of a face: Rekognition's record of it, in ratios of the upright photo."""

    landmarks: Maybe[LandmarksRecord] = None
    pose: Maybe[PoseRecord] = None
    brightness: Percent
    sharpness: Percent
    model_version: Maybe[str] = Field(
        default=None, description="The face model of the collection; absent for older faces."
    )
    possible_duplicate: Maybe[bool] = Field(
        default=None, description="There, and true, when a search found the face under another name."
    )
    expires_at: Maybe[str] = Field(default=None, description="When the face is erased; absent when it stays.")


class FaceRecordAnswer(FaceRecord):
    """One face, and with the scope `admin` its photo."""

    id_request: Uuid
    url: Maybe[str] = Field(
        default=None,
        description="A link to the photo, good for five minutes; there when the token has the scope `admin`.",
    )


class PersonRecord(Answer):
    """One row of the table: a version of a photo, with its face where it has one."""

    full_name: str
    image_path: str
    version: str
    collection_id: str
    digest: Maybe[str] = Field(default=None, description="SHA-256 of the file.")
    not_indexed: Maybe[str] = Field(default=None, description="Why a reindex could not index the photo.")
    expires_at: Maybe[str] = Field(default=None, description="When the photo is erased; absent when it stays.")
    face: Maybe[FaceRecord] = None


class PhotoVersionRecord(Answer):
    """One version of one object of the faces bucket."""

    image_path: str
    version: str
    is_delete_marker: Maybe[bool] = Field(default=None, description="There, and true, of a version without content.")
    url: Maybe[str] = Field(default=None, description="A link to the photo, good for five minutes.")


class PersonAnswer(Answer):
    """Everything that is kept about a person: what DELETE /people/{full_name} removes."""

    id_request: Uuid
    full_name: str
    records: list[PersonRecord]
    photo_versions: list[PhotoVersionRecord]


class RenameAnswer(Answer):
    """The name that the person has now, and how many photos were moved by this request."""

    id_request: Uuid
    full_name: str
    photos: Count


class NotIndexed(Answer):
    """A photo that has no face any more, and why: it stays in the table and in the bucket."""

    full_name: str
    image_path: str
    reason: str


class ReindexAnswer(Answer):
    """How far a reindex is."""

    id_request: Uuid
    finished: bool = Field(description="False: ask again with the same `id_request`, after `wait_s` seconds.")
    collection_id: str = Field(description="The collection that is being filled, or that answers now.")
    indexed: Count = Field(description="Photos indexed by this request.")
    wait_s: Count
    not_indexed: list[NotIndexed] = Field(description="At the end: every photo that could not be indexed.")
