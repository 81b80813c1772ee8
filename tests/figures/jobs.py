"""The figures of docs/jobs.md: speed, faults and pace of bulk jobs on the local stack.

    python -m tests.figures.jobs speed|faults|pace

Rekognition is a server that answers at once and counts: what it answered is what AWS would bill.
"""

import io
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image

from face_validation.client.client import FaceValidationClient
from face_validation.client.jobs import Job
from face_validation.client.validation_request import ValidationRequest
from face_validation.local.aws import step_functions
from face_validation.local.stack import LocalStack
from face_validation_function.services.bulk_jobs import BulkJobs

BOX = {"Left": 0.2, "Top": 0.2, "Width": 0.5, "Height": 0.5}
ANSWERS: dict[str, Any] = {
    "DetectFaces": {"FaceDetails": [{"BoundingBox": BOX, "Confidence": 99.9}]},
    "CompareFaces": {"FaceMatches": [{"Similarity": 97.5, "Face": {"BoundingBox": BOX}}], "UnmatchedFaces": []},
}
CALLS_OF_A_VALIDATION = 3
LINE = {"type": "FACE_TO_FACE", "source_path": "a.jpg", "target_path": "a.jpg"}
KILLS = 20


class CountingRekognition(ThreadingHTTPServer):
    """Answers each call, or throttles a share of them; `answered` has the time of every one that AWS would bill."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, throttled: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.throttled, self.refused = throttled, 0
        self.answered: list[tuple[str, float]] = []
        self.random = random.Random(7)

    @property
    def calls(self) -> Counter[str]:
        return Counter(operation for operation, _ in self.answered)


class _Call(BaseHTTPRequestHandler):
    server: CountingRekognition
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        status, answer = 200, ANSWERS[operation]
        if self.server.random.random() < self.server.throttled:
            self.server.refused += 1
            status, answer = 400, {"__type": "ThrottlingException", "Message": "Slow down."}
        else:
            self.server.answered.append((operation, time.time()))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def running(*, throttled: float = 0.0, tps: float = 0.0) -> Iterator[tuple[LocalStack, FaceValidationClient, Any]]:
    with CountingRekognition(throttled) as rekognition, LocalStack(log_level="CRITICAL") as stack:
        threading.Thread(target=rekognition.serve_forever, daemon=True).start()
        os.environ["AWS_ENDPOINT_URL_REKOGNITION"] = f"http://127.0.0.1:{rekognition.server_port}"
        os.environ["JOBS_TPS"] = str(tps)
        picture = io.BytesIO()
        Image.new("RGB", (100, 100), "teal").save(picture, "JPEG")
        for side in ("source", "target"):
            stack.put_image(side, "a.jpg", picture.getvalue())
        info = stack.info
        settings = {
            name: getattr(info, name) for name in ("client_id", "client_secret", "source_bucket", "s3_endpoint")
        }
        with FaceValidationClient(info.api_url, info.token_url, **settings) as client:
            yield stack, client, rekognition


def submitted(stack: LocalStack, client: FaceValidationClient, lines: list[str], concurrency: int = 8) -> Job:
    stack.put_image("source", "manifest.jsonl", "".join(f"{line}\n" for line in lines).encode())
    return client.jobs.submit("manifest.jsonl", max_concurrency=concurrency)


def ended(client: FaceValidationClient, job: Job, poll_s: float = 0.5) -> Job:
    *_, last = client.jobs.watch(job.job_id, poll_s=poll_s)
    return last


def check(client: FaceValidationClient, job: Job, lines: list[str]) -> Counter[str]:
    """Every line has exactly one outcome, in the manifest's order."""
    rows = list(client.jobs.results(job.job_id))
    assert [row.line for row in rows] == list(range(1, len(lines) + 1)), "not every line, or not in order"
    for row, line in zip(rows, lines, strict=True):
        assert row.outcome != "refused" or "broken" in line, row
    return Counter(row.outcome for row in rows)


def speed(*sizes: int) -> None:
    """100, 1,000 and 10,000 validations, beside a plain loop over the client."""
    with running() as (stack, client, rekognition):
        ended(client, submitted(stack, client, [json.dumps(LINE)] * 100))  # the interpreter has started
        for count in sizes or (100, 1000, 10_000):
            before, began, worked = len(rekognition.answered), time.time(), cpu_s(stack)
            job = ended(client, submitted(stack, client, [json.dumps(LINE)] * count), poll_s=0.2)
            seconds, paid = time.time() - began, len(rekognition.answered) - before
            cpu_ms = (cpu_s(stack) - worked) / count * 1000
            outcomes = check(client, job, [json.dumps(LINE)] * count)
            said(lines=count, seconds=seconds, per_second=count / seconds, cpu_ms=cpu_ms, paid=paid, **outcomes)
        began = time.time()
        requests = (ValidationRequest("a.jpg", "a.jpg", "FACE_TO_FACE") for _ in range(1000))
        answers = list(client.validate_many(requests, jobs=8))
        said(plain_loop=len(answers), seconds=time.time() - began, per_second=1000 / (time.time() - began))


def cpu_s(stack: LocalStack) -> float:
    """Seconds of processor that this process and the interpreter's have used: other programs do not count."""
    process = stack.step_functions.process
    assert process is not None
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def faults() -> None:
    """Kills, throttling, broken lines, duplicates, a stop: one outcome a line, and the paid calls counted."""
    step_functions.STEP_S = 9.0
    BulkJobs.__init__.__defaults__ = (1.5,)  # a dead execution is noticed sooner
    chance = random.Random(11)
    lines = [json.dumps(LINE | {"threshold": 80 + number % 7}) for number in range(600)]  # each seven times and more
    for number in chance.sample(range(600), 6):
        lines[number] = json.dumps({"broken": "no field of a validation"}) if number % 2 else '{"broken": '
    asked = [line for line in lines if "broken" not in line]
    with running(throttled=0.3) as (stack, client, rekognition):
        job, kills, stopped = submitted(stack, client, lines), 0, False
        while kills < KILLS:
            time.sleep(chance.uniform(0.5, 4.0))
            process = stack.step_functions.process
            if process is not None and not client.jobs.show(job.job_id).has_ended:
                process.kill()
                process.wait()
                kills += 1
            job = ended(client, job)
            if job.counts.answered + job.counts.refused == len(lines):
                break
            job = client.jobs.redrive(job.job_id)
            if kills == KILLS // 2 and not stopped:
                client.jobs.stop(job.job_id)
                said(stopped=ended(client, job).state)
                job, stopped = client.jobs.redrive(job.job_id), True
        job = ended(client, job)
        while job.counts.failed:
            client.jobs.redrive(job.job_id)
            job = ended(client, job)
        outcomes, paid = check(client, job, lines), len(rekognition.answered)
        least = CALLS_OF_A_VALIDATION * len(asked)
        said(kills=kills, attempts=job.attempt, throttled=rekognition.refused, paid=paid, least=least, **outcomes)
        assert outcomes == {"answered": len(asked), "refused": len(lines) - len(asked)}
        assert least <= paid <= least + CALLS_OF_A_VALIDATION * 8 * kills


def pace() -> None:
    """Five calls of an operation a second, by eight workers, over a minute."""
    with running(tps=5) as (stack, client, rekognition):
        job = ended(client, submitted(stack, client, [json.dumps(LINE)] * 190))
        at = sorted(when for operation, when in rekognition.answered if operation == "DetectFaces")
        start = at[20]  # the workers have started
        count = sum(start <= when < start + 60 for when in at)
        said(state=job.state, in_a_minute=count, per_second=count / 60, **check(client, job, ["{}"] * 190))
        assert job.counts.failed == 0
        assert abs(count / 300 - 1) <= 0.05


def said(**figures: Any) -> None:
    print(json.dumps({name: round(of, 2) if isinstance(of, float) else of for name, of in figures.items()}), flush=True)


if __name__ == "__main__":
    {"speed": lambda: speed(*map(int, sys.argv[2:])), "faults": faults, "pace": pace}[sys.argv[1]]()
