"""Runs the verifier's server as a process of its own, with a fake engine, and speaks to it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from person_verifier.serving.server import serve
from person_verifier.serving.settings import ServerSettings
from rekognition_local.server.connections import BoundedProtocol
from tests.person_verifier.fakes import FakeEngine
from tests.waiting import until

ROOT = Path(__file__).parents[2]


class SlowEngine(FakeEngine):
    """Takes 30 ms for each face, as a real one does."""

    def embed(self, *args, **kwargs):  # type: ignore[no-untyped-def]  # the fake's own signature
        time.sleep(0.03)
        return super().embed(*args, **kwargs)


class Server:
    """A running server: its address, its process, and its log lines so far."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process = process
        self._log = log
        self.url = self._address()

    @property
    def log(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self, wait_s: float = 30, by: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(by)
        return self.process.wait(wait_s)

    def _address(self) -> str:
        def listening() -> list[str]:
            said = (str(line["event"]) for line in self.log)
            return [event.split()[2] for event in said if event.startswith("Listening at: ")]

        until(lambda: listening() or self.process.poll() is not None)
        assert listening(), f"The server did not start: {self._log.read_text()[-3000:]}"
        (url,) = listening()
        httpx.get(f"{url}/healthz", timeout=30)
        return url


@contextmanager
def running_server(folder: Path, command: list[str], **environment: str) -> Iterator[Server]:
    """Run `python *command` on a free port, its log in `folder`; stopped at the end whatever happens."""
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "VERIFIER_PORT": "0", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield Server(process, log)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


if __name__ == "__main__":
    if "HURRIED" in os.environ:
        BoundedProtocol.header_s, BoundedProtocol.body_s, BoundedProtocol.most_connections = 1.0, 1.5, 8
    serve(SlowEngine, ServerSettings.from_environment())
