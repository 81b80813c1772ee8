"""The server as a process: it says where it answers, and ends by a signal or with the process that started it."""

import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import typer
import uvicorn
from starlette.types import ASGIApp

from rekognition_local.server.connections import BoundedProtocol

PARENT_POLL_S = 0.5
# How long a stop waits for requests under way; one whose body never ends must not keep the process alive.
GRACE_S = 5


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 picks a free one.

    Raises:
        OSError: the address cannot be had.
    """
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
    """Serve until SIGINT or SIGTERM; requests under way are answered first, for GRACE_S seconds.

    Args:
        application: what answers.
        listener: a socket that listens already.
        info: written as `{"endpoint": URL, "pid": N}` once the server answers, removed at the end.
        parent_pid: the server also ends when the process with this id has ended.

    Raises:
        OSError: the info file cannot be written: nobody would find the server.
    """
    config = uvicorn.Config(
        application,
        http=BoundedProtocol,
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _AnnouncingServer(config, endpoint_of(listener), info)
    if parent_pid is not None:
        threading.Thread(target=_stop_without, args=(parent_pid, server), daemon=True).start()
    for stop in (signal.SIGINT, signal.SIGTERM):
        # uvicorn hands a signal that it obeyed back to these; Python's own would end the process as if it had failed.
        signal.signal(stop, lambda *_: setattr(server, "should_exit", True))
    server.run(sockets=[listener])
    if server.unannounced is not None:
        raise server.unannounced
    if info is not None:
        info.unlink(missing_ok=True)


class _AnnouncingServer(uvicorn.Server):
    """Says where it is, on standard output and in the info file, as soon as it answers; ends where it cannot."""

    def __init__(self, config: uvicorn.Config, endpoint: str, info: Path | None) -> None:
        super().__init__(config)
        self._endpoint = endpoint
        self._info = info
        self.unannounced: OSError | None = None

    async def main_loop(self) -> None:
        try:
            self._announce()
        except OSError as error:
            self.unannounced = error
        else:
            await super().main_loop()

    def _announce(self) -> None:
        typer.echo(f"Rekognition answers at {self._endpoint}")
        if self._info is not None:
            # Written beside and renamed, so that whoever waits for the file never reads half of it.
            draft = self._info.with_name(f"{self._info.name}.{os.getpid()}")
            draft.write_text(json.dumps({"endpoint": self._endpoint, "pid": os.getpid()}))
            draft.replace(self._info)


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
