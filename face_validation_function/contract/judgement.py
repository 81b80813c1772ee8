"""What an answer says beyond yes and no, as models: each part is there when the request asked for it."""

from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from face_validation_function.contract.answer import Answer, Maybe, Percent
from face_validation_function.quality.measures import SCALES
from face_validation_function.reasons import MEANINGS, Reason

Decision = Literal["match", "review", "no_match"]
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
    measure.value: (Measure, Field(description=f"{scale.meaning[0].upper()}{scale.meaning[1:]}, in {scale.unit}."))
    for measure, scale in SCALES.items()
}
FaceQuality = create_model(
    "FaceQuality",
    __base__=Answer,
    __doc__="A compared face under the names of ISO/IEC 29794-5, without a claim of conformance.",
    **_MEASURES,
)


class QualityOfBoth(Answer):
    """The quality of both compared faces."""

    source: FaceQuality  # type: ignore[valid-type]  # create_model's result is a variable to mypy
    target: FaceQuality  # type: ignore[valid-type]  # create_model's result is a variable to mypy


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
    format: Maybe[str] = Field(default=None, description="TD1, TD2, TD3, MRV-A, MRV-B, or FRANCE for its older card.")
    fields: Maybe[DocumentFields] = None
    composite_valid: Maybe[bool] = Field(
        default=None, description="The check digit over all fields; absent if there is none."
    )
    expired: Maybe[bool] = Field(default=None, description="On the day of the request (UTC); absent if not certain.")
    mrz_matches_print: Maybe[bool] = Field(
        default=None,
        description="Whether the printed number and birth date, if they are read, equal the zone's. Does not detect "
        "forgeries.",
    )


Verdict = Literal["match", "mismatch", "not_readable"]


class ClaimVerdicts(Answer):
    """The verdict of each claim that was made; there only when `matched` is true."""

    document_number: Maybe[Verdict] = None
    date_of_birth: Maybe[Verdict] = None
    full_name: Maybe[Verdict] = None
    expiry_date: Maybe[Verdict] = None
    nationality: Maybe[Verdict] = None
