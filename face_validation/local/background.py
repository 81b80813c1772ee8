"""A local stack as a process: in the background with a log file, and how it is told to end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from face_validation.client.profiles import running_stack, running_stack_file

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 30.0


def log_file() -> Path:
    """Where a stack in the background writes what it would print: beside the file with its addresses."""
    return running_stack_file().with_name("stack.log")


def start_in_background(arguments: Sequence[str]) -> dict[str, Any]:
    """Start `face-validation local` and wait until it serves: its addresses, credentials and process id.

    Raises RuntimeError when a stack runs already, or the new one ended or was not ready in time, with its log's end.
    """
    already = running_stack()
    if already is not None:
        raise RuntimeError(f"A stack runs already at {already['api_url']}. `face-validation stop` stops it.")
    path, log = running_stack_file(), log_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    log.touch(mode=0o600)
    command = [sys.executable, "-m", "face_validation.cli.app", "local", *arguments]
    with log.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - this very program, by a list of words and no shell
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while (info := running_stack()) is None:
        if process.poll() is not None:
            raise RuntimeError(f"it ended with status {process.returncode}. {_end_of(log)}")
        if time.monotonic() > deadline:
            process.terminate()
            raise RuntimeError(f"it was not ready within {START_TIMEOUT_S:.0f} s. {_end_of(log)}")
        time.sleep(0.1)
    return info


def stop_running() -> dict[str, Any] | None:
    """Stop the stack that runs and wait until it is gone, RuntimeError if it does not go; None when no stack runs."""
    info = running_stack()
    if info is None:
        return None
    os.kill(int(info["pid"]), signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    # The stack removes its file last, when everything has ended.
    while running_stack_file().exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"process {info['pid']} did not end within {STOP_TIMEOUT_S:.0f} s: kill {info['pid']}")
        time.sleep(0.1)
    return info


def _end_of(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").splitlines()[-5:]
    return f"The end of {log}:\n" + "\n".join(lines)


ENDINGS = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


class Ending:
    """Whether the end was asked for."""

    def __init__(self) -> None:
        self.asked = False

    def wait(self) -> None:
        """Wait for it; raises KeyboardInterrupt, also when that was raised before and some library kept it."""
        while not self.asked:
            time.sleep(0.2)
        raise KeyboardInterrupt


@contextmanager
def stopped_by_signals() -> Iterator[Ending]:
    """Within the `with`, these signals raise KeyboardInterrupt, once: the way out is not disturbed."""
    ending = Ending()

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        if not ending.asked:
            ending.asked = True
            raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in ENDINGS}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
