"""ClientRequestToken: the same request with the same token is done once and answered alike."""

import json
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from rekognition_local.operations.service import Operation, Service
from rekognition_local.protocol.wire import ServiceError
from rekognition_local.storage.answers import recall, remember
from rekognition_local.storage.records import RememberedReply


def once_for_each_token(operation_name: str) -> Callable[[Operation], Operation]:
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
            name = f"{service.gallery.region} {operation_name}"
            with store.transaction():
                known = recall(store, name, token)
                if known is None:
                    reply = operation(service, request)
                    remember(store, name, token, request["CollectionId"], RememberedReply(digest, json.dumps(reply)))
                    return reply
                if known.request_digest != digest:
                    raise ServiceError(
                        "IdempotentParameterMismatchException",
                        f"The ClientRequestToken: {token} you have supplied is already in use.",
                    )
                remembered: dict[str, Any] = json.loads(known.reply)
                return remembered

        return answer

    return decorate
