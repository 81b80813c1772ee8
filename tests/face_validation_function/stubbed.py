"""Adapters of AWS on a client that sends nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

from botocore.stub import Stubber

from face_validation_function.integrations.aws_client import aws_client

Adapter = TypeVar("Adapter")


@contextmanager
def stubbed(
    service: Literal["rekognition", "s3"], adapter: Callable[[Any], Adapter]
) -> Iterator[tuple[Adapter, Stubber]]:
    """The adapter and its answers to come: botocore checks each call and its answer against AWS's model."""
    client = aws_client(service)
    with Stubber(client) as answers:
        yield adapter(client), answers
        answers.assert_no_pending_responses()
