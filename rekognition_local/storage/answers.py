"""Replies that are remembered for their ClientRequestToken."""

import time

from rekognition_local.storage.database import Store
from rekognition_local.storage.records import RememberedReply

REMEMBERED_S = 24 * 3600.0


def recall(store: Store, operation: str, token: str) -> RememberedReply | None:
    """The reply to an operation's token; those older than a day are deleted first."""
    store.run("DELETE FROM answers WHERE answered < ?", time.time() - REMEMBERED_S)
    return next(iter(store.find(RememberedReply, operation=operation, token=token)), None)


def remember(store: Store, operation: str, token: str, collection_id: str, reply: RememberedReply) -> None:
    """Keep the reply for a day."""
    name = {"operation": operation, "token": token, "collection_id": collection_id}
    store.insert("answers", **name, request_digest=reply.request_digest, reply=reply.reply, answered=time.time())
