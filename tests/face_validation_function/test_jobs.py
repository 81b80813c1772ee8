"""Jobs on S3 and DynamoDB: each line is paid for once and has one outcome, whatever dies, repeats or is stopped."""

import json
import socket
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from face_validation.local.aws.moto_services import aws_client, moto_server
from face_validation.local.aws.stores import JobStores, create_claims_table
from face_validation_function.exceptions.exceptions import (
    ConflictError,
    ForbiddenError,
    InvalidS3ObjectError,
    NotFoundError,
    RequestError,
)
from face_validation_function.integrations.claims_table import ClaimsTable
from face_validation_function.integrations.jobs_on_aws import JobFiles, JobsTable
from face_validation_function.jobs import Job, Kind, Line, State
from face_validation_function.routes import READ, WRITE
from face_validation_function.services import job_steps
from face_validation_function.services.bulk_jobs import BulkJobs
from face_validation_function.services.job_steps import JobSteps, Reply
from face_validation_function.validations.job_requests import JobRequest

LINE = {"type": "FACE_TO_FACE", "source_path": "a.jpg", "target_path": "b.jpg"}
ENVELOPE = {"error": {"code": "ImageValidationError", "message": "No.", "details": "no face"}}


class WorkerDiedError(BaseException):
    """Nothing in the worker can catch it, as nothing catches a SIGKILL."""


class Machine:
    """One job's stores and steps; `executions` stands for Step Functions, and `ask` for a route."""

    def __init__(self, endpoint: str) -> None:
        run = uuid.uuid4().hex
        self.s3, dynamodb = aws_client("s3", endpoint), aws_client("dynamodb", endpoint)
        stores = JobStores.create(run, s3=self.s3, dynamodb=dynamodb)
        self.source = f"source-{run}"
        self.s3.create_bucket(Bucket=self.source)
        self.files = JobFiles(self.s3, stores.jobs_bucket, self.source)
        self.table = JobsTable(dynamodb, stores.jobs_table)
        self.claims = ClaimsTable(dynamodb, create_claims_table(dynamodb, run))
        self.steps = JobSteps(self.files, self.table, self.claims)
        self.started: list[str] = []
        self.status_of = "RUNNING"
        self.jobs = BulkJobs(self.files, self.table, self, quiet_s=1e9)  # type: ignore[arg-type] # stands for them
        self.paid: Counter[int] = Counter()
        self.dies_at: int | None = None
        self.statuses: dict[int, int] = {}

    def start(self, job: Job) -> None:
        self.started.append(job.execution)

    def status(self, job: Job) -> str:
        return self.status_of

    def submitted(self, count: int = 25, client: str = "ann", **fields: Any) -> Job:
        text = "".join(json.dumps(LINE) + "\n" for _ in range(count))
        self.s3.put_object(Bucket=self.source, Key="m.jsonl", Body=text.encode())
        request = JobRequest(kind=Kind.VALIDATION, manifest_path="m.jsonl", **fields)
        return self.jobs.create(client, frozenset({WRITE}), request)

    def ask(self, line: Line, within_s: float) -> Reply:
        self.paid[line.number] += 1
        if line.number == self.dies_at:
            self.dies_at = None
            raise WorkerDiedError
        status = self.statuses.get(line.number, 200)
        return Reply(status, {"matched": True} if status == 200 else ENVELOPE, 3)

    def work(self, job: Job, batch: int, owner: str = "worker", remaining_s: float = 60.0) -> int:
        return self.steps.work(job.client, job.job_id, batch, self.ask, owner, lambda: remaining_s)

    def run(self, job: Job) -> Job:
        """As the state machine does, one batch after the other."""
        split = self.steps.split(job.client, job.job_id)
        for item in json.loads(self.files.get(split["key"]) or b""):
            assert self.work(job, item["batch"]) == 0
        return self.steps.gather(job.client, job.job_id, split["refusal"])[0]

    def results(self, job: Job) -> list[dict[str, Any]]:
        return [json.loads(row) for row in (self.files.get(job.results_key) or b"").splitlines()]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener, moto_server(listener) as address:
        yield address


@pytest.fixture
def machine(endpoint: str) -> Machine:
    return Machine(endpoint)


def test_every_line_is_asked_once_and_answered_in_order(machine: Machine) -> None:
    job = machine.run(machine.submitted(25))

    rows = machine.results(job)
    assert [row["line"] for row in rows] == list(range(1, 26))
    assert {row["outcome"] for row in rows} == {"answered"}
    assert (job.state, job.lines, job.batches, job.counts.paid_calls) == (State.SUCCEEDED, 25, 3, 75)
    assert machine.paid == dict.fromkeys(range(1, 26), 1)


def test_a_worker_that_dies_between_paying_and_writing_costs_one_line_once_more_and_no_other(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_steps, "LOOK_AGAIN_S", 0.01)
    job = machine.submitted(10)
    machine.steps.split(job.client, job.job_id)
    machine.dies_at = 4
    with pytest.raises(WorkerDiedError):
        machine.work(job, 1, owner="dead", remaining_s=0.5)

    # Its claim stands until its time is over: the next worker does the others first, and then this one.
    while machine.work(job, 1, owner="second", remaining_s=5.0):
        pass
    ended, in_doubt = machine.steps.gather(job.client, job.job_id, None)

    assert ended.counts.answered == 10
    assert machine.paid == {**dict.fromkeys(range(1, 11), 1), 4: 2}
    assert list(machine.paid)[-1] == 10
    assert in_doubt == 0


def test_a_claim_whose_worker_died_is_told_when_the_job_is_gathered_without_it(machine: Machine) -> None:
    job = machine.submitted(10)
    machine.steps.split(job.client, job.job_id)
    machine.dies_at = 4
    with pytest.raises(WorkerDiedError):
        machine.work(job, 1)

    ended, in_doubt = machine.steps.gather(job.client, job.job_id, None)

    outcomes = [row["outcome"] for row in machine.results(ended)]
    assert outcomes == ["answered"] * 3 + ["failed"] * 7
    assert (ended.state, in_doubt) == (State.FAILED, 1)


def test_a_step_that_is_repeated_pays_for_nothing_and_counts_nothing_twice(machine: Machine) -> None:
    job = machine.submitted(25)
    machine.steps.split(job.client, job.job_id)
    machine.steps.split(job.client, job.job_id)
    for batch in (1, 2, 2, 3, 1):
        assert machine.work(job, batch, owner=str(uuid.uuid4())) == 0
    first, _ = machine.steps.gather(job.client, job.job_id, None)
    again, _ = machine.steps.gather(job.client, job.job_id, None)

    assert first == again
    assert first.counts.answered == 25
    assert set(machine.paid.values()) == {1}


def test_refusals_are_outcomes_and_failures_are_asked_again_by_a_redrive_alone(machine: Machine) -> None:
    machine.statuses = {2: 422, 3: 500}
    job = machine.run(machine.submitted(25))
    assert (job.state, job.counts.refused, job.counts.failed) == (State.SUCCEEDED, 1, 1)

    machine.statuses.clear()
    ended = machine.run(machine.jobs.redrive("ann", job.job_id))

    assert (ended.attempt, ended.counts.answered, ended.counts.refused, ended.counts.failed) == (2, 24, 1, 0)
    assert machine.paid == {**dict.fromkeys(range(1, 26), 1), 3: 2}
    assert [row["outcome"] for row in machine.results(ended)].index("refused") == 1
    assert machine.started == [f"{job.job_id}-1", f"{job.job_id}-2"]
    with pytest.raises(ConflictError, match="no line to ask again"):
        machine.jobs.redrive("ann", job.job_id)


def test_when_more_lines_fail_than_are_tolerated_no_more_are_asked(machine: Machine) -> None:
    machine.statuses = dict.fromkeys(range(1, 100), 503)

    job = machine.run(machine.submitted(100, tolerated_failure_percentage=5))

    assert job.state is State.FAILED
    assert sum(machine.paid.values()) == 6
    assert "more than 5 % of the lines failed" in machine.results(job)[50]["error"]["details"]


def test_a_stop_keeps_what_was_paid_and_a_redrive_asks_the_rest(machine: Machine) -> None:
    job = machine.submitted(25)
    machine.steps.split(job.client, job.job_id)
    machine.work(job, 1)
    assert machine.jobs.stop("ann", job.job_id).state is State.STOPPING
    machine.work(job, 2)
    stopped, _ = machine.steps.gather(job.client, job.job_id, None)
    assert (stopped.state, stopped.counts.answered, stopped.counts.failed) == (State.STOPPED, 10, 15)

    ended = machine.run(machine.jobs.redrive("ann", job.job_id))

    assert (ended.state, ended.counts.answered, ended.counts.failed) == (State.SUCCEEDED, 25, 0)
    assert set(machine.paid.values()) == {1}


def test_a_batch_that_has_no_time_left_says_how_many_lines_the_next_invocation_has(machine: Machine) -> None:
    job = machine.submitted(10)
    machine.steps.split(job.client, job.job_id)
    left = iter([30.0] * 8 + [1.0] * 9)

    remaining = machine.steps.work(job.client, job.job_id, 1, machine.ask, "one", lambda: next(left))

    assert 0 < remaining < 10
    assert machine.work(job, 1, owner="two") == 0
    assert machine.paid == dict.fromkeys(range(1, 11), 1)


def test_a_line_is_not_begun_when_those_before_took_so_long_that_it_would_not_end(machine: Machine) -> None:
    job = machine.submitted(10)
    machine.steps.split(job.client, job.job_id)
    clock = [300.0]

    def ask(line: Line, within_s: float) -> Reply:
        clock[0] -= 100.0
        return machine.ask(line, within_s)

    remaining = machine.steps.work(job.client, job.job_id, 1, ask, "one", lambda: clock[0])

    assert (remaining, dict(machine.paid)) == (8, {1: 1, 2: 1})


def test_no_more_workers_are_started_than_the_pace_feeds(machine: Machine) -> None:
    job = machine.submitted(5, max_concurrency=500)

    for tps, most in ((0.0, 500), (5.0, 50), (0.01, 1)):
        split = JobSteps(machine.files, machine.table, machine.claims, tps).split(job.client, job.job_id)
        assert split["max_concurrency"] == most


def test_a_manifest_that_is_replaced_after_the_job_was_created_refuses_it(machine: Machine) -> None:
    job = machine.submitted(5)
    machine.s3.put_object(Bucket=machine.source, Key="m.jsonl", Body=b"{}")

    ended = machine.run(job)

    assert ended.state is State.REFUSED
    assert "PreconditionFailed" in (ended.error or "")
    with pytest.raises(ConflictError, match="no line to ask again"):
        machine.jobs.redrive("ann", job.job_id)


def test_the_same_request_is_the_same_job_and_another_under_its_id_is_a_conflict(machine: Machine) -> None:
    own = "7B0A3F0E-59F7-4B0F-9A43-0D8C9B5A1D11"
    job = machine.submitted(5, id_request=own)

    assert machine.submitted(5, id_request=own.lower()).job_id == job.job_id == own.lower()
    assert set(machine.started) == {f"{own.lower()}-1"}
    with pytest.raises(ConflictError, match="created with another body"):
        machine.submitted(5, id_request=own, max_concurrency=3)
    with pytest.raises(NotFoundError):
        machine.jobs.show("bob", job.job_id)
    with pytest.raises(NotFoundError):
        machine.jobs.stop("bob", job.job_id)
    assert machine.jobs.table.listed("bob", 10, None) == ([], None)


def test_jobs_are_listed_newest_first_page_by_page(machine: Machine) -> None:
    ids = [machine.submitted(1).job_id for _ in range(5)]
    machine.submitted(1, client="bob")

    first, token = machine.jobs.table.listed("ann", 3, None)
    second, end = machine.jobs.table.listed("ann", 3, token)

    assert [job.job_id for job in (*first, *second)] == ids[::-1]
    assert end is None
    # Another client's token begins nowhere in one's own jobs, and a made-up one nowhere at all.
    assert {job.client for job in machine.jobs.table.listed("bob", 3, token)[0]} <= {"bob"}
    with pytest.raises(RequestError, match="next_token"):
        machine.jobs.table.listed("bob", 3, "e30=")


def test_an_execution_that_died_ends_the_job_and_a_redrive_takes_it_up(machine: Machine) -> None:
    job = machine.submitted(25)
    machine.steps.split(job.client, job.job_id)
    machine.work(job, 1)
    machine.status_of = "MISSING"
    impatient = BulkJobs(machine.files, machine.table, machine, quiet_s=0)  # type: ignore[arg-type] # stands for it

    assert impatient.show("ann", job.job_id).state is State.FAILED
    with pytest.raises(ConflictError, match="it has no results"):
        impatient.results("ann", job.job_id)
    ended = machine.run(machine.jobs.redrive("ann", job.job_id))

    assert ended.counts.answered == 25
    assert set(machine.paid.values()) == {1}


def test_a_job_needs_the_scope_of_its_route_and_a_manifest_that_is_there(machine: Machine) -> None:
    request = JobRequest(kind=Kind.SEARCH, manifest_path="none.jsonl")

    with pytest.raises(ForbiddenError, match="needs the scope face-detection/read"):
        machine.jobs.create("ann", frozenset({WRITE}), request)
    with pytest.raises(InvalidS3ObjectError):
        machine.jobs.create("ann", frozenset({READ}), request)
    machine.s3.put_object(Bucket=machine.source, Key="none.jsonl", Body=b"")
    with pytest.raises(RequestError, match="0 bytes"):
        machine.jobs.create("ann", frozenset({READ}), request)
    assert machine.started == []
