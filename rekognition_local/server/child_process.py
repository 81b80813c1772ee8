"""The server as a child of another program: started on a free port, found by its info file, ended with its parent."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0


@contextmanager
def rekognition_process(variables: Mapping[str, str], arguments: Sequence[str] = ()) -> Iterator[Callable[[], str]]:
    """Start `python -m rekognition_local` on a free port, and end it with the context.

    Loading the models takes seconds, in which the caller can do other things: the value is a function that waits
    until the server is ready and returns its endpoint; it raises RuntimeError when the server ended instead.

    The child is in a session of its own, so that Ctrl-C reaches only the parent, which then ends it in order; and it
    watches the parent, so that it ends even when that one is killed.

    Args:
        variables: the child's whole environment.
        arguments: more options of the server, for example `["--faults"]`.
    """
    with ExitStack() as announcement:
        folder = announcement.enter_context(tempfile.TemporaryDirectory(prefix="rekognition-local-"))
        info = Path(folder) / "rekognition.json"
        command = [sys.executable, "-m", "rekognition_local", "--port", "0", "--info", str(info)]
        command += ["--parent-pid", str(os.getpid()), *arguments]
        packages = str(Path(__file__).parents[2])
        search_path = os.pathsep.join(filter(None, (packages, variables.get("PYTHONPATH"))))
        child = subprocess.Popen(  # noqa: S603 - our own module, no shell
            command,
            env={**variables, "PYTHONPATH": search_path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

        def endpoint() -> str:
            address = _endpoint(child, info)
            announcement.close()  # read: whatever kills this process later, the folder is not left behind
            return address

        try:
            yield endpoint
        finally:
            _stop(child)


def _endpoint(child: subprocess.Popen[bytes], info: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not info.exists():
        if child.poll() is not None:
            raise RuntimeError(f"rekognition_local ended with status {child.returncode}; its reason is above.")
        if time.monotonic() > deadline:
            raise RuntimeError(f"rekognition_local was not ready within {START_TIMEOUT_S:.0f} s.")
        time.sleep(0.02)
    endpoint: str = json.loads(info.read_text())["endpoint"]
    return endpoint


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
