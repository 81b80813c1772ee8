"""Every case of a run in one bulk job: the images uploaded, the job waited for, its outcomes given case by case."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from face_validation.client.buckets import Bucket
from face_validation.client.errors import error_of_envelope
from face_validation.client.jobs import Job, JobLine, Jobs
from face_validation.client.validation_request import ValidationType
from face_validation.client.validation_result import ValidationResult
from face_validation.evaluation.runs.asking import INCLUDE, Api, digests_of, key_of
from face_validation.evaluation.runs.cases import Case
from face_validation.evaluation.runs.run_folder import RunError

MANIFEST_FILE = "manifest.jsonl"
Question = tuple[str | None, str, str]


class JobsApi(Api, Protocol):
    """What a job needs of `FaceValidationClient`."""

    jobs: Jobs


class AnsweredByJob:
    """The API of a run whose cases were asked by a job."""

    def __init__(self, lines: dict[Question, JobLine]) -> None:
        self._lines = lines

    def upload(self, photo: bytes, side: Bucket, key: str) -> None:
        """The job's images are in the buckets."""

    def validate(
        self,
        source_path: str | None,
        target_path: str,
        type: ValidationType,  # noqa: A002 - callers pass it by this name, the field's in the request
        *,
        threshold: float,
        include: Sequence[str],
    ) -> ValidationResult:
        """The outcome of the line that asked the same; raises the client's error where it was refused or failed."""
        del include  # every line had the job's
        line = self._lines[source_path, target_path, type]
        if line.error:
            raise error_of_envelope({"error": line.error, "id_request": line.id_request}, line.status)
        return ValidationResult.from_answer(dict(line.answer), threshold)


def answered_by_job(client: JobsApi, cases: Sequence[Case], out: Path, at_once: int) -> AnsweredByJob:
    """Ask all cases in one job, and wait for its end; the manifest is written into `out`, the run's folder.

    At most `at_once` images are uploaded, and lines asked, at once.

    Raises:
        RunError: the job could not be run.
    """
    questions: dict[Question, None] = {}
    uploads: dict[tuple[Bucket, str], Path] = {}
    digests = digests_of(cases, at_once)
    for case in cases:
        source = None if case.type is ValidationType.ID_IN_FACE else key_of(case.source, digests)
        target = key_of(case.target, digests)
        questions[source, target, case.type] = None
        uploads["target", target] = case.target
        if source is not None:
            uploads["source", source] = case.source
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda one: client.upload(one[1].read_bytes(), *one[0]), uploads.items()))
    out.mkdir(parents=True, exist_ok=True)
    manifest = out / MANIFEST_FILE
    manifest.write_text("".join(json.dumps(_request(*question)) + "\n" for question in questions), "utf-8")
    defaults: dict[str, Any] = {"threshold": 0, "include": list(INCLUDE)}
    job: Job = client.jobs.submit(manifest, defaults=defaults, max_concurrency=at_once)
    *_, job = client.jobs.watch(job.job_id)
    if job.state not in ("succeeded", "failed"):
        raise RunError(f"The job {job.job_id} is {job.state}: {job.error}")
    return AnsweredByJob(dict(zip(questions, client.jobs.results(job.job_id), strict=True)))


def _request(source: str | None, target: str, kind: str) -> dict[str, str]:
    return {"type": kind, "target_path": target} | ({} if source is None else {"source_path": source})
