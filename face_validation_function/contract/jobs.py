"""The answers of the routes about jobs as models, and the row that results have for each line."""

from typing import Any

from pydantic import Field

from face_validation_function.contract.answer import Answer, Count, Maybe, Moment, Uuid
from face_validation_function.contract.answers import Error
from face_validation_function.jobs import Kind, Outcome, State


class JobCounts(Answer):
    """Lines by outcome; `waiting` have none yet. While a job runs they are counted batch by batch."""

    answered: Count
    refused: Count = Field(description="Refused by the service (4xx): the outcome of the line, no failure.")
    failed: Count = Field(description="Without an answer or a refusal: a redrive asks them again.")
    waiting: Count


class JobSummary(Answer):
    """One job."""

    job_id: Uuid
    kind: Kind
    manifest_path: str
    state: State
    attempt: int = Field(ge=1, description="1, and one more for each redrive.")
    lines: Maybe[int] = Field(default=None, description="How many lines the manifest has; there once it is split.")
    counts: JobCounts
    paid_calls: Count = Field(description="Rekognition calls that were paid for lines with an outcome.")
    cost_usd: float = Field(ge=0, description="Of these calls, at the price of the first million a month.")
    created_at: Moment
    finished_at: Maybe[str] = Field(default=None, description="ISO 8601; there when the state is final.")
    lines_per_second: Maybe[float] = Field(default=None, description="On average; there while the first attempt runs.")
    seconds_left: Maybe[float] = Field(default=None, description="At that rate.")
    error: Maybe[str] = Field(default=None, description="Why the manifest was refused, or why the job stopped.")


class JobAnswer(JobSummary):
    """The job that was asked for."""

    id_request: Uuid


class JobsAnswer(Answer):
    """A page of the client's jobs, newest first."""

    id_request: Uuid
    jobs: list[JobSummary]
    next_token: Maybe[str] = Field(default=None, description="There when there is another page: ask with it.")


class JobResultsAnswer(Answer):
    """Where the results lie: JSONL, a `JobLine` for every line of the manifest, in its order."""

    id_request: Uuid
    url: str
    expires_in: int = Field(description="Seconds for which the address is good.")


class JobLine(Answer):
    """One line of the results: `answer` is what the line's own route answers, `error` what it refuses."""

    line: int = Field(ge=1)
    id_request: Uuid
    outcome: Outcome
    status: int
    paid_calls: Count
    answer: Maybe[dict[str, Any]] = Field(default=None, description="There when the line is answered.")
    error: Maybe[Error] = Field(default=None, description="There when the line is refused or failed.")
