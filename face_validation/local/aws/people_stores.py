"""Where people are enrolled on this machine: faces bucket, collection, table, queues, and S3's events on their way."""

import json
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote_plus

from face_validation.local.gateway.proxy_event import LambdaContext
from face_validation_function.integrations.faces_table import BY_EXPIRY, BY_FACE_ID, BY_NAME
from face_validation_function.settings import EXPIRE, INDEX_PREFIX, THRESHOLD_DUPLICATE, THRESHOLD_POSSIBLE_DUPLICATE

# As AWS Lambda does with an asynchronous event: two more attempts, then the dead-letter queue.
ATTEMPTS = 3
INDEXING_TIMEOUT_S = 60.0
EXPIRY_EVERY_S, EXPIRY_TIMEOUT_S = 10.0, 28.0
PAUSE_S = 1.0
COLLECTION_ID = "face-validation"

logger = logging.getLogger(__name__)

IndexingHandler = Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True, slots=True)
class PeopleStores:
    """The names of everything that the people functions use."""

    faces_bucket: str
    faces_table: str
    collection_id: str
    dead_letter_queue_url: str
    events_queue_url: str

    @classmethod
    def create(cls, run: str, *, s3: Any, dynamodb: Any, sqs: Any, rekognition: Any) -> "PeopleStores":
        """Make them with the given clients, as the deployment does; `run` keeps their names apart."""
        events_url = sqs.create_queue(QueueName=f"face-validation-events-{run}")["QueueUrl"]
        letters_url = sqs.create_queue(QueueName=f"face-validation-dead-letters-{run}")["QueueUrl"]
        events_arn = sqs.get_queue_attributes(QueueUrl=events_url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        bucket, table = f"face-validation-faces-{run}", f"face-validation-faces-{run}"
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        created = {
            "QueueArn": events_arn,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": INDEX_PREFIX}]}},
        }
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [created]}
        )
        dynamodb.create_table(TableName=table, **table_definition())
        if COLLECTION_ID not in rekognition.list_collections()["CollectionIds"]:
            rekognition.create_collection(CollectionId=COLLECTION_ID)
        return cls(bucket, table, COLLECTION_ID, letters_url, events_url)

    def settings(self) -> dict[str, str]:
        """The variables that the people functions have beside the validation function's."""
        return {
            "FACES_BUCKET": self.faces_bucket,
            "FACES_TABLE": self.faces_table,
            "COLLECTION_ID": self.collection_id,
            "DEAD_LETTER_QUEUE_URL": self.dead_letter_queue_url,
            "THRESHOLD_DUPLICATE": str(THRESHOLD_DUPLICATE),
            "THRESHOLD_POSSIBLE_DUPLICATE": str(THRESHOLD_POSSIBLE_DUPLICATE),
            "PEOPLE_DAYS": "0",
        }


def table_definition() -> dict[str, Any]:
    """The table of enrolled faces as DynamoDB's CreateTable takes it; the deployment's has the same keys."""

    def keys(partition: str, sort: str | None = None) -> list[dict[str, str]]:
        named = [(partition, "HASH"), *([(sort, "RANGE")] if sort else [])]
        return [{"AttributeName": name, "KeyType": kind} for name, kind in named]

    indexes = {BY_FACE_ID: keys("face_id"), BY_NAME: keys("listing", "full_name")}
    indexes[BY_EXPIRY] = keys("expiring", "expires_at")
    names = ("full_name", "photo_id", "face_id", "listing", "expiring", "expires_at")
    return {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "KeySchema": keys("full_name", "photo_id"),
        "GlobalSecondaryIndexes": [
            {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
            for name, schema in indexes.items()
        ],
    }


class Repeated(ABC):
    """Work that repeats in a thread of its own, `every_s` seconds apart, until it is left."""

    def __init__(self, name: str, every_s: float) -> None:
        self._every_s = every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            try:
                self.work()
            except Exception:
                # One call that failed must not end the work for good: what was not done comes again.
                logger.exception("%s failed; it is tried again.", self._thread.name)
                self._stopped.wait(PAUSE_S)

    @abstractmethod
    def work(self) -> None:
        """Do it once."""


class PhotoEvents(Repeated):
    """Brings S3's events to the indexing function, as they come.

    What fails is delivered twice more and then kept in the dead-letter queue with the reason, as AWS Lambda does.
    """

    def __init__(self, handler: IndexingHandler, stores: PeopleStores, *, s3: Any, sqs: Any) -> None:
        super().__init__("photo-events", every_s=0)
        self._handler, self._stores, self._s3, self._sqs = handler, stores, s3, sqs

    def work(self) -> None:
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
            except Exception as error:  # noqa: BLE001 - whatever an event raises is tried again, as on AWS
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


class ExpirySchedule(Repeated):
    """Asks the people function to erase what has expired, as the deployment's schedule does."""

    def __init__(self, handler: IndexingHandler) -> None:
        super().__init__("expiry", every_s=EXPIRY_EVERY_S)
        self._handler = handler

    def work(self) -> None:
        """Ask once."""
        self._handler({"operation": EXPIRE}, LambdaContext(EXPIRY_TIMEOUT_S))
