"""The DynamoDB table of jobs: a row for each job, which its client creates, its workers report to and anyone stops.

Keys: `client` (partition) and `job_id` (sort), so that nobody reads another client's; the index `by_time` lists them.
"""

import json
import time
from dataclasses import asdict, fields
from typing import Any

from face_validation_function.exceptions.exceptions import ConflictError, NotFoundError, RequestError
from face_validation_function.integrations.aws_errors import Refusals
from face_validation_function.integrations.claims_table import EXPIRES_AT
from face_validation_function.integrations.dynamodb import Table, plain, start_of, token_of
from face_validation_function.jobs import Counts, Job, State

KEYS = ("client", "job_id")
BY_TIME, CREATED_AT = "by_time", "created_at"
# Results, batches and claims are removed then, too.
KEPT_S = 30 * 24 * 3600
_CONDITION: Refusals = {"ConditionalCheckFailedException": ConflictError}


class JobsTable:
    """Jobs in and out, by single conditional writes; `client` is a DynamoDB client."""

    def __init__(self, client: Any, table: str) -> None:
        self._table = Table(client, table)

    def create(self, job: Job) -> None:
        """Keep a new job; raises ConflictError when the client has a job with this id."""
        row = asdict(job) | asdict(job.counts) | {"asked": json.dumps(job.asked), "counts": None}
        expires_at = {EXPIRES_AT: int(job.created_at) + KEPT_S}
        new = "attribute_not_exists(job_id)"
        self._table.ask("put_item", refusals=_CONDITION, Item=row | expires_at, ConditionExpression=new)

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
        found = self._table.ask(
            "query",
            {"client": client},
            {"ValidationException": RequestError},
            IndexName=BY_TIME,
            KeyConditionExpression="client = :client",
            ScanIndexForward=False,
            Limit=limit,
            **more,
        )
        return [_job(plain(row)) for row in found["Items"]], token_of(found.get("LastEvaluatedKey"))

    def change(self, job: Job, *states: State, **values: Any) -> Job:
        """Set fields of a job that is in one of `states`, in the attempt that `job` is; the job as it is then.

        A field whose value is None is removed.

        Raises:
            ConflictError: it is in another state by now, or in another attempt.
        """
        set_ = ", ".join(f"#{name} = :{name}" for name, value in values.items() if value is not None)
        gone = ", ".join(f"#{name}" for name, value in values.items() if value is None)
        allowed = {f"state{place}": state for place, state in enumerate(states)}
        changed = self._table.ask(
            "update_item",
            {**values, **allowed, "this_attempt": job.attempt},
            _CONDITION,
            Key=_key(job),
            UpdateExpression=f"SET {set_}" + (f" REMOVE {gone}" if gone else ""),
            ConditionExpression=f"#state IN ({', '.join(f':{name}' for name in allowed)}) AND #attempt = :this_attempt",
            ReturnValues="ALL_NEW",
        )
        return _job(plain(changed["Attributes"]))

    def report(self, job: Job, more: Counts) -> None:
        """Add what a worker has done to a job's counts."""
        counts = asdict(more)
        added = ", ".join(f"{name} :{name}" for name in counts)
        change = f"SET updated_at = :now ADD {added}"
        self._table.ask("update_item", counts | {"now": time.time()}, Key=_key(job), UpdateExpression=change)


def _key(job: Job) -> dict[str, str]:
    return {"client": job.client, "job_id": job.job_id}


def _job(row: dict[str, Any]) -> Job:
    counts = Counts(**{one.name: row.pop(one.name) for one in fields(Counts)})
    told = {one.name: row[one.name] for one in fields(Job) if one.name in row}
    return Job(**told | {"asked": json.loads(row["asked"]), "state": State(row["state"]), "counts": counts})
