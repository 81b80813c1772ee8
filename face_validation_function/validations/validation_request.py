"""The body of POST /validation: what a caller may ask, and why something else is refused."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from face_validation_function.quality.measures import SCALES
from face_validation_function.validations.body import ObjectKey, Percent, StrictBody

MISSPELT_TARGET_PATH = "tareget_path"
IN_ONE_IMAGE = "ID_IN_FACE"
# The default threshold: below it a stranger could match, and claims would tell of a stranger.
LEAST_FOR_CLAIMS = 80.0


def _iso_date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("a date is YYYY-MM-DD") from None
    return text


IsoDate = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["1974-08-12"]), AfterValidator(_iso_date)]


class Claims(BaseModel):
    """What the caller says of the document; at least one. The answer tells no more than right, wrong or unreadable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    document_number: str | None = Field(default=None, min_length=1, max_length=30)
    date_of_birth: IsoDate | None = None
    full_name: str | None = Field(default=None, min_length=1, max_length=200, description="With letters such as ü.")
    expiry_date: IsoDate | None = None
    nationality: str | None = Field(
        default=None, pattern=r"^[A-Za-z]{1,3}$", description="As ICAO Doc 9303-3 codes it."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("name one at least")
        return self


def _measure(name: str) -> str:
    if name not in SCALES:
        raise ValueError(f"the measures are {', '.join(SCALES)}")
    return name


def _each_once(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("each part is named once")
    return names


_SESSION_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
SessionId = Annotated[str, Field(pattern=_SESSION_ID, examples=["6f5902ac-2370-4b6a-8b6e-9d6a2c7f6d10"])]


class _NotSent(str):
    """What a field holds that nobody sent: an empty text that was sent is another mistake."""

    __slots__ = ()


class FaceValidationRequest(StrictBody):
    """Is the person in the target image the person of the trusted source image?"""

    threshold: Percent = Field(default=80.0, description="Match when the similarity is at least this, in percent.")
    threshold_review: Percent | None = Field(
        default=None,
        description="At most `threshold`. Adds `decision`: from this similarity to `threshold`, a human must decide.",
    )
    threshold_label: Percent = Field(
        default=55.0,
        description="ID_TO_FACE, ID_IN_FACE: a document label counts when its confidence is above this, in percent.",
    )
    type: Literal["FACE_TO_FACE", "ID_TO_FACE", "ID_IN_FACE"] = Field(
        description="FACE_TO_FACE: the source is a photograph; ID_TO_FACE: an identity document. ID_IN_FACE, where the "
        "deployment allows it: the target shows a person who holds the document, and there is no source."
    )
    source_path: ObjectKey = Field(
        default_factory=_NotSent,
        validate_default=True,
        description="Key of the trusted image in the source bucket. Required, except for ID_IN_FACE, which has none.",
    )
    target_liveness_session: SessionId | None = Field(
        default=None,
        description="Id of a session of `POST /liveness-sessions`, made for this `source_path`, in place of "
        "`target_path`: its reference image is checked. FACE_TO_FACE, ID_TO_FACE. A session is good for one request.",
    )
    target_path: ObjectKey = Field(
        default_factory=_NotSent,
        validate_default=True,
        description="Key of the image to be checked in the target bucket. Required, but with a liveness session.",
    )
    include: Annotated[list[Literal["boxes", "reasons", "quality", "document"]], AfterValidator(_each_once)] = Field(
        default=[],
        max_length=4,
        json_schema_extra={"uniqueItems": True},
        description='Optional parts of the answer: "boxes" tells what was seen and where; "reasons" gives stable codes '
        'for the answer or the refusal; "quality" measures both compared faces; "document" reads the document\'s '
        "machine readable zone, and needs the scope face-detection/read too.",
    )
    min_quality: dict[Annotated[str, AfterValidator(_measure)], Percent] = Field(
        default={},
        json_schema_extra={"propertyNames": {"enum": list(SCALES)}},
        description="The minimum score (0-100) of each measure. An image whose face scores less is refused.",
    )
    claims: Claims | None = Field(
        default=None,
        description="ID_TO_FACE, ID_IN_FACE: what is claimed of the document. Each claim is answered when `matched` is "
        f"true; `threshold` is {LEAST_FOR_CLAIMS:g} at least, so that nobody asks about a stranger.",
    )

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Self:
        if "document" in self.include and self.claims:
            raise ValueError("document and claims cannot be combined: claims keep the data from the caller")
        if self.type == "FACE_TO_FACE" and ("document" in self.include or self.claims):
            raise ValueError(f"{'claims' if self.claims else 'document'}: FACE_TO_FACE has no document")
        if self.claims is not None and self.threshold < LEAST_FOR_CLAIMS:
            raise ValueError(
                f"claims: they need a threshold of at least {LEAST_FOR_CLAIMS:g}; the value sent is {self.threshold:g}"
            )
        if self.target_liveness_session is not None and self.type == IN_ONE_IMAGE:
            raise ValueError("target_liveness_session: ID_IN_FACE takes an image of the target bucket")
        if self.threshold_review is not None and self.threshold_review > self.threshold:
            raise ValueError(
                f"threshold_review: it must be at most the threshold of {self.threshold:g}; "
                f"the value sent is {self.threshold_review:g}"
            )
        return self

    @field_validator("source_path", "target_path", mode="wrap")
    @classmethod
    def _sent_unless_replaced(cls, value: Any, validate: Any, info: ValidationInfo) -> str:
        if info.field_name == "source_path":
            is_replaced, is_needed = info.data.get("type") == IN_ONE_IMAGE, True
            why = "ID_IN_FACE has no source: the document is in the target image"
        else:
            is_replaced = info.data.get("target_liveness_session") is not None
            is_needed = "target_liveness_session" in info.data  # else it was refused itself
            why = "target_liveness_session takes the place of target_path: send one of them"
        if not isinstance(value, _NotSent):
            if is_replaced:
                raise ValueError(why)
            return str(validate(value))
        if is_needed and not is_replaced:
            raise PydanticCustomError("missing", "Field required")
        return value

    @model_validator(mode="before")
    @classmethod
    def _accept_the_original_misspelling(cls, fields: Any) -> Any:
        """The original specification's example says `tareget_path`: callers who copied it are served."""
        if not isinstance(fields, Mapping) or MISSPELT_TARGET_PATH not in fields:
            return fields
        others = {name: value for name, value in fields.items() if name != MISSPELT_TARGET_PATH}
        misspelt = fields[MISSPELT_TARGET_PATH]
        if others.setdefault("target_path", misspelt) != misspelt:
            raise ValueError("target_path and tareget_path have different values: send target_path only")
        return others


class LivenessSessionRequest(StrictBody):
    """POST /liveness-sessions: a session whose reference image will be compared with this source."""

    source_path: ObjectKey = Field(description="Key of the trusted image in the source bucket.")
