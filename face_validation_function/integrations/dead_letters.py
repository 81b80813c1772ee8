"""The queue of photos that could not be enrolled: the record of the event, and the reason."""

import json
from typing import Any

from face_validation_function.exceptions.exceptions import FaceValidationError
from face_validation_function.integrations.aws_client import translate_aws_errors


class DeadLetters:
    """Puts failures that a retry cannot mend where people look for them; `client` is an SQS client."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, record: Any, error: FaceValidationError) -> None:
        """Keep one S3 record with the reason why its photo was not enrolled."""
        letter: dict[str, Any] = {"error": error.code, "reason": str(error), "reasons": list(error.reasons)}
        with translate_aws_errors("SQS", {}):
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(letter | {"record": record}))
