"""The queue of photos that could not be enrolled: the record of the event, and the reason."""

import json
from typing import Any

from face_validation_function.integrations.aws_errors import translate_aws_errors


class DeadLetters:
    """Puts failures that a retry cannot mend where people look for them; `client` is an SQS client."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, record: Any, code: str, reason: str) -> None:
        """Keep one S3 record with the reason why its photo was not enrolled."""
        with translate_aws_errors("SQS", {}):
            self._client.send_message(
                QueueUrl=self._queue_url, MessageBody=json.dumps({"error": code, "reason": reason, "record": record})
            )
