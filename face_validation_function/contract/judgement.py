"""What an answer says beyond yes and no, as models: each part is there when the request asked for it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import SkipJsonSchema

from face_validation_function.quality.measures import SCALES
from face_validation_function.reasons import MEANINGS, Reason

Percent = Annotated[float, Field(ge=0, le=100)]
Decision = Literal["match", "review", "no_match"]
Reasons = Annotated[
    list[Reason],
    Field(
        json_schema_extra={"uniqueItems": True},
        description="Codes for programs; this list is complete. "
        + " ".join(f"`{reason}`: {meaning}" for reason, meaning in MEANINGS.items()),
    ),
]


def left_out(schema: dict[str, Any]) -> None:
    """Left out when there is none, never null."""
    del schema["default"]


class Judgement(BaseModel):
    """A part of an answer; it has no other fields than these."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Measure(Judgement):
    """One measure of a face: `value` in the unit said, `score` 0-100, higher is better."""

    value: float
    score: Percent


_MEASURES: dict[str, Any] = {
    measure.value: (Measure, Field(description=f"{scale.meaning[0].upper()}{scale.meaning[1:]}, in {scale.unit}."))
    for measure, scale in SCALES.items()
}
FaceQuality = create_model(
    "FaceQuality",
    __base__=Judgement,
    __doc__="A compared face under the names of ISO/IEC 29794-5, without a claim of conformance.",
    **_MEASURES,
)


class QualityOfBoth(Judgement):
    """The quality of both compared faces."""

    source: FaceQuality  # type: ignore[valid-type]  # create_model's result is a variable to mypy
    target: FaceQuality  # type: ignore[valid-type]  # create_model's result is a variable to mypy


def _absent(description: str | None = None) -> Any:
    return Field(default=None, json_schema_extra=left_out, description=description)


class DocumentField(Judgement):
    """A field of the zone. `valid`: its check digit, and the one over all, are right; absent where it has none.

    `corrected` is true where a letter was taken for the digit that looks like it, because the check digit says so.
    """

    value: str
    valid: bool | SkipJsonSchema[None] = _absent()
    corrected: Literal[True] | SkipJsonSchema[None] = _absent()


class DocumentFields(Judgement):
    """The fields that the zone's format has. Dates are ISO dates, shorter where month or day are not known."""

    document_code: DocumentField | SkipJsonSchema[None] = _absent()
    issuing_state: DocumentField | SkipJsonSchema[None] = _absent()
    surname: DocumentField | SkipJsonSchema[None] = _absent()
    given_names: DocumentField | SkipJsonSchema[None] = _absent()
    document_number: DocumentField | SkipJsonSchema[None] = _absent()
    nationality: DocumentField | SkipJsonSchema[None] = _absent()
    date_of_birth: DocumentField | SkipJsonSchema[None] = _absent()
    sex: DocumentField | SkipJsonSchema[None] = _absent()
    expiry_date: DocumentField | SkipJsonSchema[None] = _absent()
    optional_data: DocumentField | SkipJsonSchema[None] = _absent()


class ReadDocument(Judgement):
    """What the document's machine readable zone says; `readable` alone where no zone could be read."""

    readable: bool
    format: str | SkipJsonSchema[None] = _absent("TD1, TD2, TD3, MRV-A, MRV-B, or FRANCE for its older card.")
    fields: DocumentFields | SkipJsonSchema[None] = _absent()
    composite_valid: bool | SkipJsonSchema[None] = _absent("The check digit over all fields; absent if there is none.")
    expired: bool | SkipJsonSchema[None] = _absent("On the day of the request (UTC); absent if not certain.")
    mrz_matches_print: bool | SkipJsonSchema[None] = _absent(
        "Whether the printed number and birth date, if they are read, equal the zone's. Does not detect forgeries."
    )


Verdict = Literal["match", "mismatch", "not_readable"]


class ClaimVerdicts(Judgement):
    """The verdict of each claim that was made; there only when `matched` is true."""

    document_number: Verdict | SkipJsonSchema[None] = _absent()
    date_of_birth: Verdict | SkipJsonSchema[None] = _absent()
    full_name: Verdict | SkipJsonSchema[None] = _absent()
    expiry_date: Verdict | SkipJsonSchema[None] = _absent()
    nationality: Verdict | SkipJsonSchema[None] = _absent()
