"""Amazon S3 in our words: a bucket and a key in, an image file's bytes out, our exceptions only."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from face_validation_function.exceptions.exceptions import (
    FaceValidationError,
    ImageTooLargeError,
    InternalServerError,
    InvalidS3ObjectError,
    ServiceBusyError,
)
from face_validation_function.utils.image_processing import MAX_OBJECT_BYTES

# What S3 says of an object or bucket that cannot be read; all else is a failure of the service
# (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
_REFUSALS: dict[str, type[FaceValidationError]] = {
    "NoSuchKey": InvalidS3ObjectError,
    "404": InvalidS3ObjectError,
    "AccessDenied": InvalidS3ObjectError,
    "403": InvalidS3ObjectError,
    "InvalidObjectState": InvalidS3ObjectError,
    "KeyTooLongError": InvalidS3ObjectError,
    "SlowDown": ServiceBusyError,
    "ServiceUnavailable": ServiceBusyError,
    "RequestLimitExceeded": ServiceBusyError,
    "Throttling": ServiceBusyError,
}


class S3Service:
    """Reads the images that callers have put into their bucket."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def image(self, bucket: str, key: str) -> bytes:
        """The bytes of one object, 1 byte to 15 MB.

        Raises:
            InvalidS3ObjectError: missing, denied or empty.
            ImageTooLargeError: more than 15 MB; refused by its length, before it is read.
            InternalServerError: S3 failed; ServiceBusyError when it throttled past the retries.
        """
        try:
            found = self._client.get_object(Bucket=bucket, Key=key)
            size = found["ContentLength"]
            if size > MAX_OBJECT_BYTES:
                found["Body"].close()
                raise ImageTooLargeError(f"the object has {size} bytes; the limit is {MAX_OBJECT_BYTES} (15 MB).")
            data: bytes = found["Body"].read()
        except ClientError as error:
            raise _refusal(error) from error
        except (BotoCoreError, HTTPClientError, ResponseParserError, KeyError, TypeError, AttributeError) as error:
            raise InternalServerError(f"S3 did not answer as it should ({type(error).__name__}).") from error
        if not data:
            raise InvalidS3ObjectError("the object is empty (0 bytes; at least 1 is needed).")
        return data


def _refusal(error: ClientError) -> FaceValidationError:
    code = error.response.get("Error", {}).get("Code", "")
    kind = _REFUSALS.get(code, InternalServerError)
    if kind is InvalidS3ObjectError:
        return InvalidS3ObjectError(f"the object cannot be read: S3 answered {code}.")
    return kind(f"S3 answered {code or 'an error without a code'}.")
