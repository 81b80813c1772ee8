"""The Lambda function of the routes about jobs: create, list, show, stop, redrive, results."""

import re
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from face_validation_function.contract.records import JobAnswer, JobResultsAnswer, JobsAnswer
from face_validation_function.exceptions.exceptions import NotFoundError
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.jobs_on_aws import Executions, JobFiles, JobsTable
from face_validation_function.integrations.s3_service import LINK_S
from face_validation_function.jobs import USD_PER_CALL, Job
from face_validation_function.people import moment
from face_validation_function.request_timer import RequestTimer, Value
from face_validation_function.rest_function import Invocation, OperationResult, RestFunction, operations
from face_validation_function.services.bulk_jobs import BulkJobs
from face_validation_function.settings import JobsSettings
from face_validation_function.utils.logging_config import service_logger
from face_validation_function.validations.body import validated
from face_validation_function.validations.job_requests import JobRequest, JobsRequest

_JOB_ID = re.compile(r"[0-9a-f-]{36}")


class JobsAdapters:
    """What is made once for each process of its environment; raises ValueError, naming the variable that is missing."""

    def __init__(self) -> None:
        settings = JobsSettings.from_environment()
        files = JobFiles(aws_client("s3"), settings.jobs_bucket, settings.source_bucket)
        table = JobsTable(aws_client("dynamodb"), settings.jobs_table)
        executions = Executions(aws_client("stepfunctions"), settings.state_machine_arn)
        self.jobs, self.logger = BulkJobs(files, table, executions), service_logger(settings.log_level)


def create_job(adapters: JobsAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /jobs: 202 with the job, which its execution has begun."""
    request = invocation.asked(JobRequest)
    request = request.model_copy(update={"id_request": invocation.id_request})
    with timer.step("job"):
        return _accepted(adapters.jobs.create(invocation.client, invocation.scopes, request))


def list_jobs(adapters: JobsAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """GET /jobs: a page of the client's jobs."""
    request = validated(invocation.query, JobsRequest)
    with timer.step("table"):
        jobs, token = adapters.jobs.table.listed(invocation.client, request.limit, request.next_token)
    return OperationResult(JobsAnswer, {"jobs": list(map(_told, jobs)), "next_token": token})


def show_job(adapters: JobsAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """GET /jobs/{job_id}: how far the job is."""
    return OperationResult(JobAnswer, _told(_done(adapters.jobs.show, invocation, timer)))


def stop_job(adapters: JobsAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """DELETE /jobs/{job_id}: 202, and no more lines are asked."""
    return _accepted(_done(adapters.jobs.stop, invocation, timer))


def redrive_job(adapters: JobsAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /jobs/{job_id}/redrive: 202, and the lines without an outcome are asked again."""
    return _accepted(_done(adapters.jobs.redrive, invocation, timer))


def job_results(adapters: JobsAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """GET /jobs/{job_id}/results: where they lie."""
    url = _done(adapters.jobs.results, invocation, timer)
    return OperationResult(JobResultsAnswer, {"url": url, "expires_in": LINK_S})


OPERATIONS = operations(create_job, list_jobs, show_job, stop_job, redrive_job, job_results)

lambda_handler = RestFunction(OPERATIONS, JobsAdapters)


def _accepted(job: Job) -> OperationResult:
    return OperationResult(JobAnswer, _told(job), HTTPStatus.ACCEPTED)


def _done(act: Callable[[str, str], Value], invocation: Invocation, timer: RequestTimer) -> Value:
    with timer.step("job"):
        job_id = invocation.in_path("job_id").lower()
        if not _JOB_ID.fullmatch(job_id):
            raise NotFoundError(f"job_id: a job's id is a UUID; the value sent is {job_id[:80]!r}.")
        return act(invocation.client, job_id)


def _told(job: Job) -> dict[str, Any]:
    counts, done = asdict(job.counts), job.counts.lines
    is_told = job.attempt == 1 and done and not job.state.is_final
    rate = done / max(0.001, time.time() - job.created_at) if is_told else None
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "manifest_path": job.asked["manifest_path"],
        "state": job.state,
        "attempt": job.attempt,
        "lines": job.lines or None,
        "paid_calls": counts.pop("paid_calls"),
        "counts": counts | {"waiting": max(0, job.lines - done)},
        "cost_usd": round(job.counts.paid_calls * USD_PER_CALL, 3),
        "created_at": moment(datetime.fromtimestamp(job.created_at, UTC)),
        "finished_at": None if job.finished_at is None else moment(datetime.fromtimestamp(job.finished_at, UTC)),
        "lines_per_second": rate and round(rate, 3),
        "seconds_left": rate and round((job.lines - done) / rate, 1),
        "error": job.error,
    }
