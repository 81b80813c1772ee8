"""The DynamoDB table of jobs: a row for each job, which its client creates, its workers report to and anyone stops.

Keys: `client` (partition) and `job_id` (sort), so that nobody reads another client's; the index `by_time` lists them.
"""

import json
import time
from dataclasses import asdict
from typing import Any

from face_validation_function.exceptions.exceptions import ConflictError, NotFoundError, RequestError
from face_validation_function.integrations.aws_errors import Refusals, translate_aws_errors
from face_validation_function.integrations.claims_table import EXPIRES_AT
from face_validation_function.integrations.page_tokens import start_of, token_of
from face_validation_function.jobs import Counts, Job, State

KEYS = ("client", "job_id")
BY_TIME, CREATED_AT = "by_time", "created_at"
# Results, batches and claims are removed then, too.
KEPT_S = 30 * 24 * 3600
_CONDITION: Refusals = {"ConditionalCheckFailedException": ConflictError}


class JobsTable:
    """Jobs in and out, by single conditional writes; `client` is a DynamoDB client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def create(self, job: Job) -> None:
        """Keep a new job.

        Raises:
            ConflictError: the client has a job with this id.
        """
        row = {
            name: _value(of)
            for name, of in {**asdict(job), **asdict(job.counts), "asked": json.dumps(job.asked)}.items()
            if name != "counts" and of is not None
        }
        with translate_aws_errors("DynamoDB", _CONDITION):
            self._client.put_item(
                TableName=self._table,
                Item={**row, EXPIRES_AT: _value(int(job.created_at) + KEPT_S)},
                ConditionExpression="attribute_not_exists(job_id)",
            )

    def read(self, client: str, job_id: str, *, consistent: bool = True) -> Job:
        """A job of a client.

        Raises:
            NotFoundError: the client has no such job.
        """
        with translate_aws_errors("DynamoDB", {}):
            key = _key(client, job_id)
            row = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=consistent).get("Item")
            if row is not None:
                return _job(row)
        raise NotFoundError(f"this client has no job {job_id}.")

    def listed(self, client: str, limit: int, next_token: str | None) -> tuple[list[Job], str | None]:
        """A page of a client's jobs, newest first, and the token of the next page.

        Raises:
            RequestError: the token is not one that this service gave.
        """
        more = {}
        if next_token:
            start = start_of(next_token, client="S", job_id="S", created_at="N")
            more = {"ExclusiveStartKey": {**start, "client": _value(client)}}
        with translate_aws_errors("DynamoDB", {"ValidationException": RequestError}):
            found = self._client.query(
                TableName=self._table,
                IndexName=BY_TIME,
                KeyConditionExpression="client = :client",
                ExpressionAttributeValues={":client": _value(client)},
                ScanIndexForward=False,
                Limit=limit,
                **more,
            )
            return [_job(row) for row in found["Items"]], token_of(found.get("LastEvaluatedKey"))

    def change(self, job: Job, *states: State, **values: Any) -> Job:
        """Set fields of a job that is in one of `states`, in the attempt that `job` is; the job as it is then.

        A field whose value is None is removed.

        Raises:
            ConflictError: it is in another state by now, or in another attempt.
        """
        names = {f"#{name}": name for name in (*values, "state", "attempt")}
        kept = {name: value for name, value in values.items() if value is not None}
        gone = [f"#{name}" for name in values if name not in kept]
        told = {f":{name}": _value(value) for name, value in kept.items()}
        allowed = {f":state{place}": _value(state) for place, state in enumerate(states)}
        removed = f" REMOVE {', '.join(gone)}" if gone else ""
        with translate_aws_errors("DynamoDB", _CONDITION):
            return _job(
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(job.client, job.job_id),
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in kept) + removed,
                    ConditionExpression=f"#state IN ({', '.join(allowed)}) AND #attempt = :this_attempt",
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues={**told, **allowed, ":this_attempt": _value(job.attempt)},
                    ReturnValues="ALL_NEW",
                )["Attributes"]
            )

    def report(self, job: Job, more: Counts) -> None:
        """Add what a worker has done to a job's counts."""
        counts = asdict(more)
        with translate_aws_errors("DynamoDB", {}):
            self._client.update_item(
                TableName=self._table,
                Key=_key(job.client, job.job_id),
                UpdateExpression="SET updated_at = :now ADD " + ", ".join(f"{name} :{name}" for name in counts),
                ExpressionAttributeValues={
                    ":now": _value(time.time()),
                    **{f":{name}": _value(count) for name, count in counts.items()},
                },
            )


def _key(client: str, job_id: str) -> dict[str, dict[str, str]]:
    return {"client": _value(client), "job_id": _value(job_id)}


def _value(value: str | float) -> dict[str, str]:
    return {"S": value} if isinstance(value, str) else {"N": str(round(value, 6))}


def _job(row: dict[str, dict[str, str]]) -> Job:
    def number(name: str) -> float:
        return float(row[name]["N"])

    return Job(
        client=row["client"]["S"],
        job_id=row["job_id"]["S"],
        asked=json.loads(row["asked"]["S"]),
        etag=row["etag"]["S"],
        created_at=number("created_at"),
        updated_at=number("updated_at"),
        state=State(row["state"]["S"]),
        attempt=int(number("attempt")),
        lines=int(number("lines")),
        batches=int(number("batches")),
        counts=Counts(*(int(number(name)) for name in asdict(Counts()))),
        finished_at=number("finished_at") if "finished_at" in row else None,
        error=row["error"]["S"] if "error" in row else None,
    )
