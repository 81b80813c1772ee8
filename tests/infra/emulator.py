"""An unpacked asset run as AWS Lambda runs it: AWS's Runtime Interface Emulator and runtime client, without Docker."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.bundling import MACHINE_ARCHITECTURE, ROOT, install, version_of

REQUIREMENTS = ROOT / "requirements" / "artefact.txt"
FUNCTION_NAME = "face-validation-emulated"
HOST = "127.0.0.1"
START_TIMEOUT_S = 60.0

# No site-packages, no user folder, no environment variables of Python: the standard library, AWS's runtime client, and
# the asset, which is never written to. One core; Lambda gives more.
_BOOTSTRAP = """#!{interpreter} -BIS
import os, sys
os.sched_setaffinity(0, {cores})
sys.path[:0] = [{task!r}, {runtime!r}]
from awslambdaric.__main__ import main
main(sys.argv)
"""


class Emulator:
    """A Lambda function of one asset: `with Emulator(folder, handler, environment, interpreter) as function: ...`.

    As on AWS the runtime starts with the first invocation. `log` is all that it has written so far.

    Args:
        task: folder of the unpacked asset.
        handler: module and function, with dots.
        environment: all variables that the function sees beside Lambda's own.
        interpreter: of the version that the asset was bundled for.
        timeout_s: the function's timeout.
    """

    def __init__(
        self,
        task: Path,
        handler: str,
        environment: Mapping[str, str],
        interpreter: Path,
        *,
        timeout_s: int = 28,
    ) -> None:
        self._task, self._handler, self._interpreter = task, handler, interpreter
        self._environment = {
            **environment,
            "PATH": "/usr/bin:/bin",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(task),
            "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_s),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",  # told to it, and not enforced
        }
        self._timeout_s = timeout_s
        self._opened = ExitStack()
        self._port = 0
        self._log_file = Path()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._start(opened)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.close()

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """What the handler returns for `event`; a failure of the function is an object with `errorType`."""
        request = urllib.request.Request(
            f"http://{HOST}:{self._port}/2015-03-31/functions/function/invocations", json.dumps(event).encode()
        )
        try:
            with _DIRECT.open(request, timeout=self._timeout_s + START_TIMEOUT_S) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as failure:
            with failure:
                return json.loads(failure.read())

    @property
    def log(self) -> str:
        """Everything that the emulator and the function have written."""
        return self._log_file.read_text(errors="replace")

    @property
    def init_ms(self) -> float:
        """How long the runtime took from its start to its readiness for the first event, by the emulator's clock."""
        found = re.search(r"INIT REPORT\(durationMs: ([\d.]+)\)", self.log)
        if found is None:
            raise RuntimeError(f"The function has not been started:\n{self.log}")
        return float(found[1])

    def _start(self, opened: ExitStack) -> None:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="emulator-")))
        python = version_of(self._interpreter)
        if python is None:
            raise RuntimeError(f"{self._interpreter} is not a Python interpreter that runs.")
        emulator, runtime = runtime_files(python)
        bootstrap = folder / "bootstrap"
        cores = set(sorted(os.sched_getaffinity(0))[:1])
        bootstrap.write_text(
            _BOOTSTRAP.format(interpreter=self._interpreter, cores=cores, task=str(self._task), runtime=str(runtime))
        )
        bootstrap.chmod(0o755)
        self._port, api_port = _free_ports()
        self._log_file = folder / "log"
        log = opened.enter_context(self._log_file.open("wb"))
        process = subprocess.Popen(
            [
                emulator,
                *("--runtime-interface-emulator-address", f"{HOST}:{self._port}"),
                *("--runtime-api-address", f"{HOST}:{api_port}"),
                # Not the function's LOG_LEVEL: the duration of the init is told at this one.
                *("--log-level", "info"),
                bootstrap,
                self._handler,
            ],
            cwd=self._task,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        opened.callback(_stop, process)
        self._wait(process)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, self._port)) == 0:
                    return
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The emulator did not start:\n{self.log}")
            time.sleep(0.02)


def runtime_files(python: str) -> tuple[Path, Path]:
    """The emulator's program and the folder of AWS's runtime client for that Python, `3.13`; installed once."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = ROOT / "build" / f"emulator-{MACHINE_ARCHITECTURE}-{python}-{pins}"
    name = f"aws-lambda-rie-{MACHINE_ARCHITECTURE}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
            runtime = Path(draft) / "made" / "runtime"
            runtime.mkdir(parents=True)
            install(runtime, REQUIREMENTS, MACHINE_ARCHITECTURE, python)
            shutil.move(runtime / "samcli" / "local" / "rapid" / name, runtime.parent / name)
            # Of the sam command line the emulator is all that is wanted: its own dependencies are not even installed.
            for leftover in (*runtime.glob("aws_sam_cli-*"), runtime / "samcli", runtime / "bin"):
                shutil.rmtree(leftover)
            (runtime.parent / name).chmod(0o755)
            try:
                runtime.parent.rename(folder)
            except OSError:
                # Another process has made it meanwhile: a folder that is not empty cannot be renamed over.
                if not folder.is_dir():
                    raise
    return folder / name, folder / "runtime"


def _free_ports() -> tuple[int, int]:
    # Both are held while the second is chosen: else they could be the same.
    with socket.create_server((HOST, 0)) as one, socket.create_server((HOST, 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The emulator and the runtime that it started, which are a process group of their own."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
