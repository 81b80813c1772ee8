"""The middle step of a job: the lines of one batch, each asked once, each outcome kept where nobody asks it again."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from face_validation_function.exceptions.exceptions import InternalServerError, RequestError
from face_validation_function.integrations.claims_table import ClaimsTable
from face_validation_function.integrations.jobs_on_aws import KEPT_S, JobFiles, JobsTable
from face_validation_function.jobs import Counts, Job, Line, LineOutcome, Outcome, State, as_jsonl
from face_validation_function.utils.response_utils import refusal

# A line is begun while there is so much time, or a third of the invocation's, and twice as much as the longest before
# it took: its calls wait for their pace, and what is not begun in vain is not paid in vain.
LINE_S = 120.0
# What is left is another worker's, which may be dead, or AWS is busy: look again so often.
LOOK_AGAIN_S = 1.0

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a line's own route answers: status, body, the calls paid for, and whether AWS was too busy to say."""

    status: int
    body: dict[str, Any]
    paid_calls: int
    is_busy: bool = False


Ask = Callable[[Line, float], Reply]
"""Asks one line within so many seconds."""


class JobLines:
    """Asks the lines of batches, by the claims on them.

    A line's claim is taken before it is asked, and holds its outcome afterwards. A claim without an outcome is of a
    worker that runs, until its time is over; then it is of one that died, perhaps between paying and keeping, and the
    line is asked again.
    """

    def __init__(self, files: JobFiles, jobs: JobsTable, claims: ClaimsTable) -> None:
        self._files, self._jobs, self._claims = files, jobs, claims

    def work(self, client: str, job_id: str, batch: int, ask: Ask, owner: str, remaining_s: Callable[[], float]) -> int:
        """Ask the lines of a batch that have no outcome yet; how many are left for want of time.

        Args:
            client: whose job it is.
            job_id: which job.
            batch: which of its batches.
            ask: the route that the job repeats.
            owner: names this invocation, and no other.
            remaining_s: seconds that this invocation still has.
        """
        job = self._jobs.read(client, job_id)
        before, attempt = self._files.noted(job.result_key(batch)) or (Counts(), 0)
        if attempt == job.attempt:
            return 0  # an earlier invocation did everything, and was not heard
        lines = self.lines(job, batch)
        rows, _ = self.recorded(job, lines)
        waiting = [line for line in lines if line.number not in rows]
        line_s, ends_at = min(LINE_S, remaining_s() / 3), int(time.time() + remaining_s()) + 1
        failed, reason = 0, None
        while waiting:
            later: list[Line] = []
            for place, line in enumerate(waiting):
                began_s = remaining_s()
                if began_s < line_s:
                    return len(later) + len(waiting) - place
                reason = reason or self._why_not(job, failed)
                row = not_asked(line, reason).as_row() if reason else self._row(job, line, ask, owner, began_s, ends_at)
                line_s = max(line_s, 2 * (began_s - remaining_s()))
                if row is None:
                    later.append(line)
                else:
                    rows[line.number] = row
                    failed += row["outcome"] == Outcome.FAILED
            waiting = later
            if waiting:
                time.sleep(LOOK_AGAIN_S)
        told = [rows[line.number] for line in lines]
        counts = Counts.of(told)
        self._files.put(job.result_key(batch), as_jsonl(told), counts, job.attempt)
        # The split of a redrive forgot the failures, since their lines are asked again.
        self._jobs.report(job, counts - replace(before, failed=0))
        return 0

    def lines(self, job: Job, batch: int) -> list[Line]:
        """The lines of a batch."""
        data = self._files.get(job.batch_key(batch)) or b""
        return [Line(**json.loads(line)) for line in data.splitlines()]

    def recorded(self, job: Job, lines: Sequence[Line]) -> tuple[dict[int, Row], int]:
        """The outcomes that are known of lines, by number; and how many others have been claimed."""
        rows = {line.number: refused(line).as_row() for line in lines if line.refusal is not None}
        asked = [job.claim_key(line.number) for line in lines if line.refusal is None]
        claims = self._claims.read_many(asked) if asked else []
        known = [json.loads(claim.outcome) for claim in claims if claim.outcome is not None]
        return rows | {row["line"]: row for row in known}, len(claims) - len(known)

    def _row(self, job: Job, line: Line, ask: Ask, owner: str, within_s: float, ends_at: int) -> Row | None:
        """The outcome of one line; None when it must be asked later."""
        claim = self._claims.claim(job.claim_key(line.number), owner, ends_at)
        if claim.outcome is not None:
            row: Row = json.loads(claim.outcome)
            return row
        if claim.owner != owner:
            return None
        reply = ask(line, within_s)
        if Outcome.of(reply.status) is Outcome.FAILED:
            self._claims.release(claim.key, owner)
            return None if reply.is_busy else LineOutcome(line, reply.status, reply.body, reply.paid_calls).as_row()
        row = LineOutcome(line, reply.status, reply.body, reply.paid_calls).as_row()
        self._claims.record(claim.key, owner, json.dumps(row, allow_nan=False), int(time.time()) + KEPT_S)
        return row

    def _why_not(self, job: Job, failed: int) -> str | None:
        """Why no more lines of a job are asked, read before each of them."""
        now = self._jobs.read(job.client, job.job_id, consistent=False)
        if now.state is not State.RUNNING:
            return "the job was stopped"
        if now.counts.failed + failed > now.tolerates:
            return TOO_MANY_FAILED.format(now.asked["tolerated_failure_percentage"])
        return None


TOO_MANY_FAILED = "more than {:g} % of the lines failed"


def refused(line: Line) -> LineOutcome:
    """The outcome of a line that is not a request."""
    envelope = refusal(line.id_request, RequestError(line.refusal or ""))
    return LineOutcome(line, int(RequestError.status), envelope.as_json())


def not_asked(line: Line, reason: str) -> LineOutcome:
    """The outcome of a line that was not asked; a redrive asks it."""
    error = InternalServerError(f"line {line.number} was not asked: {reason}. POST /jobs/{{id}}/redrive asks it.")
    return LineOutcome(line, int(error.status), refusal(line.id_request, error).as_json())


def as_lines(lines: Sequence[Line]) -> bytes:
    """A batch, as `JobLines.lines` reads it."""
    return as_jsonl([asdict(line) for line in lines])
