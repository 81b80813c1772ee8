"""Many requests from one file: jobs, how far they are, and what became of every line."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from face_validation.client.api import READ, WRITE, Api, read_answer
from face_validation.client.buckets import Bucket
from face_validation.client.errors import RequestFailedError
from face_validation.client.transport import checked_url, network_faults
from face_validation.client.validation_request import new_id

SCOPES = {"validation": WRITE, "enrolment": WRITE, "search": READ}
FINAL_STATES = frozenset({"succeeded", "failed", "stopped", "refused"})
POLL_S = 2.0


@dataclass(frozen=True, slots=True)
class JobCounts:
    """Lines by outcome; `waiting` have none yet."""

    answered: int
    refused: int
    failed: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Job:
    """One job; `lines` is None until the manifest is split, `seconds_left` unless it can be told."""

    job_id: str
    kind: str
    manifest_path: str
    state: str
    attempt: int
    counts: JobCounts
    paid_calls: int
    cost_usd: float
    created_at: str
    lines: int | None = None
    finished_at: str | None = None
    lines_per_second: float | None = None
    seconds_left: float | None = None
    error: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is asked, unless it is redriven."""
        return self.state in FINAL_STATES


@dataclass(frozen=True, slots=True)
class JobLine:
    """What became of one line: `answer` as its route answers it, or `error` as its route refuses it."""

    line: int
    id_request: str
    outcome: str
    status: int
    paid_calls: int
    answer: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)


class Jobs:
    """The jobs of one client. `kind`, where a method takes it, says which scope the token needs for it."""

    def __init__(self, api: Api, store: Callable[[Bucket, bytes, str], str]) -> None:
        self._api, self._store = api, store

    def submit(
        self,
        manifest: Path | str,
        kind: str = "validation",
        *,
        defaults: Mapping[str, Any] | None = None,
        max_concurrency: int | None = None,
        tolerated_failure_percentage: float | None = None,
        id_request: str | None = None,
    ) -> Job:
        """Create a job and start it.

        Args:
            manifest: a file, which is put into the source bucket first, or the key of one that is there.
            kind: validation, enrolment or search.
            defaults: fields for every line that does not have its own.
            max_concurrency: the most lines that are asked at once.
            tolerated_failure_percentage: when more lines fail, no more are asked.
            id_request: the job's id, a UUID v4: the same request under the same id is the same job.

        Raises OSError when the file cannot be read, FaceValidationError as the service refuses it.
        """
        id_request = id_request or new_id()
        if isinstance(manifest, Path):
            key = f"jobs/{id_request}{manifest.suffix.lower()}"
            manifest = self._store("source", manifest.read_bytes(), key)
        body = {
            "kind": kind,
            "manifest_path": manifest,
            "defaults": dict(defaults or {}),
            "max_concurrency": max_concurrency,
            "tolerated_failure_percentage": tolerated_failure_percentage,
            "id_request": id_request,
        }
        sent = {name: value for name, value in body.items() if value is not None}
        return self._job("POST", "/jobs", sent, kind=kind)

    def all(self, kind: str = "validation") -> Iterator[Job]:
        """Every job of this client, newest first, page by page as it is read on."""
        return self._api.pages(Job, "/jobs", "jobs", SCOPES[kind], {})

    def show(self, job_id: str, kind: str = "validation") -> Job:
        """A job as it is now."""
        return self._job("GET", f"/jobs/{job_id}", kind=kind)

    def stop(self, job_id: str, kind: str = "validation") -> Job:
        """Ask no more lines; what was paid for is kept."""
        return self._job("DELETE", f"/jobs/{job_id}", kind=kind)

    def redrive(self, job_id: str, kind: str = "validation") -> Job:
        """Ask the lines again that have neither an answer nor a refusal."""
        return self._job("POST", f"/jobs/{job_id}/redrive", kind=kind)

    def watch(self, job_id: str, kind: str = "validation", *, poll_s: float = POLL_S) -> Iterator[Job]:
        """The job again and again until it has ended; the last one is the job as it ended."""
        while True:
            job = self.show(job_id, kind)
            yield job
            if job.has_ended:
                return
            time.sleep(poll_s)

    def results(self, job_id: str, kind: str = "validation") -> Iterator[JobLine]:
        """What became of every line, in the manifest's order, as it is downloaded."""
        for text in self.raw_results(job_id, kind):
            yield read_answer(JobLine, json.loads(text))

    def raw_results(self, job_id: str, kind: str = "validation") -> Iterator[str]:
        """The lines of the results, as they are written."""
        answer = self._api.ask("GET", f"/jobs/{job_id}/results", scope=SCOPES[kind])
        url = checked_url("The address of the results", answer["url"])
        with network_faults("S3", url.partition("?")[0]), self._api.http.stream("GET", url) as response:
            if not response.is_success:
                raise RequestFailedError(f"S3 did not give the results: {response.status_code}.")
            yield from response.iter_lines()

    def _job(self, method: str, path: str, body: Any = None, *, kind: str) -> Job:
        return self._api.read(Job, method, path, body, scope=SCOPES[kind])
