"""Every event of a validation, answered once by the handler in this process, on the local stack."""

import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest

from face_validation_function.integrations import aws_client
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.rest_function import RestFunction
from tests.events import Event, validation_events
from tests.fakes import FakeContext

UNKNOWN_SESSION = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Answered:
    """The answers by the events' names, the calls of AWS that they took, and the metrics that were written.

    A call is named as IAM names it, and a line of metrics is in CloudWatch's embedded format.
    """

    answers: dict[str, Any]
    calls: frozenset[str]
    metrics: list[dict[str, Any]]


def answer_all() -> Answered:
    """Asks a new handler every event, and one more: the same app client's validation of a session that it has made."""
    calls: set[str] = set()
    new_client = aws_client.aws_client

    def recorded(service: Any) -> Any:
        client = new_client(service)
        client.meta.events.register(
            "before-call.*.*",
            lambda model, **_: calls.add(f"{service}:{model.name.replace('HeadObject', 'GetObject')}"),
        )
        return client

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as written:
        patch.setattr("face_validation_function.lambda_function.aws_client", recorded)
        patch.delenv("POWERTOOLS_METRICS_DISABLED")
        handler = RestFunction(OPERATIONS, Adapters.from_environment)
        answers = {name: handler(event, FakeContext()) for name, event in validation_events().items()}
        session = json.loads(answers["liveness_session"]["body"])["session_id"]
        handler(_with_session(session), FakeContext())
    lines = written.getvalue().splitlines()
    return Answered(answers, frozenset(calls), [json.loads(line) for line in lines if '"CloudWatchMetrics"' in line])


def _with_session(session: str) -> Event:
    event = validation_events()["refused_liveness_session_unknown"]
    assert UNKNOWN_SESSION in event["body"]
    return event | {"body": event["body"].replace(UNKNOWN_SESSION, session)}
