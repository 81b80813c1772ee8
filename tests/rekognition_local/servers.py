"""Running servers for the tests: in a thread with a fake engine, or the real thing as a process."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import uvicorn
from botocore.config import Config

from rekognition_local.operations.service import Service
from rekognition_local.protocol.wire import service_model
from rekognition_local.server.answers import Answers
from rekognition_local.server.application import application
from rekognition_local.server.reach import Reach
from tests.rekognition_local.modelled import assert_modelled
from tests.waiting import until


@contextmanager
def serving(
    service: Service,
    latency_ms: float = 0.0,
    faults: Answers | None = None,
    answers: Answers | None = None,
    reach: Reach | None = None,
) -> Iterator[str]:
    """The application on a free port of this process; yields its endpoint."""
    server_application = application(service, latency_ms, 4, faults, answers, reach)
    config = uvicorn.Config(server_application, host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def process(folder: Path, arguments: Sequence[str] = ()) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """`python -m rekognition_local` on a free port; yields the process and its endpoint, and ends it at last."""
    info = folder / "rekognition.json"
    info.unlink(missing_ok=True)
    command = [sys.executable, "-m", "rekognition_local", "--port", "0", "--info", str(info), *arguments]
    with subprocess.Popen(command) as server:
        try:
            until(lambda: info.exists() or server.poll() is not None)
            assert server.poll() is None, "the server did not start"
            yield server, json.loads(info.read_text())["endpoint"]
        finally:
            if server.poll() is None:
                os.kill(server.pid, signal.SIGTERM)
                server.wait(60)


def client(endpoint: str, region: str = "us-east-1") -> Any:
    """A boto3 client of no account, without retries, that checks every reply against botocore's model."""
    rekognition = boto3.client(
        "rekognition",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )
    rekognition.meta.events.register("after-call.rekognition", _check)
    return rekognition


def _check(http_response: Any, model: Any, **_: Any) -> None:
    assert_modelled(service_model().operation_model(model.name), http_response.status_code, http_response.content)
