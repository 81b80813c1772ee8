"""ClientRequestToken: the same request with the same token is done once and answered alike."""

import json
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from rekognition_local.operations.service import Operation, Service
from rekognition_local.protocol.wire import ServiceError
from rekognition_local.storage.records import RememberedReply


def change_of_a_user(name: str) -> Callable[[Operation], Operation]:
    """Make an operation idempotent, the change and the memory of it in one transaction, and alone with its user.

    Raises:
        ServiceError: IdempotentParameterMismatchException when the token came with other parameters before;
            ConflictException while another request changes the same user.
    """

    def decorate(operation: Operation) -> Operation:
        @wraps(operation)
        def answer(service: Service, request: dict[str, Any]) -> dict[str, Any]:
            with service.gallery.updating(request["CollectionId"], request["UserId"]):
                token = request.get("ClientRequestToken")
                return operation(service, request) if token is None else _once(service, request, token)

        def _once(service: Service, request: dict[str, Any], token: str) -> dict[str, Any]:
            store, digest = service.gallery.store, sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
            asked = f"{service.gallery.region} {name}"
            with store.transaction():
                known = store.recall(asked, token)
                if known is None:
                    reply = operation(service, request)
                    store.remember(asked, token, request["CollectionId"], RememberedReply(digest, json.dumps(reply)))
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
