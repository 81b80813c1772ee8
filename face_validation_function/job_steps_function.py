"""The Lambda functions that a job's state machine calls: split the manifest, ask the lines of a batch, gather."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from face_validation_function.integrations.audit_trail import audit_trail
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.claims_table import ClaimsTable
from face_validation_function.integrations.jobs_on_aws import JobFiles, JobsTable, tell_job_ended
from face_validation_function.integrations.pace import Pace, PacedRekognition
from face_validation_function.jobs import Job, Kind, Line
from face_validation_function.lambda_function import Adapters, validate
from face_validation_function.people_function import OPERATIONS, PeopleAdapters
from face_validation_function.rest_function import HttpResponse, Invocation, once
from face_validation_function.services.bulk_jobs import SCOPES
from face_validation_function.services.job_steps import Ask, JobSteps, Reply
from face_validation_function.settings import JobsSettings, PeopleSettings, Settings
from face_validation_function.utils.logging_config import record_job, service_logger

# What an invocation keeps of its time for writing outcomes.
LAST_S = 2.0


class StepAdapters:
    """What is made once for each process of its environment; raises ValueError, naming the variable that is missing."""

    def __init__(self) -> None:
        settings = JobsSettings.from_environment()
        self.settings, self.logger = settings, service_logger(settings.log_level)
        self.s3, self.dynamodb = aws_client("s3"), aws_client("dynamodb")
        # Once: what is throttled is asked again at the pace of all workers.
        self.rekognition = aws_client("rekognition", attempts=1)
        files = JobFiles(self.s3, settings.jobs_bucket, settings.source_bucket)
        self.jobs = JobsTable(self.dynamodb, settings.jobs_table)
        claims = ClaimsTable(self.dynamodb, settings.claims_table)
        self.steps = JobSteps(files, self.jobs, claims, settings.jobs_tps)
        self.events = aws_client("events")


_adapters = once(StepAdapters)


def split_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Turn the manifest of a job into batches: the state machine's first step."""
    del context
    return _adapters().steps.split(event["client"], event["job_id"])


def lines_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Ask the lines of one batch; `remaining` of them are for the next invocation."""
    adapters = _adapters()
    client, job_id, batch = event["client"], event["job_id"], event["batch"]
    ends = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - LAST_S
    ask = _ask(adapters, adapters.jobs.read(client, job_id), context)
    remaining = adapters.steps.work(
        client, job_id, batch, ask, context.aws_request_id, lambda: max(0.0, ends - time.monotonic())
    )
    return {"client": client, "job_id": job_id, "batch": batch, "remaining": remaining}


def gather_handler(event: Mapping[str, Any], context: Any) -> dict[str, str]:
    """Write the results of a job and tell that it has ended; the state machine fails when the job has failed."""
    adapters = _adapters()
    job, in_doubt = adapters.steps.gather(event["client"], event["job_id"], event.get("refusal"))
    tell_job_ended(adapters.events, job)
    record_job(adapters.logger, context.function_name, job, in_doubt)
    return {"state": job.state}


def _ask(adapters: StepAdapters, job: Job, context: Any) -> Ask:
    """The very operation behind the route that a job repeats, with a paced Rekognition."""
    tps = adapters.settings.jobs_tps
    pace = Pace(adapters.dynamodb, adapters.settings.claims_table, tps) if tps else None
    operation = _operation(adapters, job.kind)
    token = {"authorizer": {"claims": {"client_id": job.client, "scope": SCOPES[job.kind]}}}

    def ask(line: Line, within_s: float) -> Reply:
        ends = time.monotonic() + within_s
        paced = PacedRekognition(adapters.rekognition, pace, lambda: max(0.0, ends - time.monotonic()))
        event = {"body": json.dumps(line.request), "requestContext": token}
        answer = operation(paced, Invocation(event, context, within_s))
        is_busy = "Retry-After" in answer["headers"]
        return Reply(answer["statusCode"], json.loads(answer["body"]), paced.paid_calls, is_busy)

    return ask


def _operation(adapters: StepAdapters, kind: Kind) -> Callable[[PacedRekognition, Invocation], HttpResponse]:
    s3, dynamodb = adapters.s3, adapters.dynamodb
    if kind is Kind.VALIDATION:
        settings = Settings.from_environment()
        audit = audit_trail(settings, s3)
        return lambda rekognition, invocation: validate(
            Adapters.of(settings, rekognition, s3, dynamodb, audit), invocation
        )
    people = PeopleSettings.from_environment()
    operation = OPERATIONS["enrol" if kind is Kind.ENROLMENT else "search"]
    return lambda rekognition, invocation: operation(PeopleAdapters(people, rekognition, s3, dynamodb), invocation)
