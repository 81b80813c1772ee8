"""The DynamoDB table of claims: whatever may be done once, by one owner, until a time.

A row is what Powertools' idempotency layer keeps under its default names: `id` (the only key), `expiration` (seconds
since 1970, by which DynamoDB removes the row), `status` and `data`; `owner` is ours. Each use starts its keys with a
word of its own.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from face_validation_function.exceptions.exceptions import InternalServerError
from face_validation_function.integrations.aws_errors import code_of, translate_aws_errors

KEY, EXPIRES_AT = "id", "expiration"
CLAIMED, RECORDED = "CLAIMED", "RECORDED"

_REFUSED = "ConditionalCheckFailedException"

Row = dict[str, dict[str, str]]


class ClaimLostError(InternalServerError):
    """The claim is not its owner's any more: it expired, and perhaps another owner has it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What stands under a key: whose it is, until when (seconds since 1970), and the outcome once it is recorded."""

    key: str
    owner: str
    expires_at: int
    outcome: str | None = None


class ClaimsTable:
    """Claims in and out, by single conditional writes; `client` is a DynamoDB client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def claim(self, key: str, owner: str, expires_at: int) -> Claim:
        """Take `key` for `owner` when it is free or expired; the claim that stands, whosever it is.

        Of any number of callers at once, all are told the same owner. A claim that stands is not changed, so that its
        own owner finds the outcome too.
        """
        row = {KEY: _text(key), "owner": _text(owner), EXPIRES_AT: _number(expires_at), "status": _text(CLAIMED)}
        with translate_aws_errors("DynamoDB", {}):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=row,
                    ConditionExpression="attribute_not_exists(#key) OR #expires < :now",
                    ExpressionAttributeNames={"#key": KEY, "#expires": EXPIRES_AT},
                    ExpressionAttributeValues={":now": _number(_now())},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if code_of(error) != _REFUSED:
                    raise
                row = error.response["Item"]  # type: ignore[typeddict-item] # botocore's stubs know no such field
            return _claim(row)

    def record(self, key: str, owner: str, outcome: str, expires_at: int | None = None) -> None:
        """Keep the outcome beside the owner's claim, until then where it is told; once more is the same.

        Raises:
            ClaimLostError: the claim is not the owner's any more.
        """
        later = "" if expires_at is None else ", #expires = :expires"
        names: dict[str, str] = {} if expires_at is None else {"#expires": EXPIRES_AT}
        values = {} if expires_at is None else {":expires": _number(expires_at)}
        with translate_aws_errors("DynamoDB", {_REFUSED: ClaimLostError}):
            self._client.update_item(
                TableName=self._table,
                Key={KEY: _text(key)},
                UpdateExpression=f"SET #data = :outcome, #status = :recorded{later}",
                ConditionExpression="#owner = :owner",
                ExpressionAttributeNames={"#data": "data", "#status": "status", "#owner": "owner", **names},
                ExpressionAttributeValues={
                    ":outcome": _text(outcome),
                    ":recorded": _text(RECORDED),
                    ":owner": _text(owner),
                    **values,
                },
            )

    def release(self, key: str, owner: str) -> None:
        """Give up the owner's claim, which has no outcome; one that is another's by now stays."""
        with suppress(ClaimLostError), translate_aws_errors("DynamoDB", {_REFUSED: ClaimLostError}):
            self._client.delete_item(
                TableName=self._table,
                Key={KEY: _text(key)},
                ConditionExpression="#owner = :owner AND #status = :claimed",
                ExpressionAttributeNames={"#owner": "owner", "#status": "status"},
                ExpressionAttributeValues={":owner": _text(owner), ":claimed": _text(CLAIMED)},
            )

    def read_many(self, keys: Sequence[str]) -> list[Claim]:
        """The claims that stand under up to 100 keys, expired ones too, in no order; read consistently."""
        asked: Any = {self._table: {"Keys": [{KEY: _text(key)} for key in keys], "ConsistentRead": True}}
        found: list[Claim] = []
        with translate_aws_errors("DynamoDB", {}):
            while asked:  # an answer holds 16 MB at most, and says what it left out
                answer = self._client.batch_get_item(RequestItems=asked)
                found += map(_claim, answer["Responses"][self._table])
                asked = answer.get("UnprocessedKeys")
        return found

    def read(self, key: str) -> Claim | None:
        """The claim that stands under a key, read consistently; None when there is none or it is expired."""
        with translate_aws_errors("DynamoDB", {}):
            row = self._client.get_item(TableName=self._table, Key={KEY: _text(key)}, ConsistentRead=True).get("Item")
            claim = _claim(row) if row else None
        # DynamoDB removes a row within days of its expiration, not at once.
        return claim if claim and claim.expires_at >= _now() else None


def _now() -> int:
    return int(time.time())


def _claim(row: Row) -> Claim:
    outcome = row.get("data", {}).get("S")
    return Claim(row[KEY]["S"], row["owner"]["S"], int(row[EXPIRES_AT]["N"]), outcome)


def _text(value: str) -> dict[str, str]:
    return {"S": value}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}
