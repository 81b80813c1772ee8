"""The base of every answer's model, the types that several of them share, and what an answer says beyond yes and no."""

from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import SkipJsonSchema

from face_validation_function.documents.claims import Verdict
from face_validation_function.quality.measures import SCALES
from face_validation_function.reasons import MEANINGS, Reason

Percent = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0)]
Uuid = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]

Value = TypeVar("Value")
Maybe: TypeAlias = Value | SkipJsonSchema[None]
"""What is left out, never null, when there is none."""


def maybe(description: str) -> Any:
    """What is said of a field that is left out when there is none."""
    return Field(default=None, description=description)


def _without_default(schema: dict[str, Any]) -> None:
    for described in schema["properties"].values():
        described.pop("default", None)


class Answer(BaseModel):
    """A part of an answer: a field without a value is left out, never null; it has no other fields than these."""

    # Models are built when first used: a cold start pays for those of its own answers alone.
    # `model_validate` makes an answer of a value that has attributes of the same names.
    model_config = ConfigDict(
        extra="forbid", defer_build=True, from_attributes=True, json_schema_extra=_without_default
    )

    def as_json(self) -> dict[str, Any]:
        """The fields as `json.dumps` takes them, `id_request` first."""
        fields = self.model_dump(exclude_none=True)
        return {"id_request": fields["id_request"], **fields} if "id_request" in fields else fields


class AnswerToRequest(Answer):
    """A whole answer, with the id of its request."""

    id_request: Uuid


Reasons = Annotated[
    list[Reason],
    Field(
        json_schema_extra={"uniqueItems": True},
        description="Codes for programs; this list is complete. "
        + " ".join(f"`{reason}`: {meaning}" for reason, meaning in MEANINGS.items()),
    ),
]


class Measure(Answer):
    """One measure of a face: `value` in the unit said, `score` 0-100, higher is better."""

    value: float
    score: Percent


_MEASURES: dict[str, Any] = {
    name: (Measure, Field(description=f"{scale.meaning[0].upper()}{scale.meaning[1:]}, in {scale.unit}."))
    for name, scale in SCALES.items()
}
FaceQuality = create_model(
    "FaceQuality",
    __base__=Answer,
    __doc__="A compared face under the names of ISO/IEC 29794-5, without a claim of conformance.",
    **_MEASURES,
)


class QualityOfBoth(Answer):
    """The quality of both compared faces."""

    source: FaceQuality  # type: ignore[valid-type]  # made by create_model: a variable to mypy, a class at run time
    target: FaceQuality  # type: ignore[valid-type]  # made by create_model: a variable to mypy, a class at run time


class DocumentField(Answer):
    """A field of the zone. `valid`: its check digit, and the one over all, are right; absent where it has none.

    `corrected` is true where a letter was taken for the digit that looks like it, because the check digit says so.
    """

    value: str
    valid: Maybe[bool] = None
    corrected: Maybe[Literal[True]] = None


class DocumentFields(Answer):
    """The fields that the zone's format has. Dates are ISO dates, shorter where month or day are not known."""

    document_code: Maybe[DocumentField] = None
    issuing_state: Maybe[DocumentField] = None
    surname: Maybe[DocumentField] = None
    given_names: Maybe[DocumentField] = None
    document_number: Maybe[DocumentField] = None
    nationality: Maybe[DocumentField] = None
    date_of_birth: Maybe[DocumentField] = None
    sex: Maybe[DocumentField] = None
    expiry_date: Maybe[DocumentField] = None
    optional_data: Maybe[DocumentField] = None


class ReadDocument(Answer):
    """What the document's machine readable zone says; `readable` alone where no zone could be read."""

    readable: bool
    format: Maybe[str] = maybe("TD1, TD2, TD3, MRV-A, MRV-B, or FRANCE for its older card.")
    fields: Maybe[DocumentFields] = None
    composite_valid: Maybe[bool] = maybe("The check digit over all fields; absent if there is none.")
    expired: Maybe[bool] = maybe("On the day of the request (UTC); absent if not certain.")
    mrz_matches_print: Maybe[bool] = maybe(
        "Whether the printed number and birth date, if they are read, equal the zone's. Does not detect forgeries."
    )


class ClaimVerdicts(Answer):
    """The verdict of each claim that was made; there only when `matched` is true."""

    document_number: Maybe[Verdict] = None
    date_of_birth: Maybe[Verdict] = None
    full_name: Maybe[Verdict] = None
    expiry_date: Maybe[Verdict] = None
    nationality: Maybe[Verdict] = None
