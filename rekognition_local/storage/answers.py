"""Replies that are remembered for their ClientRequestToken."""

import time
from dataclasses import dataclass

from rekognition_local.storage.database import Store

REMEMBERED_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class RememberedReply:
    """A reply and the digest of the request that it answered."""

    request_digest: str
    reply: str


def recall(store: Store, operation: str, token: str) -> RememberedReply | None:
    """The reply to an operation's token; those older than a day are deleted first."""
    store.run("DELETE FROM answers WHERE answered < ?", time.time() - REMEMBERED_S)
    row = store.row("SELECT request_digest, reply FROM answers WHERE operation = ? AND token = ?", operation, token)
    return None if row is None else RememberedReply(*row)


def remember(store: Store, operation: str, token: str, collection_id: str, reply: RememberedReply) -> None:
    """Keep the reply for a day."""
    row = (operation, token, collection_id, reply.request_digest, reply.reply, time.time())
    store.run("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", *row)
