"""How long moto's server waits for its callers, and for how many: the same limits as the other servers have."""

import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from rekognition_local.server.connections import BODY_S, HEADER_S, MOST_CONNECTIONS

# Between two requests on one connection: boto3 keeps its connections, and makes another where one was closed.
KEPT_S = 75.0

_NEVER = float("inf")


class BoundedServer(ThreadedWSGIServer):
    """A thread for each connection, at most `most_connections`; a new one takes the place of the longest wait."""

    header_s = HEADER_S
    body_s = BODY_S
    most_connections = MOST_CONNECTIONS

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._open: dict[socket.socket, float] = {}
        self._changing = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread of its own, after making room for it."""
        with self._changing:
            if len(self._open) >= self.most_connections:
                longest = min(self._open, key=self._open.__getitem__)
                _end(request if self._open[longest] == _NEVER else longest)
            self._open[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._changing:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def waits(self, request: socket.socket, since: float = _NEVER) -> None:
        """Note since when a connection waits for its caller; by default, that the caller waits for us."""
        with self._changing:
            if request in self._open:
                self._open[request] = since


class BoundedHandler(MotoRequestHandler):
    """moto's connection with an end to every wait."""

    server: BoundedServer

    def setup(self) -> None:
        """Read from now on until a point in time."""
        super().setup()
        self.rfile.close()
        self._incoming = _Incoming(self.connection, partial(self.server.waits, self.connection))
        self.rfile = io.BufferedReader(self._incoming)
        self._first_wait_s = self.server.header_s

    def handle_one_request(self) -> None:
        """Wait for a request's first byte, its header and its body, each so long."""
        self._incoming.within(self._first_wait_s)
        self._first_wait_s = KEPT_S
        try:
            came = self.rfile.peek(1)  # type: ignore[attr-defined]  # `setup` makes rfile a BufferedReader; typeshed says BinaryIO
        except (TimeoutError, ConnectionError):
            came = b""
        if not came:
            self.close_connection = True
            return
        self._incoming.within(self.server.header_s)
        super().handle_one_request()

    def run_wsgi(self) -> None:
        """Answer; the application reads the body."""
        self._incoming.within(self.server.body_s)
        super().run_wsgi()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class _Incoming(io.RawIOBase):
    """What comes through a socket until a point in time; TimeoutError after it."""

    def __init__(self, connection: socket.socket, note_wait: Callable[..., None]) -> None:
        self._connection, self._note_wait = connection, note_wait
        self._began, self._ends = 0.0, _NEVER

    def within(self, seconds: float) -> None:
        self._began = time.monotonic()
        self._ends = self._began + seconds
        self._connection.settimeout(seconds)  # of answers to a caller who does not read, too

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(max(self._ends - time.monotonic(), 0.001))  # 0 would mean: do not wait at all
        self._note_wait(self._began)
        try:
            return self._connection.recv_into(buffer)
        finally:
            self._note_wait()


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended already
        connection.shutdown(socket.SHUT_RDWR)
