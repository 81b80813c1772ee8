"""The answers of the API as models: handlers dump them, and the OpenAPI document describes them."""

from pydantic import Field

from face_validation_function.comparison import Decision
from face_validation_function.contract.answer import (
    Answer,
    AnswerToRequest,
    ClaimVerdicts,
    Count,
    Maybe,
    Moment,
    Percent,
    QualityOfBoth,
    ReadDocument,
    Reasons,
    Uuid,
    maybe,
)


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
    document: Maybe[SeenDocument] = None
    faces: list[SeenFace]
    compared: Count = Field(description="Index in `faces` of the face that was compared.")


class Boxes(Answer):
    """What was found in both images: only when `include` has "boxes"."""

    source: SeenSide
    target: SeenSide


class ValidationAnswer(AnswerToRequest):
    """The answer to one validation."""

    matched: bool = Field(description="Whether the similarity is at least the threshold.")
    similarity: Percent = Field(description="The unrounded score, also when there is no match.")
    decision: Maybe[Decision] = maybe("Only when the request has `threshold_review`. `review`: a human must decide.")
    reasons: Maybe[Reasons] = None
    quality: Maybe[QualityOfBoth] = None
    document: Maybe[ReadDocument] = None
    claims: Maybe[ClaimVerdicts] = None
    boxes: Maybe[Boxes] = None


class LivenessSessionAnswer(AnswerToRequest):
    """A Face Liveness session: what an app needs to stream its video, and what a validation names."""

    session_id: Uuid
    expires_at: Moment = Field(description="The validation must come before.")
    region: str = Field(description="Where the app sends its video, as eu-west-1.")


class FaceAnswer(Answer):
    """One face of a person, as enrolled."""

    face_id: Uuid
    full_name: str
    image_path: str = Field(description="Key of the photo in the faces bucket.")
    box: Box
    confidence: Percent
    enrolled_at: Moment


class EnrolAnswer(FaceAnswer):
    """The face that a photo was enrolled with."""

    id_request: Uuid
    possible_duplicate: Maybe[bool] = maybe("There, and true, when a search found the face under another name.")


class FacesAnswer(AnswerToRequest):
    """A page of faces, by name."""

    faces: list[FaceAnswer]
    next_token: Maybe[str] = maybe("Send it to get the next page, if there is one.")


class Match(Answer):
    """A person, by the most similar of the person's faces."""

    full_name: str
    similarity: Percent
    face_id: Uuid


class FoundPeople(Answer):
    """The people found, best first; `person` and `similarity` are the first one's, and absent when there is nobody."""

    found: bool
    person: Maybe[str] = None
    similarity: Maybe[Percent] = None
    matches: list[Match]


class FoundFace(FoundPeople, SeenFace):
    """One of the faces in a photo, and whose it may be."""


class SearchAnswer(FoundPeople):
    """Who is in the photo. With `faces` "all", `found` says whether anybody is, and `faces` who, the largest first."""

    id_request: Uuid
    matches: Maybe[list[Match]] = None  # type: ignore[assignment]  # absent beside `faces`, though required in the base
    searched_face: Maybe[SeenFace] = None
    faces: Maybe[list[FoundFace]] = None
    not_searched: Maybe[int] = maybe("Faces beyond `max_searched`.")


class BoxesOfOne(Answer):
    """What was seen in the photo: there when `include` asks for it."""

    target: SeenSide


class VerificationAnswer(AnswerToRequest):
    """Whether the photo shows the enrolled person whose name was said."""

    matched: bool = Field(description="Whether the similarity is at least the threshold.")
    similarity: Percent = Field(description="To the person's photos, their median; on the scale of /validation.")
    reasons: Maybe[Reasons] = None
    boxes: Maybe[BoxesOfOne] = None


class ErasedCounts(Answer):
    """What was removed: faces of the collection, versions of photos (delete markers too), rows of the table."""

    faces: Count
    photo_versions: Count
    rows: Count


class ErasedAnswer(AnswerToRequest):
    """What an erasure removed; zeros when there was nothing."""

    erased: ErasedCounts


class UploadAnswer(AnswerToRequest):
    """A form to POST as multipart/form-data: `fields` first, in any order, then the image as the field `file`."""

    key: str = Field(description="Key of the image, for the other routes.")
    url: str
    fields: dict[str, str]
    expires_in: int = Field(description="Seconds until the form expires.")


class Error(Answer):
    """What was refused, and why."""

    code: str
    message: str
    details: str = Field(description="The image, the step, the actual value and the limit.")
    reasons: Maybe[Reasons] = None


class ErrorEnvelope(Answer):
    """Every refusal, the service's and the gateway's."""

    id_request: str
    error: Error
