"""Wall time of POST /validation over its critical path, when every Rekognition call takes 300 ms more.

FACE_TO_FACE has 2 calls in line (faces, compare) and ID_TO_FACE 3 (labels, faces, compare): both sides go at once.
Beside it, in the same run, the same steps one after another, as a handler without threads would do them.

    make bench-request
"""

import io
import json
import platform
import statistics
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self, TypeVar
from unittest.mock import patch

from aws_lambda_powertools import Logger
from rich.console import Console
from rich.table import Table

from face_validation.local.gateway.proxy_event import LambdaContext
from face_validation.local.stack import LocalStack
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.rest_function import RestFunction
from face_validation_function.services import face_steps

LATENCY_MS = 300
RUNS = 9
CALLS_IN_LINE = {"FACE_TO_FACE": 2, "ID_TO_FACE": 3}
SOURCES = {"FACE_TO_FACE": "samples/collins.jpg", "ID_TO_FACE": "samples/passport-collins.jpg"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timing:
    """One request: wall time, and the time of the Rekognition calls that had to follow one another, in milliseconds."""

    wall_ms: float
    in_line_ms: float


class OneAfterAnother:
    """Stands in for the thread pool: what is submitted is done at once, before anything else goes on."""

    def __init__(self, **_: object) -> None:
        """Takes the thread pool's options and needs none."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing to wait for."""

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """The result of `work`, which is done when this returns."""
        done: Future[T] = Future()
        done.set_result(work())
        return done


def main() -> None:
    """Measure both types, side by side and one after another, and print the table and the line of JSON."""
    with LocalStack(rekognition=("--latency-ms", str(LATENCY_MS))) as stack:
        stack.put_samples()
        side_by_side = {kind: measured(kind) for kind in CALLS_IN_LINE}
        with patch.object(face_steps, "ThreadPoolExecutor", OneAfterAnother):
            in_turn = {kind: measured(kind) for kind in CALLS_IN_LINE}
    report(side_by_side, in_turn)


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
    body = {"type": kind, "source_path": SOURCES[kind], "target_path": "samples/collins-again.jpg"}
    event: dict[str, Any] = {"httpMethod": "POST", "resource": "/validation", "body": json.dumps(body)}
    log.truncate(log.seek(0))
    began = time.perf_counter()
    with redirect_stdout(io.StringIO()):  # the metrics' line
        answer = function(event, LambdaContext(28))
    wall_ms = (time.perf_counter() - began) * 1000
    if answer["statusCode"] != 200:
        raise SystemExit(f"The request was refused: {answer['body']}")
    steps: dict[str, float] = json.loads(log.getvalue())["steps_ms"]
    source = sum(steps.get(f"source, {step}", 0.0) for step in ("detect_labels", "detect_faces"))
    return Timing(wall_ms, max(source, steps["target, detect_faces"]) + steps["compare_faces"])


def report(side_by_side: dict[str, list[Timing]], in_turn: dict[str, list[Timing]]) -> None:
    """Print the table, where it ran, and one line of JSON."""
    table = Table(title=f"POST /validation, {LATENCY_MS} ms added to each Rekognition call, median of {RUNS}, ms")
    for column in ("type", "calls in line", "their time", "wall", "wall / calls in line", "one after another", "gain"):
        table.add_column(column, justify="left" if column == "type" else "right")
    figures: dict[str, Any] = {}
    for kind, timings in side_by_side.items():
        wall = statistics.median(timing.wall_ms for timing in timings)
        path = statistics.median(timing.in_line_ms for timing in timings)
        peer = statistics.median(timing.wall_ms for timing in in_turn[kind])
        ratio = statistics.median(timing.wall_ms / timing.in_line_ms for timing in timings)
        count = CALLS_IN_LINE[kind]
        table.add_row(
            kind,
            str(count),
            *(f"{value:.0f}" for value in (path, wall)),
            f"{ratio:.3f}",
            f"{peer:.0f}",
            f"{peer / wall:.2f}x",
        )
        figures[kind] = {
            "wall_ms": round(wall, 1),
            "calls_in_line_ms": round(path, 1),
            "wall_over_calls_in_line": round(ratio, 3),
            "wall_over_added_latency": round(wall / (count * LATENCY_MS), 3),
            "one_after_another_ms": round(peer, 1),
        }
    machine = {
        "machine": platform.machine(),
        "processor": platform.processor() or "unknown",
        "python": platform.python_version(),
        "boto3": version("boto3"),
        "pillow": version("pillow"),
        "data": "drawn passport and photographs in the public domain",
    }
    console = Console()
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), highlight=False)
    print(json.dumps({"benchmark": "request", "latency_ms": LATENCY_MS, **figures, **machine}))


if __name__ == "__main__":
    main()
