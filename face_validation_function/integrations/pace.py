"""Rekognition at the account's pace: workers together make so many calls of an operation in a second, and no more."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from face_validation_function.exceptions.exceptions import ServiceBusyError
from face_validation_function.integrations.aws_client import THROTTLED, code_of
from face_validation_function.integrations.claims_table import EXPIRES_AT, KEY
from face_validation_function.integrations.dynamodb import ConditionNotMetError, Table

FAILURES = 3
MOST_BACKOFF_S = 10.0
_MICROSECONDS = 1_000_000
_ROW_S = 24 * 3600


class Pace:
    """Gives out points in time, `per_second` of them for each operation, to whoever asks: a token bucket of depth one.

    The next free point is one row for each operation. Taking it is one conditional write, so that any number of workers
    keep to the rate together, and none of them polls: each sleeps until its own point in time.
    """

    def __init__(self, client: Any, table: str, per_second: float, clock: Callable[[], float] = time.time) -> None:
        self._table, self._clock = Table(client, table), clock
        self._step = round(_MICROSECONDS / per_second)

    def take(self, operation: str, within_s: float) -> float:
        """Reserve a call; seconds from now until it may be made. ServiceBusyError if none is free within `within_s`."""
        while True:
            now = round(self._clock() * _MICROSECONDS)
            latest = now + round(within_s * _MICROSECONDS)
            with suppress(ConditionNotMetError):
                within = {"now": now, "latest": latest, "after": self._step}
                taken = self._move(operation, now, "#next BETWEEN :now AND :latest", "#next + :after", within)
                return max(0.0, float(taken["next"] - now) / _MICROSECONDS)
            try:
                over = {"now": now, "after": now + self._step}
                self._move(operation, now, "attribute_not_exists(#next) OR #next < :now", ":after", over)
            except ConditionNotMetError as error:
                row = self._table.get({KEY: f"pace#{operation}"})
                if row and row["next"] > latest:
                    raise ServiceBusyError(f"{operation}: no call is free within {within_s:.0f} s.") from error
                continue  # another worker was faster
            return 0.0

    def _move(self, operation: str, now: int, condition: str, to: str, values: dict[str, int]) -> dict[str, Any]:
        """Move the next free point on where the condition holds; the row's point before."""
        return self._table.write(
            "update_item",
            {**values, "expires": now // _MICROSECONDS + _ROW_S},
            Key={KEY: f"pace#{operation}"},
            UpdateExpression=f"SET #next = {to}, #{EXPIRES_AT} = :expires",
            ConditionExpression=condition,
            ReturnValues="UPDATED_OLD",
        )


class PacedRekognition:
    """A Rekognition client whose every call keeps to the pace; what is throttled waits and is asked again.

    Each call by itself, so that no call is paid for again because the next one of its request was throttled. `client`
    is a boto3 client that tries once; `pace` is None when the account has no limit that matters.
    """

    def __init__(self, client: Any, pace: Pace | None, remaining_s: Callable[[], float]) -> None:
        self._client, self._pace, self._remaining_s = client, pace, remaining_s
        self._lock = threading.Lock()
        self.paid_calls = 0

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return partial(self._call, operation)

    def _call(self, operation: str, **request: Any) -> Any:
        failures = attempt = 0
        while True:
            attempt += 1
            if self._pace is not None:
                time.sleep(self._pace.take(operation, self._remaining_s()))
            try:
                answer = getattr(self._client, operation)(**request)
            except (ClientError, HTTPClientError) as error:
                code = code_of(error) if isinstance(error, ClientError) else ""
                pause_s = random.uniform(0.5, 1) * min(MOST_BACKOFF_S, 0.05 * 2**attempt)  # noqa: S311 - no secret
                is_throttled = code in THROTTLED
                failures += not is_throttled
                may_pass = is_throttled or (code in ("", "InternalServerError") and failures < FAILURES)
                if may_pass and self._remaining_s() > pause_s:
                    time.sleep(pause_s)
                    continue
                self._count(operation, 0 if is_throttled else 1)
                raise
            self._count(operation, 1)
            return answer

    def _count(self, operation: str, calls: int) -> None:
        with self._lock:
            self.paid_calls += 0 if operation == "delete_faces" else calls
