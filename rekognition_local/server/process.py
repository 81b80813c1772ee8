"""A server as a process: its memory, its address, its end by a signal or with its parent; and as a child of others."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
import uvicorn
from starlette.types import ASGIApp

from rekognition_local.server.connections import BoundedProtocol, PatientServer

START_TIMEOUT_S, STOP_TIMEOUT_S = 120.0, 15.0
PARENT_POLL_S = 0.5
# How long a stop waits for requests under way; one whose body never ends must not keep the process alive.
GRACE_S = 5

LARGE_BYTES = 8 * 1024 * 1024  # smaller blocks of memory come and go too often: each costs its page faults
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # malloc.h of glibc


def give_large_blocks_back() -> None:
    """Have glibc take blocks of 8 MB and more from the system one by one, and give each back as soon as it is freed.

    By itself it stops to do so when the first such block is freed, and from then on keeps them, for each of its arenas:
    a server of 16 threads that decodes one large image at a time ends up with 16 images' worth of free memory. One
    arena is enough for threads that mostly wait. Does nothing where the C library has no such setting.

    Source: man7.org/linux/man-pages/man3/mallopt.3.html
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_ARENA_MAX, 1)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens (port 0 picks a free one), or OSError: the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=512, dualstack_ipv6=host == "::")
    # Connections inherit it. asyncio sets it only on sockets made with IPPROTO_TCP; without it the body of every answer
    # on a kept connection waits some 40 ms for the client's delayed acknowledgement of the head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def endpoint_of(listener: socket.socket) -> str:
    """The URL at which programs on this machine reach a listener."""
    host, port = listener.getsockname()[:2]
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def serve_until_told(application: ASGIApp, listener: socket.socket, info: Path | None, parent_pid: int | None) -> None:
    """Serve until SIGINT, SIGTERM or the parent's end; connected callers are answered first, for twice GRACE_S at most.

    `info` is written as `{"endpoint": URL, "pid": N}` once the server answers, and removed at the end; OSError when it
    cannot be written, for nobody would find the server.
    """
    config = uvicorn.Config(
        application,
        http=BoundedProtocol,
        loop="asyncio",
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = PatientServer(config)
    if parent_pid is not None:
        threading.Thread(target=_stop_without, args=(parent_pid, server), daemon=True).start()
    for stop in (signal.SIGINT, signal.SIGTERM):
        # uvicorn hands a signal that it obeyed back to these; Python's own would end the process as if it had failed.
        signal.signal(stop, lambda *_: setattr(server, "should_exit", True))
    # Whoever calls from now on waits in the listener's queue, if at all.
    endpoint = endpoint_of(listener)
    typer.echo(f"Rekognition answers at {endpoint}")
    if info is not None:
        # Written beside and renamed, so that whoever waits for the file never reads half of it.
        draft = info.with_name(f"{info.name}.{os.getpid()}")
        draft.write_text(json.dumps({"endpoint": endpoint, "pid": os.getpid()}))
        draft.replace(info)
    server.run(sockets=[listener])
    if info is not None:
        info.unlink(missing_ok=True)


def _stop_without(parent_pid: int, server: uvicorn.Server) -> None:
    was_our_parent = os.getppid() == parent_pid
    while _is_alive(parent_pid) and (os.getppid() == parent_pid or not was_our_parent):
        time.sleep(PARENT_POLL_S)
    server.should_exit = True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is another user's
        return True
    return True


@contextmanager
def rekognition_process(variables: Mapping[str, str], arguments: Sequence[str] = ()) -> Iterator[Callable[[], str]]:
    """Start `python -m rekognition_local` on a free port, and end it with the context.

    Loading the models takes seconds, in which the caller can do other things: the value is a function that waits
    until the server is ready and returns its endpoint; it raises RuntimeError when the server ended instead.

    The child is in a session of its own, so that Ctrl-C reaches only the parent, which then ends it in order; and it
    watches the parent, so that it ends even when that one is killed. `variables` are its whole environment, `arguments`
    more options of the server, for example `["--faults"]`.
    """
    announcement = tempfile.TemporaryDirectory(prefix="rekognition-local-")
    with announcement as folder:
        info = Path(folder) / "rekognition.json"
        command = [sys.executable, "-m", "rekognition_local", "--port", "0", "--info", str(info)]
        command += ["--parent-pid", str(os.getpid()), *arguments]
        packages = str(Path(__file__).parents[2])
        search_path = os.pathsep.join(filter(None, (packages, variables.get("PYTHONPATH"))))
        child = subprocess.Popen(  # noqa: S603 - our own module, by a list of words and no shell
            command,
            env={**variables, "PYTHONPATH": search_path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

        def endpoint() -> str:
            _wait_for(info, child)
            address: str = json.loads(info.read_text())["endpoint"]
            announcement.cleanup()  # read: whatever kills this process later, the folder is not left behind
            return address

        try:
            yield endpoint
        finally:
            child.terminate()
            try:
                child.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _wait_for(info: Path, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not info.exists():
        if child.poll() is not None:
            raise RuntimeError(f"rekognition_local ended with status {child.returncode}; its reason is above.")
        if time.monotonic() > deadline:
            raise RuntimeError(f"rekognition_local was not ready within {START_TIMEOUT_S:.0f} s.")
        time.sleep(0.02)
