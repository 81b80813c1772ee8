"""What AWS raises, in our words: one table for each adapter, one place that reads it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from face_validation_function.exceptions.exceptions import FaceValidationError, InternalServerError, ServiceBusyError
from face_validation_function.reasons import Reason

Refusals = Mapping[str, type[FaceValidationError]]

# The codes by which AWS's services say that they are asked too often.
THROTTLED: Refusals = dict.fromkeys(
    (
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    ),
    ServiceBusyError,
)

# What a code says beyond the class of its exception.
_REASONS: Mapping[str, Reason] = {
    **dict.fromkeys(("NoSuchKey", "NoSuchVersion", "404"), Reason.OBJECT_MISSING),
    **dict.fromkeys(("AccessDenied", "403"), Reason.OBJECT_DENIED),
    "InvalidImageFormatException": Reason.FORMAT_NOT_SUPPORTED,
}


@contextmanager
def translate_aws_errors(call: str, refusals: Refusals) -> Iterator[None]:
    """Raise our exceptions for everything that the call inside raises.

    Args:
        call: its name, as the caller is told.
        refusals: error code -> exception; a code that is not in it is a failure of the service. `KMS.*` stands for
            every code that begins so.
    """
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        kind = refusals.get(code) or THROTTLED.get(code) or refusals.get(_family(code), InternalServerError)
        # Only of a refusal: what else is denied is the deployment's fault, which concerns no caller's object.
        reasons = (_REASONS[code],) if code in refusals and code in _REASONS else ()
        raise kind(f"{call} answered {code or 'an error without a code'}.", *reasons) from error
    except (BotoCoreError, HTTPClientError, ResponseParserError) as error:
        raise InternalServerError(f"{call} failed ({type(error).__name__}).") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InternalServerError(f"{call} returned an unexpected response.") from error


class Ignoring:
    """Goes on after the call inside when it answers one of these error codes: there is nothing to do."""

    def __init__(self, *codes: str) -> None:
        self._codes = codes

    def __enter__(self) -> None:
        """Nothing is prepared."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        return isinstance(error, ClientError) and code_of(error) in self._codes


def _family(code: str) -> str:
    return f"{code.partition('.')[0]}.*"


def code_of(error: ClientError) -> str:
    """The error code that AWS answered, empty when it gave none."""
    return str(error.response.get("Error", {}).get("Code", ""))
