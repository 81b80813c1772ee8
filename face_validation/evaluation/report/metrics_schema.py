"""The shape of metrics.json: stable, published as docs/metrics.schema.json.

    python -m face_validation.evaluation.report.metrics_schema > docs/metrics.schema.json

Ratios are 0-1, thresholds and similarities 0-100, times in seconds. Fields are added, never renamed or removed, without
a new `schema` number.
"""

import json
import sys
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Nothing but the named fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="null")


class RateModel(Model):
    """A ratio with its 95 % interval; `independent` is the number of independent pairs behind the interval."""

    value: float
    low: float
    high: float
    hits: int | None = None
    of: int | None = None
    independent: float | None = None


class SessionModel(Model):
    """One stretch of asking without interruption; `started` is UTC, ISO 8601."""

    started: str
    asked: int
    jobs: int
    seconds: float


class ConfusionModel(Model):
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
    accuracy: RateModel | None
    pair_accuracy: RateModel | None
    error_accuracy: RateModel | None
    precision: RateModel | None
    recall: RateModel | None
    f1: RateModel | None
    fmr: RateModel | None
    fnmr: RateModel | None
    failure_to_acquire: RateModel | None


class GroupModel(ConfusionModel):
    """The cases that have something in common."""

    dimension: str
    name: str


class EqualErrorModel(Model):
    """The equal error rate and the threshold nearest to it."""

    value: float
    threshold: float


class ExtrapolationModel(Model):
    """FPIR to expect with `enrolled` persons."""

    enrolled: int
    value: float
    low: float
    high: float


class ChoiceModel(Model):
    """A threshold to choose from; `needed` non-matches give the next better `support`."""

    reason: Literal["report", "default", "identity_checks", "equal_error", "target_fmr"]
    threshold: float
    target_fmr: float | None
    fmr: RateModel | None
    fnmr: RateModel | None
    support: Literal["steady", "rough", "not_enough_data"] | None
    needed: int
    interval_is_doubtful: bool
    fpir: list[ExtrapolationModel]


class SafeModel(Model):
    """The lowest threshold whose FMR is shown to be at most `most_fmr`."""

    threshold: float
    most_fmr: float
    fmr: RateModel | None
    fnmr: RateModel | None


class RequirementModel(Model):
    """One limit of SP 800-63A-4; `more_pairs` are missing for a decision."""

    name: Literal["fmr", "fnmr", "group_fmr", "group_fnmr"]
    group: str
    limit: float | None
    rate: RateModel | None
    verdict: Literal["met", "not_met", "not_enough_data"]
    more_pairs: int | None


class AssessmentModel(Model):
    """The verdict of SP 800-63A-4 at one threshold."""

    threshold: float
    verdict: Literal["met", "not_met", "not_enough_data"]
    groups_are_known: bool
    requirements: list[RequirementModel]


class GroupRatesModel(Model):
    """Error rates of a group of persons."""

    name: str
    persons: int
    fmr: RateModel | None
    fnmr: RateModel | None


class CrossRateModel(Model):
    """FMR between two groups."""

    first: str
    second: str
    fmr: RateModel | None


class DifferentialsModel(Model):
    """Differential performance by group; ratios of the worst group to the geometric mean."""

    threshold: float
    groups: list[GroupRatesModel]
    cross: list[CrossRateModel]
    too_small: list[str]
    false_positive: float | None
    false_negative: float | None


class ReviewModel(Model):
    """What goes to a human between two thresholds, and which errors remain."""

    threshold_review: float
    threshold: float
    matches_reviewed: RateModel | None
    non_matches_reviewed: RateModel | None
    fmr: RateModel | None
    fnmr: RateModel | None


class CurveModel(Model):
    """FMR and FNMR at thresholds: points of the whole curve, thinned; null where a class has no score."""

    threshold: list[float]
    fmr: list[float | None]
    fnmr: list[float | None]


class StudyModel(Model):
    """The scores of one type, or of all; `intervals` says how all intervals of this study were made."""

    name: str
    matches: int
    non_matches: int
    persons: int | None
    intervals: Literal["wilson", "wilson over persons"]
    auc: float | None
    eer: EqualErrorModel | None
    choices: list[ChoiceModel]
    safe: SafeModel | None
    sp800_63a_4: list[AssessmentModel]
    differentials: DifferentialsModel | None
    review: list[ReviewModel]
    curve: CurveModel


class LatencyModel(Model):
    """Wall time of the requests, seconds."""

    requests: int
    p50: float
    p95: float
    p99: float
    longest: float


class WrongModel(Model):
    """A case that was answered wrong."""

    case_id: str
    expected: str
    answer: str
    similarity: float | None
    code: str
    details: str
    note: str


class RejectionModel(Model):
    """FNMR as the share `rejected` of lowest quality is turned away."""

    measure: str
    pairs: int
    rejected: list[float]
    fnmr: list[float]


class DoubtfulLabelModel(Model):
    """A pair whose label looks wrong."""

    name: str
    similarity: float
    is_match: bool


class MetricsModel(Model):
    """metrics.json of `face-validation evaluate`; what only labelled cases have is null or empty of all pairs."""

    schema_: Literal[2] = Field(alias="schema")
    cases: str
    service: str
    machine: str
    versions: dict[str, str]
    threshold: float
    notices: list[str]
    sessions: list[SessionModel]
    failure_to_enrol: RateModel | None
    failure_to_acquire: RateModel | None
    scores: list[StudyModel]
    doubtful_labels: list[DoubtfulLabelModel]
    throughput_per_s: float | None
    overall: ConfusionModel | None
    groups: list[GroupModel]
    latency_s: dict[str, LatencyModel]
    wrong: list[WrongModel]
    rejection: list[RejectionModel]
    rejection_threshold: float | None

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="null", serialize_by_alias=True)


def schema_text() -> str:
    """The JSON schema as it is published."""
    return json.dumps(MetricsModel.model_json_schema(mode="serialization"), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
