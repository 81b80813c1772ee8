"""The answers of the API as models: handlers dump them, and the OpenAPI document describes them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from face_validation_function.contract.judgement import ClaimVerdicts, Decision, QualityOfBoth, ReadDocument, Reasons

Percent = Annotated[float, Field(ge=0, le=100)]


def _without_default(schema: dict[str, Any]) -> None:
    """Left out when there is none, never null."""
    del schema["default"]


def optional(description: str | None = None) -> Any:
    """A field that is left out when there is none, never null."""
    return Field(default=None, json_schema_extra=_without_default, description=description)


class Answer(BaseModel):
    """A part of an answer: a field without a value is left out, never null."""

    # Models are built when first used: a cold start pays for those of its own answers alone.
    model_config = ConfigDict(extra="forbid", defer_build=True)

    def as_json(self) -> dict[str, Any]:
        """The fields as `json.dumps` takes them, `id_request` first."""
        fields = self.model_dump(exclude_none=True)
        return {"id_request": fields["id_request"], **fields} if "id_request" in fields else fields


class Box(Answer):
    """Ratios of the upright, uncropped image, origin top left; may reach past 0 and 1."""

    left: float
    top: float
    width: float
    height: float


class SeenFace(Answer):
    """A face that was found, and how sure the detector is (percent)."""

    box: Box
    confidence: Percent


class SeenDocument(Answer):
    """The official document that was recognised."""

    label: str
    confidence: Percent
    box: Box


class SeenSide(Answer):
    """What was found in one image. Width and height are in pixels after the EXIF rotation."""

    width: int
    height: int
    document: SeenDocument | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    faces: list[SeenFace]
    compared: int = Field(ge=0, description="Index in `faces` of the face that was compared.")


class Boxes(Answer):
    """What was found in both images: only when `include` has "boxes"."""

    source: SeenSide
    target: SeenSide


class ValidationAnswer(Answer):
    """The answer to one validation."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    matched: bool = Field(description="Whether the similarity is at least the threshold.")
    similarity: Percent = Field(description="The unrounded score, also when there is no match.")
    decision: Decision | SkipJsonSchema[None] = Field(
        default=None,
        json_schema_extra=_without_default,
        description="Only when the request has `threshold_review`. `review`: a human must decide.",
    )
    reasons: Reasons | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    quality: QualityOfBoth | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    document: ReadDocument | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    claims: ClaimVerdicts | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    boxes: Boxes | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)


class LivenessSessionAnswer(Answer):
    """A Face Liveness session: what an app needs to stream its video, and what a validation names."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    session_id: str = Field(json_schema_extra={"format": "uuid"})
    expires_at: str = Field(json_schema_extra={"format": "date-time"}, description="The validation must come before.")
    region: str = Field(description="Where the app sends its video, as eu-west-1.")


class FaceAnswer(Answer):
    """One face of a person, as enrolled."""

    face_id: str = Field(json_schema_extra={"format": "uuid"})
    full_name: str
    image_path: str = Field(description="Key of the photo in the faces bucket.")
    box: Box
    confidence: Percent
    enrolled_at: str = Field(json_schema_extra={"format": "date-time"})


class EnrolAnswer(FaceAnswer):
    """The face that a photo was enrolled with."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    possible_duplicate: bool | SkipJsonSchema[None] = optional(
        "There, and true, when a search found the face under another name."
    )


class FacesAnswer(Answer):
    """A page of faces, by name."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    faces: list[FaceAnswer]
    next_token: str | SkipJsonSchema[None] = Field(
        default=None, json_schema_extra=_without_default, description="Send it to get the next page, if there is one."
    )


class Match(Answer):
    """A person, by the most similar of the person's faces."""

    full_name: str
    similarity: Percent
    face_id: str = Field(json_schema_extra={"format": "uuid"})


class FoundPeople(Answer):
    """The people found, best first; `person` and `similarity` are the first one's, and absent when there is nobody."""

    found: bool
    person: str | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    similarity: Percent | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    matches: list[Match]


class FoundFace(FoundPeople, SeenFace):
    """One of the faces in a photo, and whose it may be."""


class SearchAnswer(FoundPeople):
    """Who is in the photo. With `faces` "all", `found` says whether anybody is, and `faces` who, the largest first."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    matches: list[Match] | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)  # type: ignore[assignment]  # the base has it always
    searched_face: SeenFace | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    faces: list[FoundFace] | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    not_searched: int | SkipJsonSchema[None] = Field(
        default=None, json_schema_extra=_without_default, description="Faces beyond `max_searched`."
    )


class BoxesOfOne(Answer):
    """What was seen in the photo: there when `include` asks for it."""

    target: SeenSide


class VerificationAnswer(Answer):
    """Whether the photo shows the enrolled person whose name was said."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    matched: bool = Field(description="Whether the similarity is at least the threshold.")
    similarity: Percent = Field(description="To the person's photos, their median; on the scale of /validation.")
    reasons: Reasons | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    boxes: BoxesOfOne | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)


class ErasedCounts(Answer):
    """What was removed: faces of the collection, versions of photos (delete markers too), rows of the table."""

    faces: int = Field(ge=0)
    photo_versions: int = Field(ge=0)
    rows: int = Field(ge=0)


class ErasedAnswer(Answer):
    """What an erasure removed; zeros when there was nothing."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    erased: ErasedCounts


class UploadAnswer(Answer):
    """A form to POST as multipart/form-data: `fields` first, in any order, then the image as the field `file`."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    key: str = Field(description="Key of the image, for the other routes.")
    url: str
    fields: dict[str, str]
    expires_in: int = Field(description="Seconds until the form expires.")


class Error(Answer):
    """What was refused, and why."""

    code: str
    message: str
    details: str = Field(description="The image, the step, the actual value and the limit.")
    reasons: Reasons | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)


class ErrorEnvelope(Answer):
    """Every refusal, the service's and the gateway's."""

    id_request: str
    error: Error
