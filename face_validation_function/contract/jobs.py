"""The answers of the routes about jobs as models, and the row that results have for each line."""

from typing import Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from face_validation_function.contract.answers import Answer, Error
from face_validation_function.contract.judgement import left_out
from face_validation_function.jobs import Kind, Outcome, State


def _absent(description: str) -> Any:
    return Field(default=None, json_schema_extra=left_out, description=description)


class JobCounts(Answer):
    """Lines by outcome; `waiting` have none yet. While a job runs they are counted batch by batch."""

    answered: int = Field(ge=0)
    refused: int = Field(ge=0, description="Refused by the service (4xx): the outcome of the line, no failure.")
    failed: int = Field(ge=0, description="Without an answer or a refusal: a redrive asks them again.")
    waiting: int = Field(ge=0)


class JobSummary(Answer):
    """One job."""

    job_id: str = Field(json_schema_extra={"format": "uuid"})
    kind: Kind
    manifest_path: str
    state: State
    attempt: int = Field(ge=1, description="1, and one more for each redrive.")
    lines: int | SkipJsonSchema[None] = _absent("How many lines the manifest has; there once it is split.")
    counts: JobCounts
    paid_calls: int = Field(ge=0, description="Rekognition calls that were paid for lines with an outcome.")
    cost_usd: float = Field(ge=0, description="Of these calls, at the price of the first million a month.")
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    finished_at: str | SkipJsonSchema[None] = _absent("ISO 8601; there when the state is final.")
    lines_per_second: float | SkipJsonSchema[None] = _absent("On average; there while the first attempt runs.")
    seconds_left: float | SkipJsonSchema[None] = _absent("At that rate.")
    error: str | SkipJsonSchema[None] = _absent("Why the manifest was refused, or why the job stopped.")


class JobAnswer(JobSummary):
    """The job that was asked for."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})


class JobsAnswer(Answer):
    """A page of the client's jobs, newest first."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    jobs: list[JobSummary]
    next_token: str | SkipJsonSchema[None] = _absent("There when there is another page: ask with it.")


class JobResultsAnswer(Answer):
    """Where the results lie: JSONL, a `JobLine` for every line of the manifest, in its order."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    url: str
    expires_in: int = Field(description="Seconds for which the address is good.")


class JobLine(Answer):
    """One line of the results: `answer` is what the line's own route answers, `error` what it refuses."""

    line: int = Field(ge=1)
    id_request: str = Field(json_schema_extra={"format": "uuid"})
    outcome: Outcome
    status: int
    paid_calls: int = Field(ge=0)
    answer: dict[str, Any] | SkipJsonSchema[None] = _absent("There when the line is answered.")
    error: Error | SkipJsonSchema[None] = _absent("There when the line is refused or failed.")
