"""The functions about jobs: their roles allow the calls that they really make, on what they really touch."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from face_validation.local.aws.moto_services import aws_client as local_client
from face_validation.local.aws.stores import PeopleStores
from face_validation.local.gateway.proxy_event import LambdaContext
from face_validation.local.stack import LocalStack
from face_validation_function import job_steps_function, jobs_function
from face_validation_function.integrations.jobs_on_aws import JobsTable
from face_validation_function.job_steps_function import StepAdapters, gather_handler, lines_handler, split_handler
from face_validation_function.jobs import Job
from face_validation_function.jobs_function import OPERATIONS, JobsAdapters
from face_validation_function.rest_function import RestFunction, once
from face_validation_function.services import bulk_jobs
from tests.events import job_events
from tests.fakes import FakeContext
from tests.infra.conftest import Json, Synthesise
from tests.infra.rights import Recorder, Right, allowed_rights, for_missing_keys
from tests.people import people_stores

pytestmark = pytest.mark.slow

SAMPLE = "samples/collins.jpg"
FACES = {"type": "FACE_TO_FACE", "source_path": SAMPLE, "target_path": "samples/collins-again.jpg"}
DOCUMENT = FACES | {"type": "ID_TO_FACE", "source_path": "samples/passport-collins.jpg"}
ENROLMENT = {"image_path": "photos/collins.jpg", "full_name": "Eileen Collins"}
MISSING = {"type": "FACE_TO_FACE", "source_path": "none.jpg", "target_path": "none.jpg"}
LINES_OF_MINUTES = 5_000  # no job of so many ends while a test looks at it


@pytest.fixture
def stores(stack: LocalStack) -> Iterator[PeopleStores]:
    with people_stores(stack) as made:
        yield made


def test_the_role_of_the_function_behind_the_routes_allows_its_calls_and_no_others(
    stack: LocalStack, stores: PeopleStores, synthesise: Synthesise, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(stack, stores)
    monkeypatch.setattr(jobs_function, "aws_client", recorder.client)
    monkeypatch.setattr(bulk_jobs.BulkJobs.__init__, "__defaults__", (0.0,))
    local_client("s3", stack.info.s3_endpoint).put_object(
        Bucket=stack.info.source_bucket,
        Key="jobs/two.jsonl",
        Body=f"{json.dumps(MISSING)}\n".encode() * LINES_OF_MINUTES,
    )
    function = RestFunction(OPERATIONS, JobsAdapters)
    events = job_events()
    events["stop_job"] = events.pop("stop_job")  # the last: a job that is stopped may have ended a moment later

    statuses = {name: function(event, FakeContext())["statusCode"] for name, event in events.items()}

    assert statuses == {
        "create_job": 202,
        "job_results": 409,
        "list_jobs": 200,
        "redrive_job": 409,
        "show_job": 200,
        "stop_job": 202,
        "refused_create_job_kind": 400,
        "refused_show_job_of_another": 404,
    }
    allowed = allowed_rights(synthesise(stage="prod"), "Jobs")
    results = {("s3:GetObject", "StorageJobs")}  # a job that has ended
    assert allowed == recorder.needed | results | for_missing_keys(recorder.needed | results)


def test_the_roles_of_the_steps_allow_their_calls_and_no_others(
    stack: LocalStack, stores: PeopleStores, synthesise: Synthesise, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(stack, stores)
    monkeypatch.setattr(job_steps_function, "aws_client", recorder.client)
    monkeypatch.setenv("JOBS_TPS", "100")
    monkeypatch.setattr(job_steps_function, "_adapters", once(StepAdapters))
    needed: dict[str, set[Right]] = {"JobSplit": set(), "JobLines": set(), "JobGather": set()}

    def step(name: str, handler: Any, event: Json, seconds: float = 60) -> Json:
        recorder.needed.clear()
        try:
            answer: Json = handler(event, LambdaContext(seconds))
        finally:
            needed[name] |= recorder.needed
        return answer

    for kind, lines, loses_rows in (
        ("validation", [FACES, DOCUMENT, MISSING], False),
        ("enrolment", [ENROLMENT], True),
        ("enrolment", [ENROLMENT, ENROLMENT], False),
        ("search", [{"image_path": SAMPLE}], False),
    ):
        told = created(stack, kind, lines)
        split = step("JobSplit", split_handler, told)
        assert split["refusal"] is None
        recorder.failing = {"TransactWriteItems": ValueError("The row cannot be written.")} if loses_rows else {}
        assert step("JobLines", lines_handler, {**told, "batch": 1})["remaining"] == 0
        step("JobGather", gather_handler, split)
    # A job that is split again asks which batches are done; a pace that is too slow leaves the line for later.
    step("JobSplit", split_handler, created(stack, "validation", [FACES], attempt=2))
    monkeypatch.setenv("JOBS_TPS", "0.01")
    monkeypatch.setattr(job_steps_function, "_adapters", once(StepAdapters))
    slow = created(stack, "validation", [FACES])
    step("JobSplit", split_handler, slow)
    assert step("JobLines", lines_handler, {**slow, "batch": 1}, seconds=6)["remaining"] == 1
    # The claim of a worker that died is looked for where a batch has no outcomes.
    step("JobGather", gather_handler, slow)

    template = synthesise(stage="prod")
    large = {("s3:AbortMultipartUpload", "StorageJobs")}  # results over 8 MB, of which a part was not taken
    for name, calls in needed.items():
        more = large if name == "JobGather" else set()
        assert allowed_rights(template, name) == calls | more | for_missing_keys(calls), name


def created(stack: LocalStack, kind: str, lines: list[Json], attempt: int = 1) -> Json:
    """A job that no interpreter runs."""
    s3 = local_client("s3", stack.info.s3_endpoint)
    key = f"jobs/{uuid.uuid4()}.jsonl"
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    etag = s3.put_object(Bucket=stack.info.source_bucket, Key=key, Body=body)["ETag"]
    asked = {
        "kind": kind,
        "manifest_path": key,
        "defaults": {},
        "max_concurrency": 1,
        "tolerated_failure_percentage": 100.0,
    }
    job = Job("ann", str(uuid.uuid4()), asked, etag, created_at=0.0, updated_at=0.0, attempt=attempt)
    JobsTable(local_client("dynamodb", stack.info.s3_endpoint), stack.info.jobs_table).create(job)
    return {"client": job.client, "job_id": job.job_id}
