"""Jobs on AWS: a row for each in DynamoDB, its objects in S3, its executions in Step Functions, the event of its end.

The table's keys are `client` (partition) and `job_id` (sort), so that nobody reads another client's; the index
`by_time` lists them.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, fields
from functools import partial
from io import BufferedReader
from typing import IO, Any, TypeVar

from face_validation_function.exceptions.exceptions import (
    ConflictError,
    InvalidS3ObjectError,
    NotFoundError,
    RequestError,
)
from face_validation_function.integrations.aws_client import Refusals, translate_aws_errors
from face_validation_function.integrations.claims_table import EXPIRES_AT
from face_validation_function.integrations.dynamodb import Table, start_of, token_of
from face_validation_function.integrations.s3_service import LINK_S, UNREADABLE
from face_validation_function.jobs import Counts, Job, State

KEYS = ("client", "job_id")
BY_TIME, CREATED_AT = "by_time", "created_at"
# Results, batches and claims are removed then, too.
KEPT_S = 30 * 24 * 3600
MOST_BYTES = 1_000_000_000
EVENT_SOURCE, EVENT_TYPE = "face-validation", "Job ended"
RUNNING = "RUNNING"
_CONDITION: Refusals = {"ConditionalCheckFailedException": ConflictError}
_CHANGED: Refusals = {**UNREADABLE, **dict.fromkeys(("PreconditionFailed", "412"), InvalidS3ObjectError)}
_CHUNK_BYTES = 1 << 20
MOST_LINE_BYTES = 64 * 1024

Value = TypeVar("Value")


class JobsTable:
    """Jobs in and out, by single conditional writes; `client` is a DynamoDB client."""

    def __init__(self, client: Any, table: str) -> None:
        self._table = Table(client, table)

    def create(self, job: Job) -> None:
        """Keep a new job; raises ConflictError when the client has a job with this id."""
        row = asdict(job) | asdict(job.counts) | {"asked": json.dumps(job.asked), "counts": None}
        expires_at = {EXPIRES_AT: int(job.created_at) + KEPT_S}
        new = "attribute_not_exists(job_id)"
        self._table.write("put_item", refusals=_CONDITION, Item=row | expires_at, ConditionExpression=new)

    def read(self, client: str, job_id: str, *, consistent: bool = True) -> Job:
        """A job of a client; raises NotFoundError when the client has no such job."""
        row = self._table.get({"client": client, "job_id": job_id}, consistent=consistent)
        if row is None:
            raise NotFoundError(f"this client has no job {job_id}.")
        return _job(row)

    def listed(self, client: str, limit: int, next_token: str | None) -> tuple[list[Job], str | None]:
        """A page of a client's jobs, newest first, and the next page's token; raises RequestError for a false token."""
        more = {}
        if next_token:
            start = start_of(next_token, client="S", job_id="S", created_at="N")
            more = {"ExclusiveStartKey": {**start, "client": {"S": client}}}
        own = {"IndexName": BY_TIME, "KeyConditionExpression": "client = :client", "ScanIndexForward": False}
        rows, last = self._table.page("query", {"client": client}, Limit=limit, **own, **more)
        return list(map(_job, rows)), token_of(last)

    def change(self, job: Job, *states: State, **values: Any) -> Job:
        """Set fields of a job (None removes a field); the job afterwards.

        ConflictError if its state is not one of `states`, or if it has another attempt than `job`.
        """
        set_ = ", ".join(f"#{name} = :{name}" for name, value in values.items() if value is not None)
        gone = ", ".join(f"#{name}" for name, value in values.items() if value is None)
        allowed = {f"state{place}": state for place, state in enumerate(states)}
        changed = self._table.write(
            "update_item",
            {**values, **allowed, "this_attempt": job.attempt},
            _CONDITION,
            Key=_key(job),
            UpdateExpression=f"SET {set_}" + (f" REMOVE {gone}" if gone else ""),
            ConditionExpression=f"#state IN ({', '.join(f':{name}' for name in allowed)}) AND #attempt = :this_attempt",
            ReturnValues="ALL_NEW",
        )
        return _job(changed)

    def report(self, job: Job, more: Counts) -> None:
        """Add what a worker has done to a job's counts."""
        counts = asdict(more)
        added = ", ".join(f"{name} :{name}" for name in counts)
        change = f"SET updated_at = :now ADD {added}"
        self._table.write("update_item", counts | {"now": time.time()}, Key=_key(job), UpdateExpression=change)


class JobFiles:
    """Objects of the bucket of jobs, and manifests, which lie in the source bucket; `client` is an S3 client."""

    def __init__(self, client: Any, bucket: str, source_bucket: str) -> None:
        self._client, self.bucket, self._source_bucket = client, bucket, source_bucket

    def manifest_etag(self, key: str) -> str:
        """Which version of a manifest is there now; InvalidS3ObjectError without one, RequestError over 1 GB."""
        with translate_aws_errors("manifest_path: S3", UNREADABLE):
            found = self._client.head_object(Bucket=self._source_bucket, Key=key)
            size, etag = int(found["ContentLength"]), str(found["ETag"])
        if not 1 <= size <= MOST_BYTES:
            raise RequestError(f"manifest_path: the manifest has {size} bytes; the limits are 1 to {MOST_BYTES}.")
        return etag

    def manifest(self, key: str, etag: str) -> Iterator[bytes]:
        """The lines, each cut where it is too long; InvalidS3ObjectError if the manifest is another version by now."""
        with translate_aws_errors("manifest_path: S3", _CHANGED):
            body = self._client.get_object(Bucket=self._source_bucket, Key=key, IfMatch=etag)["Body"]
            yield from iter(partial(BufferedReader(body, _CHUNK_BYTES).readline, MOST_LINE_BYTES + 1), b"")

    def put(self, key: str, data: bytes, counts: Counts | None = None, attempt: int = 1) -> None:
        """Keep an object; `counts` and `attempt` beside it, where it holds the outcomes of a batch."""
        noted = {} if counts is None else {**asdict(counts), "attempt": attempt}
        metadata = {name.replace("_", "-"): str(value) for name, value in noted.items()}
        with translate_aws_errors("S3", {}):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=data, Metadata=metadata)

    def get(self, key: str) -> bytes | None:
        """An object's bytes; None when there is none."""
        return self._found(self._client.get_object, key, lambda found: bytes(found["Body"].read()))

    def noted(self, key: str) -> tuple[Counts, int] | None:
        """The counts of a batch's outcomes, and the attempt that they are of; None when there are none."""
        return self._found(self._client.head_object, key, _noted)

    def upload(self, key: str, file: IO[bytes]) -> None:
        """Keep a file of any size."""
        with translate_aws_errors("S3", {}):
            self._client.upload_fileobj(file, self.bucket, key)

    def link(self, key: str) -> str | None:
        """An address by which anyone may read an object, for five minutes; None when there is none."""
        if self._found(self._client.head_object, key, bool) is None:
            return None
        with translate_aws_errors("S3", {}):
            asked = {"Bucket": self.bucket, "Key": key}
            return str(self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=LINK_S))

    def _found(self, ask: Any, key: str, read: Callable[[Any], Value]) -> Value | None:
        with suppress(NotFoundError), translate_aws_errors("S3", dict.fromkeys(("NoSuchKey", "404"), NotFoundError)):
            return read(ask(Bucket=self.bucket, Key=key))
        return None


class Executions:
    """The executions of one state machine; `client` is a Step Functions client."""

    def __init__(self, client: Any, state_machine: str) -> None:
        self._client, self._state_machine = client, state_machine

    def start(self, job: Job) -> None:
        """Start a job's attempt; once more is the same."""
        asked = json.dumps({"client": job.client, "job_id": job.job_id, "attempt": job.attempt})
        begun = {"ExecutionAlreadyExists": ConflictError}
        with suppress(ConflictError), translate_aws_errors("StepFunctions", begun):
            self._client.start_execution(stateMachineArn=self._state_machine, name=job.execution, input=asked)

    def status(self, job: Job) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED, or MISSING."""
        arn = self._state_machine.replace(":stateMachine:", ":execution:")
        with suppress(NotFoundError), translate_aws_errors("StepFunctions", {"ExecutionDoesNotExist": NotFoundError}):
            return str(self._client.describe_execution(executionArn=f"{arn}:{job.execution}")["status"])
        return "MISSING"


def tell_job_ended(client: Any, job: Job) -> None:
    """Tell the account's event bus that a job has ended: its id, its state and its counts, nothing else."""
    detail = json.dumps({"job_id": job.job_id, "state": job.state, **asdict(job.counts)})
    with translate_aws_errors("EventBridge", {}):
        answer = client.put_events(Entries=[{"Source": EVENT_SOURCE, "DetailType": EVENT_TYPE, "Detail": detail}])
        if answer["FailedEntryCount"]:
            raise ValueError(answer["Entries"])


def _key(job: Job) -> dict[str, str]:
    return {"client": job.client, "job_id": job.job_id}


def _job(row: dict[str, Any]) -> Job:
    counts = Counts(**{one.name: row.pop(one.name) for one in fields(Counts)})
    told = {one.name: row[one.name] for one in fields(Job) if one.name in row}
    return Job(**told | {"asked": json.loads(row["asked"]), "state": State(row["state"]), "counts": counts})


def _noted(found: Any) -> tuple[Counts, int]:
    metadata = found["Metadata"]
    return Counts(*(int(metadata[name.replace("_", "-")]) for name in asdict(Counts()))), int(metadata["attempt"])
