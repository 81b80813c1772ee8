"""Whatever AWS or the way to it does, the service's own errors come of it."""

import pytest
from botocore.exceptions import EndpointConnectionError, HTTPClientError
from botocore.parsers import ResponseParserError

from face_validation_function.exceptions.exceptions import InternalServerError
from face_validation_function.integrations.aws_client import translate_aws_errors


@pytest.mark.parametrize(
    "raised",
    [
        EndpointConnectionError(endpoint_url="https://s3.example"),
        HTTPClientError(error="reset"),
        ResponseParserError("no XML"),
        KeyError("Labels"),
        TypeError("None"),
        ValueError("nan"),
        AttributeError("get"),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_no_answer_or_a_senseless_one_is_a_failure_that_names_the_call_and_tells_no_more(raised: Exception) -> None:
    with (
        pytest.raises(InternalServerError, match=r"^DetectLabels (failed|returned an unexpected response)") as failed,
        translate_aws_errors("DetectLabels", {}),
    ):
        raise raised

    assert str(raised) not in str(failed.value)
