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

from face_validation_function.exceptions.exceptions import InternalServerError
from face_validation_function.integrations.aws_errors import Refusals
from face_validation_function.integrations.dynamodb import Table

KEY, EXPIRES_AT = "id", "expiration"
CLAIMED, RECORDED = "CLAIMED", "RECORDED"


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
        row = {KEY: key, "owner": owner, EXPIRES_AT: expires_at, "status": CLAIMED}
        free = f"attribute_not_exists(#{KEY}) OR #{EXPIRES_AT} < :now"
        return _claim(self._table.put_or_read(row, free, {"now": _now()}))

    def record(self, key: str, owner: str, outcome: str, expires_at: int | None = None) -> None:
        """Keep the outcome beside the owner's claim, until then where it is told; once more is the same.

        Raises:
            ClaimLostError: the claim is not the owner's any more.
        """
        later = "" if expires_at is None else f", #{EXPIRES_AT} = :expires"
        self._table.ask(
            "update_item",
            {"outcome": outcome, "recorded": RECORDED, "owner": owner, "expires": expires_at},
            _LOST,
            Key={KEY: key},
            UpdateExpression=f"SET #data = :outcome, #status = :recorded{later}",
            ConditionExpression="#owner = :owner",
        )

    def release(self, key: str, owner: str) -> None:
        """Give up the owner's claim, which has no outcome; one that is another's by now stays."""
        own = "#owner = :owner AND #status = :claimed"
        with suppress(ClaimLostError):
            values = {"owner": owner, "claimed": CLAIMED}
            self._table.ask("delete_item", values, _LOST, Key={KEY: key}, ConditionExpression=own)

    def read_many(self, keys: Sequence[str]) -> list[Claim]:
        """The claims that stand under up to 100 keys, expired ones too, in no order; read consistently."""
        return [_claim(row) for row in self._table.read_many([{KEY: key} for key in keys])]

    def read(self, key: str) -> Claim | None:
        """The claim that stands under a key, read consistently; None when there is none or it is expired."""
        row = self._table.get({KEY: key})
        claim = _claim(row) if row else None
        # DynamoDB removes a row within days of its expiration, not at once.
        return claim if claim and claim.expires_at >= _now() else None


_LOST: Refusals = {"ConditionalCheckFailedException": ClaimLostError}


def _now() -> int:
    return int(time.time())


def _claim(row: dict[str, Any]) -> Claim:
    return Claim(row[KEY], row["owner"], row[EXPIRES_AT], row.get("data"))
