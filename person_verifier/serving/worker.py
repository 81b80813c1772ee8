"""gunicorn's processes, made to wait for each caller so long only, and to finish what they began at any stop."""

import contextlib
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from rekognition_local.server.connections import BODY_S, HEADER_S, MOST_CONNECTIONS

# A request that had to wait for a thread has this long for what is left of its body, at least.
LATE_BODY_S = 2.0
HEALTH = (b"GET /healthz", b"HEAD /healthz")

# gunicorn refuses longer headers; so many bytes are given to it to do so.
_MOST_HEADER_BYTES = 64 * 1024
_PART = 64 * 1024


class PatientArbiter(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """A master that lets requests under way be answered at SIGINT, too; a second one hurries, as does SIGQUIT."""

    def handle_int(self) -> None:
        """Stop as at SIGTERM."""
        self.handle_term()


class BoundedWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker whose threads get whole headers only, and whose callers have their time for each part.

    gunicorn's own gives a thread to every connection, and lets it wait there for good. Here the worker's loop collects
    the header; a new connection beyond `most_connections` takes the place of the one that has waited longest. Health
    has a thread of its own, which no upload can take.

    Told to stop, the worker first takes what waits at the door. gunicorn's own stops accepting at once: a connection
    that the kernel has accepted for it, with its request already sent, would be reset when the last listener closes.
    """

    header_s = HEADER_S
    body_s = BODY_S
    most_connections = MOST_CONNECTIONS

    def init_process(self) -> None:
        """Begin to serve, in the process that was forked."""
        self._health = ThreadPoolExecutor(1, thread_name_prefix="health")
        super().init_process()

    def init_signals(self) -> None:
        """Take SIGINT, which a terminal sends to every process, for what it means to the master."""
        super().init_signals()
        signal.signal(signal.SIGINT, self.handle_exit)
        signal.siginterrupt(signal.SIGINT, False)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or stop taking connections; when the worker is stopping, take those that wait, and close the door."""
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        for listener in self.sockets:
            listener.setblocking(False)
            waiting = -1
            while waiting != self.nr_conns:
                waiting = self.nr_conns
                self.accept(listener)
            listener.close()
        soon = time.monotonic() + STOP_KEEPALIVE_LINGER
        for conn in self.pending_conns:  # a connection without a complete request is not waited for
            conn.timeout = min(conn.timeout, soon)

    def enqueue_req(self, conn: Any) -> None:
        """Hand a connection to a thread if a whole header has come; wait for the rest of it otherwise."""
        if conn.parser is None:
            conn.initialized = True  # by us: there is neither TLS nor HTTP/2 here
            conn.parser = RequestParser(conn.cfg, conn.sock, conn.client)
            conn.parser.unreader = _Incoming(conn.sock)
            self._make_room()
        incoming: _Incoming = conn.parser.unreader
        header = incoming.buf.getvalue().lstrip(b"\r\n")
        if b"\r\n\r\n" not in header and len(header) < _MOST_HEADER_BYTES:
            self._wait_for_header(conn)
            return
        incoming.ends = time.monotonic() + self.body_s
        pool = self._health if header.startswith(HEALTH) else self.tpool
        done = pool.submit(self.handle, conn)
        done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))

    def handle(self, conn: Any) -> Any:
        """Answer one request, in a thread."""
        conn.data_ready = True
        incoming: _Incoming = conn.parser.unreader
        incoming.ends = max(incoming.ends, time.monotonic() + LATE_BODY_S)
        return super().handle(conn)

    def _wait_for_header(self, conn: TConn) -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.header_s
        self.pending_conns.append(conn)
        with contextlib.suppress(ValueError):  # a socket that was closed meanwhile ends with its time
            self.poller.register(conn.sock, 1, partial(self._header_came, conn))

    def _header_came(self, conn: TConn, sock: socket.socket) -> None:
        try:
            part = sock.recv(_PART)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        buffer = conn.parser.unreader.buf
        buffer.seek(0, 2)
        buffer.write(part)
        header = buffer.getvalue().lstrip(b"\r\n")
        if not part:
            self._leave(conn, self.pending_conns)
        elif b"\r\n\r\n" in header or len(header) >= _MOST_HEADER_BYTES:
            self.poller.unregister(sock)
            self.pending_conns.remove(conn)
            self.enqueue_req(conn)

    def _make_room(self) -> None:
        """Let the one go that has waited longest for its caller; whoever waits for us stays."""
        if self.nr_conns <= self.most_connections:
            return
        waiting = [(conns[0].timeout, conns) for conns in (self.keepalived_conns, self.pending_conns) if conns]
        if waiting:
            _, conns = min(waiting, key=lambda one: one[0])
            self._leave(conns[0], conns)

    def _leave(self, conn: TConn, conns: Any) -> None:
        self.poller.unregister(conn.sock)
        conns.remove(conn)
        self.nr_conns -= 1
        conn.close()


class _Incoming(SocketUnreader):  # type: ignore[misc]  # gunicorn has no types
    """What comes through a socket until a point in time; TimeoutError after it."""

    ends = float("inf")

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next part."""
        self.sock.settimeout(max(self.ends - time.monotonic(), 0.001))  # 0 would mean: do not wait at all
        part: bytes = super().chunk(size_hint)
        return part
