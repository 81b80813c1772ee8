"""The answers of the routes about what is kept of people."""

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from face_validation_function.contract.answers import Answer, FaceAnswer, Percent, optional


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

    landmarks: LandmarksRecord | SkipJsonSchema[None] = optional()
    pose: PoseRecord | SkipJsonSchema[None] = optional()
    brightness: Percent
    sharpness: Percent
    model_version: str | SkipJsonSchema[None] = optional("The face model of the collection; absent for older faces.")
    possible_duplicate: bool | SkipJsonSchema[None] = optional(
        "There, and true, when a search found the face under another name."
    )
    expires_at: str | SkipJsonSchema[None] = optional("When the face is erased; absent when it stays.")


class FaceRecordAnswer(FaceRecord):
    """One face, and with the scope `admin` its photo."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    url: str | SkipJsonSchema[None] = optional(
        "A link to the photo, good for five minutes; there when the token has the scope `admin`."
    )


class PersonRecord(Answer):
    """One row of the table: a version of a photo, with its face where it has one."""

    full_name: str
    image_path: str
    version: str
    collection_id: str
    digest: str | SkipJsonSchema[None] = optional("SHA-256 of the file.")
    not_indexed: str | SkipJsonSchema[None] = optional("Why a reindex could not index the photo.")
    expires_at: str | SkipJsonSchema[None] = optional("When the photo is erased; absent when it stays.")
    face: FaceRecord | SkipJsonSchema[None] = optional()


class PhotoVersionRecord(Answer):
    """One version of one object of the faces bucket."""

    image_path: str
    version: str
    is_delete_marker: bool | SkipJsonSchema[None] = optional("There, and true, of a version without content.")
    url: str | SkipJsonSchema[None] = optional("A link to the photo, good for five minutes.")


class PersonAnswer(Answer):
    """Everything that is kept about a person: what DELETE /people/{full_name} removes."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    full_name: str
    records: list[PersonRecord]
    photo_versions: list[PhotoVersionRecord]


class RenameAnswer(Answer):
    """The name that the person has now, and how many photos were moved by this request."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    full_name: str
    photos: int = Field(ge=0)


class NotIndexed(Answer):
    """A photo that has no face any more, and why: it stays in the table and in the bucket."""

    full_name: str
    image_path: str
    reason: str


class ReindexAnswer(Answer):
    """How far a reindex is."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    finished: bool = Field(description="False: ask again with the same `id_request`, after `wait_s` seconds.")
    collection_id: str = Field(description="The collection that is being filled, or that answers now.")
    indexed: int = Field(ge=0, description="Photos indexed by this request.")
    wait_s: int = Field(ge=0)
    not_indexed: list[NotIndexed] = Field(description="At the end: every photo that could not be indexed.")
