"""boto3 clients with everything that botocore's releases have changed pinned down, and what they raise in our words."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from face_validation_function.exceptions.exceptions import FaceValidationError, InternalServerError, ServiceBusyError
from face_validation_function.reasons import Reason

Refusals = Mapping[str, type[FaceValidationError]]

# The codes by which AWS's services say that they are asked too often.
THROTTLED: Refusals = dict.fromkeys(
    (
        *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ServiceUnavailable"),
        *("SlowDown", "Throttling", "ThrottlingException"),
    ),
    ServiceBusyError,
)

# What a code says beyond the class of its exception.
_REASONS: Mapping[str, Reason] = {
    **dict.fromkeys(("NoSuchKey", "NoSuchVersion", "404"), Reason.OBJECT_MISSING),
    **dict.fromkeys(("AccessDenied", "403"), Reason.OBJECT_DENIED),
    "InvalidImageFormatException": Reason.FORMAT_NOT_SUPPORTED,
}


def aws_client(
    service: Literal["s3", "rekognition", "dynamodb", "sqs", "stepfunctions", "events", "kms", "cognito-idp"],
    *,
    attempts: int = 3,
) -> Any:
    """A client, safe to call from threads once made; on one machine `AWS_ENDPOINT_URL_<SERVICE>` is its address."""
    # At DEBUG botocore logs whole replies: text of documents, and names. Whatever the process's level is, it may not.
    logging.getLogger("botocore").setLevel(logging.INFO)
    config = Config(
        # Within the handler's deadline; `standard` retries only throttling, 5xx and broken connections.
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=2,
        read_timeout=8,
        max_pool_connections=50,
        tcp_keepalive=True,
        # Presigned forms would else be signed by the old version 2, which newer regions refuse.
        signature_version="s3v4" if service == "s3" else None,
    )
    return boto3.session.Session().client(service, config=config)


@contextmanager
def translate_aws_errors(call: str, refusals: Refusals) -> Iterator[None]:
    """Raise our exceptions for everything that the call inside raises; `call` is its name, as the caller is told.

    `refusals` maps codes to exceptions, `KMS.*` every code that begins so; another code is a failure of the service.
    """
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        family = f"{code.partition('.')[0]}.*"
        kind = refusals.get(code) or THROTTLED.get(code) or refusals.get(family, InternalServerError)
        # Only of a refusal: what else is denied is the deployment's fault, which concerns no caller's object.
        reasons = (_REASONS[code],) if code in refusals and code in _REASONS else ()
        raise kind(f"{call} answered {code or 'an error without a code'}.", *reasons) from error
    except (BotoCoreError, HTTPClientError, ResponseParserError) as error:
        raise InternalServerError(f"{call} failed ({type(error).__name__}).") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InternalServerError(f"{call} returned an unexpected response.") from error


def code_of(error: ClientError) -> str:
    """The error code that AWS answered, empty when it gave none."""
    return str(error.response.get("Error", {}).get("Code", ""))
