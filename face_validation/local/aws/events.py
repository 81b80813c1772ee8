"""What AWS does by itself and this machine must be made to do: S3's events on their way, and the schedule of expiry."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import unquote_plus

from face_validation.local.aws.stores import PeopleStores
from face_validation.local.gateway.proxy_event import LambdaContext
from face_validation_function.settings import EXPIRE

# As AWS Lambda does with an asynchronous event: two more attempts, then the dead-letter queue.
ATTEMPTS = 3
INDEXING_TIMEOUT_S = 60.0
EXPIRY_EVERY_S, EXPIRY_TIMEOUT_S = 10.0, 28.0
PAUSE_S = 1.0

logger = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any], Any], Any]


@contextmanager
def repeated(name: str, every_s: float, work: Callable[[], object]) -> Iterator[None]:
    """Within the `with`, `work` repeats in a thread of its own, `every_s` seconds apart."""
    stopped = threading.Event()

    def run() -> None:
        while not stopped.wait(every_s):
            try:
                work()
            except Exception:
                # One call that failed must not end the work for good: what was not done comes again.
                logger.exception("%s failed; it is tried again.", name)
                stopped.wait(PAUSE_S)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def expiry_schedule(handler: Handler) -> AbstractContextManager[None]:
    """Asks the people function to erase what has expired, as the deployment's schedule does."""
    return repeated("expiry", EXPIRY_EVERY_S, lambda: handler({"operation": EXPIRE}, LambdaContext(EXPIRY_TIMEOUT_S)))


class PhotoEvents:
    """Brings S3's events to the indexing function, as they come.

    What fails is delivered twice more and then kept in the dead-letter queue with the reason, as AWS Lambda does.
    """

    def __init__(self, handler: Handler, stores: PeopleStores, *, s3: Any, sqs: Any) -> None:
        self._handler, self._stores, self._s3, self._sqs = handler, stores, s3, sqs

    def delivered(self) -> AbstractContextManager[None]:
        """Within the `with`, events are delivered."""
        return repeated("photo-events", 0, self._deliver_all)

    def _deliver_all(self) -> None:
        """Deliver the events that wait; a second passes when there are none."""
        queue = self._stores.events_queue_url
        found = self._sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in found.get("Messages", ()):
            self._deliver(self._as_aws_sends_it(json.loads(message["Body"])))
            self._sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    def _deliver(self, event: dict[str, Any]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._handler(event, LambdaContext(INDEXING_TIMEOUT_S))
            except Exception as error:  # noqa: BLE001 - stands in for Lambda, which retries after any error
                logger.warning("Indexing, attempt %d of %d: %s", attempt, ATTEMPTS, error)
                reason = str(error)
            else:
                return
        letter = {"error": "InternalServerError", "reason": reason, "record": event["Records"]}
        self._sqs.send_message(QueueUrl=self._stores.dead_letter_queue_url, MessageBody=json.dumps(letter))

    def _as_aws_sends_it(self, event: dict[str, Any]) -> dict[str, Any]:
        """With the version, which moto leaves out of an event of a versioned bucket."""
        for record in event.get("Records", ()):
            stored = record["s3"]["object"]
            head = self._s3.list_object_versions(
                Bucket=self._stores.faces_bucket, Prefix=unquote_plus(stored["key"]), MaxKeys=1
            )
            for version in head.get("Versions", ())[:1]:
                stored.setdefault("versionId", version["VersionId"])
        return event
