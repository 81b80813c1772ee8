"""The first and the last step of a job: a manifest becomes batches, and outcomes of batches become results."""

import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from face_validation_function.exceptions.exceptions import FaceValidationError
from face_validation_function.integrations.jobs_on_aws import JobFiles, JobsTable
from face_validation_function.jobs import Counts, Job, Line, State, as_jsonl
from face_validation_function.services.job_lines import TOO_MANY_FAILED, JobLines, as_lines, not_asked
from face_validation_function.services.job_manifest import lines_of
from face_validation_function.validations.job_requests import MAX_CONCURRENCY

# A batch is an invocation of a worker and three transitions: ten lines and more, and so many that a job of a million
# lines has 10,000 of them.
LEAST_LINES, MOST_LINES = 10, 100
_BATCHES_WANTED = 1000
_FILES_AT_ONCE = 32
# Workers for each call a second that all may make.
AT_ONCE_FOR_A_CALL = 10


class JobBatches:
    """Splits and gathers; a step that is repeated does the same again."""

    def __init__(self, files: JobFiles, jobs: JobsTable, lines: JobLines, tps: float = 0.0) -> None:
        self._files, self._jobs, self._lines = files, jobs, lines
        # More workers would wait for their pace longer than they work; Lambda bills both.
        self._most_at_once = max(1, round(AT_ONCE_FOR_A_CALL * tps)) if tps else MAX_CONCURRENCY

    def split(self, client: str, job_id: str) -> dict[str, Any]:
        """Make the batches of a job, or in a redrive those with lines that have no outcome; what the map reads then.

        A manifest that cannot be asked ends the job: it has no batch, and the reason is the job's error.
        """
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

    def gather(self, client: str, job_id: str, refusal: str | None) -> tuple[Job, int]:
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
        error = refusal
        if refusal is not None:
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
        breaks = sum(chunk.count(b"\n") for chunk in self._files.manifest(key, job.etag))
        size = max(LEAST_LINES, min(MOST_LINES, breaks // _BATCHES_WANTED))
        lines, found, batches = lines_of(job, self._files.manifest(key, job.etag)), 0, 0
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            while some := [batch for _ in range(_FILES_AT_ONCE) if (batch := list(islice(lines, size)))]:
                keys = [job.batch_key(number) for number in range(batches + 1, batches + len(some) + 1)]
                list(pool.map(self._files.put, keys, map(as_lines, some)))
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
        lines = self._lines.lines(job, batch)
        rows, open_claims = self._lines.recorded(job, lines)
        told = [rows.get(line.number) or _left(line) for line in lines]
        return as_jsonl(told), Counts.of(told), open_claims


def _left(line: Line) -> dict[str, Any]:
    return not_asked(line, "its batch did not end").as_row()
