"""S3's events reach the indexing function whatever happens on the way."""

import json
import threading
from queue import SimpleQueue
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from face_validation.local.aws import events
from face_validation.local.aws.events import PhotoEvents, expiry_schedule
from face_validation.local.aws.stores import PeopleStores
from face_validation_function.settings import EXPIRE

STORES = PeopleStores("faces", "table", "collection", "letters", "events")
MESSAGE = {"Body": json.dumps({"Records": []}), "ReceiptHandle": "1"}


class FakeQueue:
    """Answers each call to fetch messages by the next of these, then none for ever."""

    def __init__(self, *answers: list[dict[str, str]] | Exception) -> None:
        self._answers = iter(answers)
        self.deleted = threading.Event()

    def receive_message(self, **_: object) -> dict[str, Any]:
        answer = next(self._answers, [])
        if isinstance(answer, Exception):
            raise answer
        return {"Messages": answer}

    def delete_message(self, **_: object) -> None:
        self.deleted.set()


def test_a_call_that_fails_does_not_end_indexing() -> None:
    queue = FakeQueue(EndpointConnectionError(endpoint_url="http://127.0.0.1"), [MESSAGE])
    indexed: list[dict[str, Any]] = []

    with PhotoEvents(lambda event, _: indexed.append(event), STORES, s3=None, sqs=queue).delivered():
        assert queue.deleted.wait(60)

    assert indexed == [{"Records": []}]


def test_the_schedule_asks_for_what_has_expired_to_be_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "EXPIRY_EVERY_S", 0.0)
    asked: SimpleQueue[dict[str, Any]] = SimpleQueue()

    with expiry_schedule(lambda event, _: asked.put(event)):
        assert asked.get(timeout=60) == {"operation": EXPIRE}
