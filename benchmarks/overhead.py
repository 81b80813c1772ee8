"""What the wire and the gateway add to the handler's own time, on connections that are kept.

Each pair is measured in turns in one run, so that a busy machine slows both sides alike:
the same request to the handler directly and through the gateway; one Rekognition call that needs no model.

    make bench-request
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from face_validation.local.aws.moto_services import aws_client
from face_validation.local.gateway.proxy_event import LambdaContext
from face_validation.local.stack import LocalStack, new_handler

RUNS = 25
BODY = json.dumps(
    {"type": "FACE_TO_FACE", "source_path": "samples/collins.jpg", "target_path": "samples/collins-again.jpg"}
)
REFUSED = json.dumps({"type": "FACE_TO_FACE"})  # answered by validation alone: no image, no model


def main() -> None:
    """Measure, print the table and the line of JSON."""
    with LocalStack(log_level="ERROR") as stack, httpx.Client(timeout=30) as kept:
        stack.put_samples()
        form = {
            "grant_type": "client_credentials",
            "scope": "face-detection/write",
            "client_id": stack.info.client_id,
            "client_secret": stack.info.client_secret,
        }
        token = kept.post(stack.info.token_url, data=form).json()["access_token"]
        url, headers = f"{stack.info.api_url}/validation", {"Authorization": f"Bearer {token}"}
        handler = new_handler("lambda_function")

        def direct(body: str) -> Callable[[], object]:
            return lambda: handler({"httpMethod": "POST", "resource": "/validation", "body": body}, LambdaContext(28))

        def through_gateway(body: str) -> Callable[[], object]:
            return lambda: kept.post(url, content=body, headers=headers)

        rekognition = aws_client("rekognition", stack.info.rekognition_endpoint)
        timings = measured(
            {
                "boto3 list_collections": rekognition.list_collections,
                "handler, refused body": direct(REFUSED),
                "gateway, refused body": through_gateway(REFUSED),
                "handler, FACE_TO_FACE": direct(BODY),
                "gateway, FACE_TO_FACE": through_gateway(BODY),
            }
        )
    report(timings)


def measured(calls: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Milliseconds of `RUNS` rounds over all calls, after one round that warms up."""
    timings: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(RUNS + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            timings[name].append((time.perf_counter() - began) * 1000)
    return {name: times[1:] for name, times in timings.items()}


def report(timings: dict[str, list[float]]) -> None:
    """Print the table and one line of JSON."""
    table = Table(title=f"Connections that are kept, median and fastest of {RUNS}, ms")
    for column in ("call", "median", "fastest"):
        table.add_column(column, justify="left" if column == "call" else "right")
    for name, times in timings.items():
        table.add_row(name, f"{statistics.median(times):.1f}", f"{min(times):.1f}")
    medians = {name: round(statistics.median(times), 1) for name, times in timings.items()}
    gateway = {
        name: round(medians[f"gateway, {name}"] - medians[f"handler, {name}"], 1)
        for name in ("refused body", "FACE_TO_FACE")
    }
    Console().print(table)
    print(json.dumps({"benchmark": "overhead", "median_ms": medians, "gateway_adds_ms": gateway}))


if __name__ == "__main__":
    main()
