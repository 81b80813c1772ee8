"""The vocabulary of bulk jobs: what is repeated, how far a job is, and how each line of its manifest ended."""

import json
import operator
from dataclasses import astuple, dataclass, field
from enum import StrEnum
from typing import Any, Self

# The price of one image of the first million a month, on AWS; see docs/jobs.md.
USD_PER_CALL = 0.001


class Kind(StrEnum):
    """What a job repeats."""

    VALIDATION = "validation"
    ENROLMENT = "enrolment"
    SEARCH = "search"


class State(StrEnum):
    """How far a job is; the last four are final."""

    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    REFUSED = "refused"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is asked, unless somebody asks for it."""
        return self not in (State.RUNNING, State.STOPPING)


class Outcome(StrEnum):
    """How one line ended: with an answer, with a refusal (4xx), or without either, which a redrive mends."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Counts:
    """Lines by outcome, and the Rekognition calls that were paid for them."""

    answered: int = 0
    refused: int = 0
    failed: int = 0
    paid_calls: int = 0

    @property
    def lines(self) -> int:
        """How many lines have an outcome."""
        return self.answered + self.refused + self.failed

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*map(operator.add, astuple(self), astuple(other)))

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(*map(operator.sub, astuple(self), astuple(other)))

    @classmethod
    def of(cls, rows: list[dict[str, Any]]) -> Self:
        """The counts of lines of the results."""
        ended = [row["outcome"] for row in rows]
        answered, refused, failed = (ended.count(one) for one in Outcome)
        return cls(answered, refused, failed, sum(row["paid_calls"] for row in rows))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a manifest (1 is the first): its request, or why it is none."""

    number: int
    id_request: str
    request: dict[str, Any] = field(default_factory=dict)
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One job of one client.

    `asked` is the request as it was sent, `etag` the version of the manifest that is read. `lines` and `batches` are
    known once it is split. `attempt` counts the executions: 1, and one more for each redrive. Times are seconds since
    1970; `updated_at` is when a worker last reported.
    """

    client: str
    job_id: str
    asked: dict[str, Any]
    etag: str
    created_at: float
    updated_at: float
    state: State = State.RUNNING
    attempt: int = 1
    lines: int = 0
    batches: int = 0
    counts: Counts = field(default_factory=Counts)
    finished_at: float | None = None
    error: str | None = None

    @property
    def kind(self) -> Kind:
        """What it repeats."""
        return Kind(self.asked["kind"])

    @property
    def execution(self) -> str:
        """The name of its execution: the same for the same attempt, so that nothing is started twice."""
        return f"{self.job_id}-{self.attempt}"

    @property
    def tolerates(self) -> float:
        """How many lines may fail before no more are asked."""
        return float(self.lines * self.asked["tolerated_failure_percentage"] / 100)

    @property
    def batches_key(self) -> str:
        """The object that lists the batches, by which the map runs."""
        return f"{self.job_id}/batches-{self.attempt}.json"

    @property
    def results_key(self) -> str:
        """The object with the outcome of every line."""
        return f"{self.job_id}/results.jsonl"

    def batch_key(self, batch: int) -> str:
        """The object with the lines of a batch (1 is the first)."""
        return f"{self.job_id}/batches/{batch:05d}.jsonl"

    def result_key(self, batch: int) -> str:
        """The object with the outcomes of a batch."""
        return f"{self.job_id}/results/{batch:05d}.jsonl"

    def claim_key(self, line: int) -> str:
        """The claim of one line: whoever holds it may pay for the line."""
        return f"job#{self.job_id}#{line}"


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    """Rows as JSON, one a line."""
    return "".join(json.dumps(row, separators=(",", ":"), allow_nan=False) + "\n" for row in rows).encode()
