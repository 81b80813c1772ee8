"""The DynamoDB table of claims: whatever may be done once, by one owner, until a time.

A row has `id` (the only key), `expiration` (seconds since 1970, by which DynamoDB removes the row), `owner`, and `data`
once there is an outcome. Each use starts its keys with a word of its own.
"""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

from face_validation_function.exceptions.exceptions import ConflictError, InternalServerError, RequestUnderWayError
from face_validation_function.integrations.aws_client import Refusals
from face_validation_function.integrations.dynamodb import Table
from face_validation_function.reasons import Reason

KEY, EXPIRES_AT = "id", "expiration"
ANSWERS_KEPT_S = 3600
# A function that is killed answers nothing more: from then on its claim is nobody's.
GRACE_S = 3

Json = dict[str, Any]
Value = TypeVar("Value")


class ClaimLostError(InternalServerError, has_own_code=False):
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
        self._table = Table(client, table)

    def claim(self, key: str, owner: str, expires_at: int) -> Claim:
        """Take `key` for `owner` when it is free or expired; the claim that stands, whosever it is.

        Of any number of callers at once, all are told the same owner. A claim that stands is not changed, so that its
        own owner finds the outcome too.
        """
        row = {KEY: key, "owner": owner, EXPIRES_AT: expires_at}
        free = f"attribute_not_exists(#{KEY}) OR #{EXPIRES_AT} < :now"
        return _claim(self._table.put_or_read(row, free, {"now": int(time.time())}))

    def record(self, key: str, owner: str, outcome: str, expires_at: int | None = None) -> None:
        """Keep the outcome beside the owner's claim, until then where it is told; raises ClaimLostError."""
        later = "" if expires_at is None else f", #{EXPIRES_AT} = :expires"
        self._table.write(
            "update_item",
            {"outcome": outcome, "owner": owner, "expires": expires_at},
            _LOST,
            Key={KEY: key},
            UpdateExpression=f"SET #data = :outcome{later}",
            ConditionExpression="#owner = :owner",
        )

    def release(self, key: str, owner: str) -> None:
        """Give up the owner's claim, which has no outcome; one that is another's by now stays."""
        own = "#owner = :owner AND attribute_not_exists(#data)"
        with suppress(ClaimLostError):
            self._table.write("delete_item", {"owner": owner}, _LOST, Key={KEY: key}, ConditionExpression=own)

    def read_many(self, keys: Sequence[str]) -> list[Claim]:
        """The claims that stand under up to 100 keys, expired ones too, in no order; read consistently."""
        return [_claim(row) for row in self._table.read_many([{KEY: key} for key in keys])]

    def read(self, key: str) -> Claim | None:
        """The claim that stands under a key, read consistently; None when there is none or it is expired."""
        row = self._table.get({KEY: key})
        claim = _claim(row) if row else None
        # DynamoDB removes a row within days of its expiration, not at once.
        return claim if claim and claim.expires_at >= int(time.time()) else None


def answered_once(
    claims: ClaimsTable,
    key: Sequence[str],
    sent: object,
    remaining_s: float,
    work: Callable[[], Value],
    *,
    as_json: Callable[[Value], Json],
    keep: bool,
) -> Value | Json:
    """What `work` answers, or, as JSON, what it answered when the same was sent under this key within an hour.

    `work` has ended after `remaining_s` in whichever way; what it raises is not kept. Without `keep` duplicates are
    refused only while it runs. RequestUnderWayError then; ConflictError when something else was sent under the key.
    """
    name, owner = f"replay#{_digest(list(key))}", uuid.uuid4().hex
    claim = claims.claim(name, owner, int(time.time() + remaining_s) + GRACE_S)
    if claim.outcome is not None:
        kept: Json = json.loads(claim.outcome)
        if kept["sent"] != _digest(sent):
            message = "id_request: another body was sent with it within the last hour."
            raise ConflictError(message, Reason.ID_REQUEST_REUSED)
        return dict(kept["answer"])
    if claim.owner != owner:
        raise RequestUnderWayError("id_request: the same request is being answered.")
    try:
        value = work()
    except BaseException:
        claims.release(name, owner)
        raise
    if keep:
        outcome = json.dumps({"sent": _digest(sent), "answer": as_json(value)}, allow_nan=False)
        claims.record(name, owner, outcome, int(time.time()) + ANSWERS_KEPT_S)
    else:
        claims.release(name, owner)
    return value


_LOST: Refusals = {"ConditionalCheckFailedException": ClaimLostError}


def _digest(sent: object) -> str:
    return sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def _claim(row: dict[str, Any]) -> Claim:
    return Claim(row[KEY], row["owner"], row[EXPIRES_AT], row.get("data"))
