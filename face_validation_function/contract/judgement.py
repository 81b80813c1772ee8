"""What an answer says beyond yes and no, as models: each part is there when the request asked for it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from face_validation_function.quality.measures import SCALES
from face_validation_function.reasons import MEANINGS, Reason

Percent = Annotated[float, Field(ge=0, le=100)]
Decision = Literal["match", "review", "no_match"]
Reasons = Annotated[
    list[Reason],
    Field(
        json_schema_extra={"uniqueItems": True},
        description="Stable codes, a closed enumeration. "
        + " ".join(f"`{reason}`: {meaning}" for reason, meaning in MEANINGS.items()),
    ),
]


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

    source: FaceQuality  # type: ignore[valid-type]  # made of the table of measures
    target: FaceQuality  # type: ignore[valid-type]
