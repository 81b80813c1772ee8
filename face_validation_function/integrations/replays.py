"""Answers that were given: the same request is answered the same again for an hour, and paid for once."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, TypeVar

from face_validation_function.exceptions.exceptions import ConflictError, RequestUnderWayError
from face_validation_function.integrations.aws_errors import translate_aws_errors
from face_validation_function.reasons import Reason

KEPT_S = 3600
# A function that is killed answers nothing more: from then on its claim is nobody's.
GRACE_MS = 3000
KEY_PREFIX = "replay"

Json = dict[str, Any]
Value = TypeVar("Value")


class _NotKeptError(Exception):
    """Ends the work so that Powertools gives up the claim and keeps nothing."""


class Replays:
    """Powertools' idempotency on the table of claims; `client` is a DynamoDB client.

    Powertools keeps the caller's deadline in its configuration: each request has a configuration of its own. What the
    requests of a process share, the persistence layer, is set up by the first one, the same way for all.
    """

    def __init__(self, client: Any, table: str) -> None:
        # A fifth of a second of imports, which a deployment without replays does not pay.
        from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

        self._store = DynamoDBPersistenceLayer(table, boto3_client=client)

    def once(
        self,
        key: Sequence[str],
        sent: object,
        remaining_s: float,
        work: Callable[[], Value],
        *,
        as_json: Callable[[Value], Json],
        keep: bool,
    ) -> Value | Json:
        """What `work` answers, or, as JSON, what it answered when the same was sent under this key within an hour.

        Args:
            key: whose request it is, and which one.
            sent: what was sent under the key.
            remaining_s: seconds until `work` has ended, in whichever way.
            work: is called unless there is an answer. What it raises is not kept.
            as_json: makes a value what is kept.
            keep: whether the value is kept; without it duplicates are refused only while `work` runs.

        Raises:
            ConflictError: something else was sent under the key.
            RequestUnderWayError: the same is being answered.
            InternalServerError: DynamoDB failed; ServiceBusyError when it throttled past the retries.
        """
        from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, exceptions
        from aws_lambda_powertools.utilities.idempotency.base import IdempotencyHandler

        made: list[Value] = []

        def claimed_work() -> Json:
            made.append(work())
            if not keep:
                raise _NotKeptError
            return as_json(made[0])

        config = IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="sent",
            expires_after_seconds=KEPT_S,
            hash_function="sha256",
            lambda_context=SimpleNamespace(  # type: ignore[arg-type]  # the one method of it that is called
                get_remaining_time_in_millis=lambda: int(remaining_s * 1000) + GRACE_MS
            ),
        )
        handler = IdempotencyHandler(
            claimed_work, {"key": list(key), "sent": sent}, config, self._store, key_prefix=KEY_PREFIX,
            function_args=(), function_kwargs={},
        )  # fmt: skip
        try:
            kept: Json = handler.handle()
        except _NotKeptError:
            return made[0]
        except exceptions.IdempotencyValidationError as error:
            message = "id_request: another body was sent with it within the last hour."
            raise ConflictError(message, Reason.ID_REQUEST_REUSED) from error
        except (exceptions.IdempotencyAlreadyInProgressError, exceptions.IdempotencyInconsistentStateError) as error:
            raise RequestUnderWayError("id_request: the same request is being answered.") from error
        except exceptions.IdempotencyPersistenceLayerError as error:
            failure = error.__cause__ or error
        else:
            return made[0] if made else kept
        # Out of the handler above: an error is not to be its own cause's cause.
        failure.__context__ = None
        with translate_aws_errors("DynamoDB", {}):
            raise failure
