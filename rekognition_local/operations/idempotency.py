"""ClientRequestToken: the same request with the same token is done once and answered alike."""

import json
import time
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from rekognition_local.operations.service import Operation, Service
from rekognition_local.protocol.wire import ServiceError

REMEMBERED_S = 24 * 3600.0


def once_for_each_token(name: str) -> Callable[[Operation], Operation]:
    """Make an operation idempotent; its change and the memory of it are one transaction.

    Raises:
        ServiceError: IdempotentParameterMismatchException when the token came with other parameters before.
    """

    def decorate(operation: Operation) -> Operation:
        @wraps(operation)
        def answer(service: Service, request: dict[str, Any]) -> dict[str, Any]:
            token = request.get("ClientRequestToken")
            if token is None:
                return operation(service, request)
            store, digest = service.gallery.store, sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
            with store.transaction():
                store.run("DELETE FROM answers WHERE answered < ?", time.time() - REMEMBERED_S)
                known = store.row(
                    "SELECT request_digest, reply FROM answers WHERE operation = ? AND token = ?", name, token
                )
                if known is None:
                    reply = operation(service, request)
                    answer_row = (name, token, request["CollectionId"], digest, json.dumps(reply), time.time())
                    store.run("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", *answer_row)
                    return reply
                if known[0] != digest:
                    raise ServiceError(
                        "IdempotentParameterMismatchException",
                        f"The ClientRequestToken: {token} you have supplied is already in use.",
                    )
                remembered: dict[str, Any] = json.loads(known[1])
                return remembered

        return answer

    return decorate
