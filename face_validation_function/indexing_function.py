"""The Lambda function that S3's events start: every photo put under `index/` is enrolled."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from face_validation_function.exceptions.exceptions import FaceValidationError, InvalidS3ObjectError
from face_validation_function.integrations.aws_client import aws_client, translate_aws_errors
from face_validation_function.people_function import PeopleAdapters
from face_validation_function.request_timer import RequestTimer
from face_validation_function.rest_function import invocation_of, once, run_operation
from face_validation_function.services.enrolment import Enrolled


def keep_dead_letter(sqs: Any, queue_url: str, record: Any, error: FaceValidationError) -> None:
    """Put an S3 record, with the reason why no retry enrols its photo, where people look for it; by an SQS client."""
    letter = {"error": error.code, "reason": str(error), "reasons": list(error.reasons), "record": record}
    with translate_aws_errors("SQS", {}):
        sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps(letter))


class IndexingAdapters:
    """What is made once for each process of its environment; raises ValueError, naming the variable that is missing."""

    def __init__(self) -> None:
        people = PeopleAdapters.from_environment()
        self.enrolment, self.logger = people.enrolment, people.logger
        self.sqs, self.queue_url = aws_client("sqs"), people.settings.dead_letter_queue_url


class PhotosNotEnrolledError(Exception):
    """Some photos of an event could not be enrolled for now: Lambda delivers the event again, then to the queue."""


_adapters = once(IndexingAdapters)


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, int]:
    """Enrol the photos of one S3 event: what AWS Lambda calls."""
    return index(_adapters(), event, context)


def index(adapters: IndexingAdapters, event: Mapping[str, Any], context: Any) -> dict[str, int]:
    """Enrol every photo of an event; how many were enrolled, were known before, and were refused.

    What no retry can mend (no name, no face, no image) goes to the dead-letter queue with its reason. What may succeed
    later raises PhotosNotEnrolledError at the end, so that the event is delivered again.
    """
    counts = {"enrolled": 0, "known": 0, "refused": 0}
    failed: list[str] = []
    # S3's test event, sent when a notification is set up, has no records.
    for record in event.get("Records", ()):
        if _is_folder(record):
            continue
        work = partial(_enrolled, adapters, record)
        try:
            enrolled = run_operation("index", work, invocation_of(event, context), adapters.logger)
            counts["enrolled" if enrolled.is_new else "known"] += 1
        except FaceValidationError as error:
            if error.status >= 500:
                failed.append(str(error))
            else:
                keep_dead_letter(adapters.sqs, adapters.queue_url, record, error)
                counts["refused"] += 1
    if failed:
        raise PhotosNotEnrolledError(f"{len(failed)} photos were not enrolled for now: {'; '.join(failed)}")
    return counts


def _enrolled(adapters: IndexingAdapters, record: Mapping[str, Any], timer: RequestTimer) -> Enrolled:
    # Its key is encoded as in a form: docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    stored = record["s3"]["object"]
    try:
        key = unquote_plus(stored["key"], errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidS3ObjectError(f"the key {stored['key'][:80]!r} is not UTF-8.") from error
    return adapters.enrolment.enrol(timer, key, stored.get("versionId"))


def _is_folder(record: Mapping[str, Any]) -> bool:
    # S3's console makes a folder by an empty object (docs.aws.amazon.com/AmazonS3/latest/userguide/using-folders.html).
    stored = record["s3"]["object"]
    return str(stored["key"]).endswith("/") and not stored.get("size")
