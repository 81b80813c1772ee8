"""What the wire and the gateway add to POST /validation, and its wall time over its critical path.

First the same request to the handler directly and through the gateway, and one Rekognition call that needs no model, on
connections that are kept and in turns, so that a busy machine slows both sides alike.

Then every Rekognition call takes 300 ms more. FACE_TO_FACE has 2 calls in line (faces, compare) and ID_TO_FACE 3
(labels, faces, compare): both sides go at once. Beside it the same steps one after another, as a handler without
threads would do them.

    make bench-request
"""

import io
import json
import statistics
import time
import uuid
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import httpx
from aws_lambda_powertools import Logger

from benchmarks.measuring import milliseconds, show
from face_validation.client.api import AccessToken
from face_validation.local.aws.moto_services import aws_client
from face_validation.local.gateway.proxy_event import LambdaContext
from face_validation.local.stack import LocalStack, new_handler
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.rest_function import RestFunction
from face_validation_function.services.face_steps import FaceSteps

LATENCY_MS = 300
RUNS, RUNS_OF_OVERHEAD = 9, 25
CALLS_IN_LINE = {"FACE_TO_FACE": 2, "ID_TO_FACE": 3}
SOURCES = {"FACE_TO_FACE": "samples/collins.jpg", "ID_TO_FACE": "samples/passport-collins.jpg"}
TARGET = "samples/collins-again.jpg"
REFUSED = {"type": "FACE_TO_FACE"}  # answered by validation alone: no image, no model


# One request: wall time, and the time of the Rekognition calls that had to follow one another, in milliseconds.
Timing = tuple[float, float]


def main() -> None:
    """Print both tables, each with a line of JSON."""
    with LocalStack(log_level="ERROR") as stack, httpx.Client(timeout=30) as kept:
        stack.put_samples()
        overhead(stack, kept)
    with LocalStack(rekognition=("--latency-ms", str(LATENCY_MS))) as stack:
        stack.put_samples()
        side_by_side = {kind: measured(kind) for kind in CALLS_IN_LINE}
        with patch.object(FaceSteps, "_at_once", one_after_another):
            in_turn = {kind: measured(kind) for kind in CALLS_IN_LINE}
    report(side_by_side, in_turn)


def one_after_another(_: FaceSteps, first: Callable[[], object], second: Callable[[], object]) -> tuple[object, object]:
    """Both sides of a comparison, in turn."""
    return first(), second()


def overhead(stack: LocalStack, kept: httpx.Client) -> None:
    """What the wire and the gateway add, in rounds over all calls."""
    info = stack.info
    token = AccessToken(kept, info.token_url, info.client_id, info.client_secret, "face-detection/write").current()
    url, headers = f"{info.api_url}/validation", {"Authorization": f"Bearer {token}"}
    handler = new_handler("lambda_function")
    calls: dict[str, Callable[[], object]] = {
        "boto3 list_collections": aws_client("rekognition", info.rekognition_endpoint).list_collections
    }
    whole = {"type": "FACE_TO_FACE", "source_path": SOURCES["FACE_TO_FACE"], "target_path": TARGET}
    for name, body in (("refused body", REFUSED), ("FACE_TO_FACE", whole)):
        calls[f"handler, {name}"] = partial(handler, event_of(body), LambdaContext(28))
        calls[f"gateway, {name}"] = partial(kept.post, url, json=body, headers=headers)
    rounds = [[milliseconds(call) for call in calls.values()] for _ in range(RUNS_OF_OVERHEAD + 1)][1:]  # one warms up
    times = dict(zip(calls, zip(*rounds, strict=True), strict=True))
    medians = {name: round(statistics.median(one), 1) for name, one in times.items()}
    rows = [{"call": name, "median_ms": ms, "fastest_ms": round(min(times[name]), 1)} for name, ms in medians.items()]
    gateway = {
        name: round(medians[f"gateway, {name}"] - medians[f"handler, {name}"], 1)
        for name in ("refused body", "FACE_TO_FACE")
    }
    show("overhead", f"Connections that are kept, {RUNS_OF_OVERHEAD} rounds", rows, gateway_adds_ms=gateway)


def event_of(body: dict[str, str]) -> dict[str, Any]:
    """What API Gateway hands to the Lambda function."""
    return {"httpMethod": "POST", "resource": "/validation", "body": json.dumps(body)}


def measured(kind: str) -> list[Timing]:
    """The timings of `RUNS` requests of one type, after one that warms up."""
    log = io.StringIO()
    adapters = replace(
        Adapters.from_environment(), logger=Logger(f"benchmark-{uuid.uuid4()}", level="INFO", stream=log)
    )
    function = RestFunction(OPERATIONS, lambda: adapters)
    return [asked(function, kind, log) for _ in range(RUNS + 1)][1:]


def asked(function: RestFunction[Adapters], kind: str, log: io.StringIO) -> Timing:
    """One request, timed from outside, its calls read from its log line."""
    event = event_of({"type": kind, "source_path": SOURCES[kind], "target_path": TARGET})
    log.truncate(log.seek(0))
    began = time.perf_counter()
    with redirect_stdout(io.StringIO()):  # the metrics' line
        answer = function(event, LambdaContext(28))
    wall_ms = (time.perf_counter() - began) * 1000
    if answer["statusCode"] != 200:
        raise SystemExit(f"The request was refused: {answer['body']}")
    steps: dict[str, float] = json.loads(log.getvalue())["steps_ms"]
    source = sum(steps.get(f"source, {step}", 0.0) for step in ("detect_labels", "detect_faces"))
    return wall_ms, max(source, steps["target, detect_faces"]) + steps["compare_faces"]


def report(side_by_side: dict[str, list[Timing]], in_turn: dict[str, list[Timing]]) -> None:
    """Print the table and one line of JSON."""
    rows = []
    for kind, timings in side_by_side.items():
        wall = statistics.median(wall for wall, _ in timings)
        peer = statistics.median(wall for wall, _ in in_turn[kind])
        row = {
            "calls_in_line_ms": statistics.median(in_line for _, in_line in timings),
            "wall_ms": wall,
            "wall_over_calls_in_line": statistics.median(wall / in_line for wall, in_line in timings),
            "wall_over_added_latency": wall / (CALLS_IN_LINE[kind] * LATENCY_MS),
            "one_after_another_ms": peer,
            "gain": peer / wall,
        }
        figures = {name: round(value, 3) for name, value in row.items()}
        rows.append({"type": kind, "calls_in_line": CALLS_IN_LINE[kind], **figures})
    title = f"POST /validation, {LATENCY_MS} ms added to each Rekognition call, median of {RUNS}"
    show("request", title, rows, data="drawn passport and photographs in the public domain")


if __name__ == "__main__":
    main()
