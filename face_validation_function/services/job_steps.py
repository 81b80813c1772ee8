"""The steps of a job: its manifest becomes batches, each line of a batch is asked once, the outcomes become results."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from face_validation_function.exceptions.exceptions import FaceValidationError, InternalServerError, RequestError
from face_validation_function.integrations.claims_table import ClaimsTable
from face_validation_function.integrations.jobs_on_aws import KEPT_S, JobFiles, JobsTable
from face_validation_function.jobs import Counts, Job, Line, Outcome, State, as_jsonl
from face_validation_function.services.job_manifest import lines_of
from face_validation_function.utils.response_utils import refusal
from face_validation_function.validations.job_requests import MAX_CONCURRENCY

# A batch is an invocation of a worker and three transitions: ten lines and more, and so many that a job of a million
# lines has 10,000 of them.
LEAST_LINES, MOST_LINES = 10, 100
_BATCHES_WANTED = 1000
_FILES_AT_ONCE = 32
# Workers for each call a second that all may make.
AT_ONCE_FOR_A_CALL = 10
# A line is begun while there is so much time, or a third of the invocation's, and twice as much as the longest before
# it took: its calls wait for their pace, and what is not begun in vain is not paid in vain.
LINE_S = 120.0
# What is left is another worker's, which may be dead, or AWS is busy: look again so often.
LOOK_AGAIN_S = 1.0
TOO_MANY_FAILED = "more than {:g} % of the lines failed"

Row = dict[str, Any]
"""One line of the results."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a line's own route answers: status, body, the calls paid for, and whether AWS was too busy to say."""

    status: int
    body: dict[str, Any]
    paid_calls: int = 0
    is_busy: bool = False


Ask = Callable[[Line, float], Reply]
"""Asks one line within so many seconds."""


class JobSteps:
    """Splits, asks and gathers, with the same result when repeated. A line's claim holds its outcome (docs/jobs.md)."""

    def __init__(self, files: JobFiles, jobs: JobsTable, claims: ClaimsTable, tps: float = 0.0) -> None:
        self._files, self._jobs, self._claims = files, jobs, claims
        # More workers would wait for their pace longer than they work; Lambda bills both.
        self._most_at_once = max(1, round(AT_ONCE_FOR_A_CALL * tps)) if tps else MAX_CONCURRENCY

    def split(self, client: str, job_id: str) -> dict[str, Any]:
        """Make the batches of a job, or find those that a redrive asks; what the map reads, or why there is none."""
        job = self._jobs.read(client, job_id)
        error = None
        if not job.batches:
            try:
                job = self._cut(job)
            except FaceValidationError as refused:
                if refused.status >= 500:
                    raise
                error = str(refused)
        batches = [] if error else self._open_batches(job)
        told = {"client": client, "job_id": job_id}
        self._files.put(job.batches_key, json.dumps([{**told, "batch": batch} for batch in batches]).encode())
        return {
            **told,
            "bucket": self._files.bucket,
            "key": job.batches_key,
            "batches": len(batches),
            "max_concurrency": min(job.asked["max_concurrency"], self._most_at_once),
            "tolerated_failure_percentage": job.asked["tolerated_failure_percentage"],
            "refusal": error,
        }

    def work(self, client: str, job_id: str, batch: int, ask: Ask, owner: str, remaining_s: Callable[[], float]) -> int:
        """Ask the lines of a batch that have no outcome, as `owner`, while `remaining_s` lasts; how many are left."""
        job = self._jobs.read(client, job_id)
        before, attempt = self._files.noted(job.result_key(batch)) or (Counts(), 0)
        if attempt == job.attempt:
            return 0  # an earlier invocation did everything, and was not heard
        lines = self._lines(job, batch)
        rows, _ = self._recorded(job, lines)
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
                row = _not_asked(line, reason) if reason else self._asked(job, line, ask, owner, began_s, ends_at)
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

    def gather(self, client: str, job_id: str, refused: str | None) -> tuple[Job, int]:
        """Write the results of a job and end it; the job, and how many lines were claimed and have no outcome."""
        job = self._jobs.read(client, job_id)
        if job.state.is_final:
            return job, 0
        counts, in_doubt = Counts(), 0
        with tempfile.TemporaryFile() as file:
            for data, more, open_claims in self._outcomes(job):
                file.write(data)
                counts, in_doubt = counts + more, in_doubt + open_claims
            file.seek(0)
            self._files.upload(job.results_key, file)
        error = refused
        if refused is not None:
            state = State.REFUSED
        elif job.state is State.STOPPING:
            state = State.STOPPED
        elif counts.failed > job.tolerates:
            state, error = State.FAILED, TOO_MANY_FAILED.format(job.asked["tolerated_failure_percentage"])
        else:
            state = State.SUCCEEDED
        ended = self._jobs.change(job, job.state, state=state, error=error, finished_at=time.time(), **asdict(counts))
        return ended, in_doubt

    def _cut(self, job: Job) -> Job:
        """Write every batch, then note how many there are. The manifest is read twice and never held."""
        key = job.asked["manifest_path"]
        in_all = sum(1 for _ in self._files.manifest(key, job.etag))
        size = max(LEAST_LINES, min(MOST_LINES, in_all // _BATCHES_WANTED))
        lines, found, batches = lines_of(job, self._files.manifest(key, job.etag)), 0, 0
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            while some := [batch for _ in range(_FILES_AT_ONCE) if (batch := list(islice(lines, size)))]:
                keys = [job.batch_key(number) for number in range(batches + 1, batches + len(some) + 1)]
                list(pool.map(self._files.put, keys, [as_jsonl(list(map(asdict, batch))) for batch in some]))
                found, batches = found + sum(map(len, some)), batches + len(some)
        return self._jobs.change(job, job.state, lines=found, batches=batches, updated_at=time.time())

    def _open_batches(self, job: Job) -> list[int]:
        """The batches to ask: all, or in a redrive those with failures, which are then forgotten."""
        batches = range(1, job.batches + 1)
        if job.attempt == 1:
            return list(batches)
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            noted = list(pool.map(self._files.noted, map(job.result_key, batches)))
        known = sum((found[0] for found in noted if found), start=Counts())
        self._jobs.change(job, job.state, **asdict(replace(known, failed=0)), updated_at=time.time())
        return [batch for batch, found in zip(batches, noted, strict=True) if found is None or found[0].failed]

    def _outcomes(self, job: Job) -> Iterator[tuple[bytes, Counts, int]]:
        """The outcomes of each batch as JSONL, their counts, and the claims without one; a few batches ahead."""
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            for start in range(1, job.batches + 1, _FILES_AT_ONCE):
                some = range(start, min(start + _FILES_AT_ONCE, job.batches + 1))
                yield from pool.map(lambda batch: self._of_batch(job, batch), some)

    def _of_batch(self, job: Job, batch: int) -> tuple[bytes, Counts, int]:
        data = self._files.get(job.result_key(batch))
        if data is not None:
            return data, Counts.of([json.loads(row) for row in data.splitlines()]), 0
        lines = self._lines(job, batch)
        rows, open_claims = self._recorded(job, lines)
        told = [rows.get(line.number) or _not_asked(line, "its batch did not end") for line in lines]
        return as_jsonl(told), Counts.of(told), open_claims

    def _lines(self, job: Job, batch: int) -> list[Line]:
        data = self._files.get(job.batch_key(batch)) or b""
        return [Line(**json.loads(line)) for line in data.splitlines()]

    def _recorded(self, job: Job, lines: Sequence[Line]) -> tuple[dict[int, Row], int]:
        """The outcomes that are known of lines, by number; and how many others have been claimed."""
        rows = {line.number: _refused(line, RequestError(line.refusal)) for line in lines if line.refusal is not None}
        asked = [job.claim_key(line.number) for line in lines if line.refusal is None]
        claims = self._claims.read_many(asked) if asked else []
        known = [json.loads(claim.outcome) for claim in claims if claim.outcome is not None]
        return rows | {row["line"]: row for row in known}, len(claims) - len(known)

    def _asked(self, job: Job, line: Line, ask: Ask, owner: str, within_s: float, ends_at: int) -> Row | None:
        """The outcome of one line; None when it must be asked later."""
        claim = self._claims.claim(job.claim_key(line.number), owner, ends_at)
        if claim.outcome is not None:
            return dict(json.loads(claim.outcome))
        if claim.owner != owner:
            return None
        reply = ask(line, within_s)
        row = _row(line, reply)
        if row["outcome"] is not Outcome.FAILED:
            self._claims.record(claim.key, owner, json.dumps(row, allow_nan=False), int(time.time()) + KEPT_S)
            return row
        self._claims.release(claim.key, owner)
        return None if reply.is_busy else row

    def _why_not(self, job: Job, failed: int) -> str | None:
        """Why no more lines of a job are asked, read before each of them."""
        now = self._jobs.read(job.client, job.job_id, consistent=False)
        if now.state is not State.RUNNING:
            return "the job was stopped"
        if now.counts.failed + failed > now.tolerates:
            return TOO_MANY_FAILED.format(now.asked["tolerated_failure_percentage"])
        return None


def _row(line: Line, reply: Reply) -> Row:
    kind = Outcome.ANSWERED if reply.status < 400 else Outcome.REFUSED if reply.status < 500 else Outcome.FAILED
    return {
        "line": line.number,
        "id_request": line.id_request,
        "outcome": kind,
        "status": reply.status,
        "paid_calls": reply.paid_calls,
        **({"answer": reply.body} if kind is Outcome.ANSWERED else {"error": reply.body["error"]}),
    }


def _refused(line: Line, error: FaceValidationError) -> Row:
    return _row(line, Reply(int(error.status), refusal(line.id_request, error).as_json()))


def _not_asked(line: Line, reason: str) -> Row:
    """The outcome of a line that a redrive asks."""
    told = f"line {line.number} was not asked: {reason}. POST /jobs/{{id}}/redrive asks it."
    return _refused(line, InternalServerError(told))
