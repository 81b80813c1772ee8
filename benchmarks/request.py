"""What the wire and the gateway add to POST /validation, and its wall time over its critical path.

First the same request to the handler directly and through the gateway, and one Rekognition call that needs no model, on
connections that are kept and in turns, so that a busy machine slows both sides alike.

Then every Rekognition call takes 300 ms more. FACE_TO_FACE has 2 calls in line (faces, compare) and ID_TO_FACE 3
(labels, faces, compare): both sides go at once.

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

import httpx
import numpy as np
from aws_lambda_powertools import Logger

from benchmarks.measuring import milliseconds, show
from face_validation.client.api import AccessToken
from face_validation.local.aws.moto_services import aws_client
from face_validation.local.gateway.proxy_event import LambdaContext
from face_validation.local.stack import LocalStack, new_handler
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.rest_function import RestFunction

LATENCY_MS = 300
RUNS, RUNS_OF_OVERHEAD = 9, 25
CALLS_IN_LINE = {"FACE_TO_FACE": 2, "ID_TO_FACE": 3}
SOURCES = {"FACE_TO_FACE": "samples/collins.jpg", "ID_TO_FACE": "samples/passport-collins.jpg"}
TARGET = "samples/collins-again.jpg"
REFUSED = {"type": "FACE_TO_FACE"}  # answered by validation alone: no image, no model


def main() -> None:
    """Print both tables, each with a line of JSON."""
    with LocalStack(log_level="ERROR") as stack, httpx.Client(timeout=30) as kept:
        stack.put_samples()
        overhead(stack, kept)
    with LocalStack(rekognition=("--latency-ms", str(LATENCY_MS))) as stack:
        stack.put_samples()
        rows = [measured(kind) for kind in CALLS_IN_LINE]
    title = f"POST /validation, {LATENCY_MS} ms added to each Rekognition call, median of {RUNS}"
    show("request", title, rows, data="drawn passport and photographs in the public domain")


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
    bodies = ("refused body", "FACE_TO_FACE")
    gateway = {name: round(medians[f"gateway, {name}"] - medians[f"handler, {name}"], 1) for name in bodies}
    show("overhead", f"Connections that are kept, {RUNS_OF_OVERHEAD} rounds", rows, gateway_adds_ms=gateway)


def event_of(body: dict[str, str]) -> dict[str, Any]:
    """What API Gateway hands to the Lambda function."""
    return {"httpMethod": "POST", "resource": "/validation", "body": json.dumps(body)}


def measured(kind: str) -> dict[str, Any]:
    """Medians over `RUNS` requests of one type, after one that warms up."""
    log = io.StringIO()
    adapters = replace(
        Adapters.from_environment(), logger=Logger(f"benchmark-{uuid.uuid4()}", level="INFO", stream=log)
    )
    function = RestFunction(OPERATIONS, lambda: adapters)
    walls, in_line = np.array([asked(function, kind, log) for _ in range(RUNS + 1)][1:]).T
    figures = {
        "calls_in_line_ms": np.median(in_line),
        "wall_ms": np.median(walls),
        "wall_over_calls_in_line": np.median(walls / in_line),
        "wall_over_added_latency": np.median(walls) / (CALLS_IN_LINE[kind] * LATENCY_MS),
    }
    rounded = {name: round(float(value), 3) for name, value in figures.items()}
    return {"type": kind, "calls_in_line": CALLS_IN_LINE[kind], **rounded}


def asked(function: RestFunction[Adapters], kind: str, log: io.StringIO) -> tuple[float, float]:
    """Milliseconds of one request, and of its Rekognition calls that had to follow one another, by its log line."""
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


if __name__ == "__main__":
    main()
