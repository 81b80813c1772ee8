"""metrics.json: everything of a summary that a script may want to read, and its shape, docs/metrics.schema.json.

    python -m face_validation.evaluation.report.metrics > docs/metrics.schema.json

Each model names where its fields are found in the summary. Ratios are 0-1, thresholds and similarities 0-100, times in
seconds. Fields are added, never renamed or removed, without a new `schema` number.
"""

import json
import sys
from typing import Any, Literal

from pydantic import AliasPath, BaseModel, ConfigDict, Field

from face_validation.evaluation.report.groups import Group
from face_validation.evaluation.report.study import Study
from face_validation.evaluation.report.summary import Latency, Summary
from face_validation.evaluation.runs.run import Session
from face_validation.evaluation.statistics.error_rates import ErrorAgainstRejection
from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.pairs import Answer, Confusion, Expected


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
    failure_to_enrol: Rate
    failure_to_acquire: Rate | None
    scores: list[Study] = _found_in("studies")
    doubtful_labels: list[DoubtfulLabel]
    throughput_per_s: float | None = _found_in("throughput")
    overall: Confusion | None
    groups: list[Group]
    latency_s: dict[str, Latency] = _found_in("latency")
    wrong: list[Wrong]
    rejection: list[ErrorAgainstRejection]
    rejection_threshold: float | None


def metrics_of(summary: Summary) -> Metrics:
    """metrics.json of a summary."""
    return Metrics.model_validate(summary)


def schema_text() -> str:
    """The JSON schema as it is published."""
    return json.dumps(Metrics.model_json_schema(mode="serialization"), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
