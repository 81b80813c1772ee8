"""metrics.json: everything of a summary that a script may want to read, and its shape, docs/metrics.schema.json.

    python -m face_validation.evaluation.report.metrics > docs/metrics.schema.json

Each model names where its fields are found in the summary. Ratios are 0-1, thresholds and similarities 0-100, times in
seconds. Fields are added, never renamed or removed, without a new `schema` number.
"""

import json
import math
import sys
from typing import Annotated, Any, Literal

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from face_validation.evaluation.report.groups import Group
from face_validation.evaluation.report.study import SafeThreshold, ThresholdChoice
from face_validation.evaluation.report.summary import Latency, Summary
from face_validation.evaluation.runs.run_folder import Session
from face_validation.evaluation.statistics.confusion import Answer, Expected, Scores
from face_validation.evaluation.statistics.differentials import Differentials
from face_validation.evaluation.statistics.intervals import F1Score, Rate
from face_validation.evaluation.statistics.quality import ErrorAgainstRejection
from face_validation.evaluation.statistics.review import ReviewBand
from face_validation.evaluation.statistics.sp800_63a import Assessment


class Model(BaseModel):
    """Read from the attributes of our own figures; nothing but the named fields."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        from_attributes=True,
        json_schema_serialization_defaults_required=True,
        serialize_by_alias=True,
    )


def _found_in(*path: str) -> Any:
    return Field(validation_alias=AliasPath(*path))


def _of_cases(name: str, missing: object = None) -> Any:
    """What only labelled cases have; `missing` of all pairs."""
    return Field(missing, validation_alias=AliasPath("cases", name))


def _numbers(values: Scores) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


Numbers = Annotated[list[float | None], BeforeValidator(_numbers)]


class Confusion(Model):
    """How many cases were answered how, and the rates that follow."""

    cases: int
    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int
    expected_errors: int
    unexpected_errors: int
    missing_errors: int
    failures: int
    accuracy: Rate
    pair_accuracy: Rate
    error_accuracy: Rate
    precision: Rate
    recall: Rate
    f1: F1Score
    fmr: Rate
    fnmr: Rate
    failure_to_acquire: Rate


class GroupConfusion(Confusion):
    """The cases that have something in common."""

    dimension: str
    name: str

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, group: Group) -> dict[str, object]:
        return dict(Confusion.model_validate(group.confusion)) | {"dimension": group.dimension, "name": group.name}


class EqualError(Model):
    """The equal error rate and the threshold nearest to it."""

    value: float = _found_in("rate")
    threshold: float


class Curve(Model):
    """FMR and FNMR at thresholds: points of the whole curve, thinned; null where a class has no score."""

    threshold: Numbers = _found_in("thresholds")
    fmr: Numbers
    fnmr: Numbers


class StudyFigures(Model):
    """The scores of one type, or of all; `intervals` says how all intervals of this study were made."""

    name: str
    matches: int = _found_in("pairs", "match_scores", "size")
    non_matches: int = _found_in("pairs", "non_match_scores", "size")
    persons: int | None
    intervals: Literal["wilson", "wilson over persons"]
    auc: float | None
    eer: EqualError | None
    choices: tuple[ThresholdChoice, ...]
    safe: SafeThreshold | None
    sp800_63a_4: tuple[Assessment, ...] = _found_in("assessments")
    differentials: Differentials | None
    review: tuple[ReviewBand, ...] = _found_in("bands")
    curve: Curve = _found_in("rates")


class DoubtfulLabel(Model):
    """A pair whose label looks wrong."""

    name: str
    similarity: float
    is_match: bool


class Wrong(Model):
    """A case that was answered wrong."""

    case_id: str = _found_in("result", "case", "case_id")
    expected: Expected = _found_in("result", "case", "expected")
    answer: Answer
    similarity: float | None = _found_in("result", "similarity")
    code: str = _found_in("result", "code")
    details: str = _found_in("result", "details")
    note: str = _found_in("result", "case", "note")


class Metrics(Model):
    """metrics.json of `face-validation evaluate`; what only labelled cases have is null or empty of all pairs."""

    schema_: Literal[2] = Field(2, serialization_alias="schema")
    cases: str = _found_in("run", "cases_name")
    service: str = _found_in("run", "service")
    machine: str = _found_in("run", "machine")
    versions: dict[str, str] = _found_in("run", "versions")
    threshold: float
    notices: list[str] = _found_in("run", "notices")
    sessions: list[Session] = _found_in("run", "sessions")
    failure_to_enrol: Rate = _found_in("acquisition", "enrol")
    failure_to_acquire: Rate | None = _found_in("acquisition", "acquire")
    scores: list[StudyFigures] = _found_in("studies")
    doubtful_labels: list[DoubtfulLabel]
    throughput_per_s: float | None = _of_cases("throughput")
    overall: Confusion | None = _of_cases("overall")
    groups: list[GroupConfusion] = _of_cases("groups", [])
    latency_s: dict[str, Latency] = _of_cases("latency", {})
    wrong: list[Wrong] = _of_cases("wrong", [])
    rejection: list[ErrorAgainstRejection] = _of_cases("rejection", [])
    rejection_threshold: float | None = _of_cases("rejection_threshold")


def metrics_of(summary: Summary) -> Metrics:
    """metrics.json of a summary."""
    return Metrics.model_validate(summary)


def schema_text() -> str:
    """The JSON schema as it is published."""
    return json.dumps(Metrics.model_json_schema(mode="serialization"), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
