"""How long an HTTP server waits for its callers, for how many, and how it stops: uvicorn has no limits and is hasty."""

import asyncio
import ctypes
import socket
import struct
from contextlib import suppress
from functools import partial

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

LAST_REQUESTS_S = 1.0

# By these names programs of this machine, and of containers on it, ask a server that listens on 127.0.0.1.
LOCAL_NAMES = ("127.0.0.1", "localhost", "host.docker.internal")

_TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_NEVER = float("inf")
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h


class BoundedProtocol(H11Protocol):
    """uvicorn's connection with an end to every wait: a request's header and its body each come in time, or it closes.

    With `most_connections` open, a new one takes the place of the one that has waited longest for its caller. When all
    of them wait for an answer of ours, the new one is closed. So callers who send nothing, or slowly, keep nobody out.

    It uses only what uvicorn's two HTTP/1.1 protocols have in common: either may be its base.
    """

    header_s = 10.0
    body_s = 30.0
    most_connections = 256  # a process may usually open 1024 files; the local stack's has two servers and their clients

    _waits_for: tuple[str, object] | None = None
    _waits_since = _NEVER
    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # narrowed as uvicorn does
        """Make room for the connection, and begin to wait for its first header."""
        others = [one for one in self.connections if isinstance(one, BoundedProtocol)]
        super().connection_made(transport)
        self._wait()
        if len(others) >= self.most_connections:
            longest = min(others, key=lambda one: one._waits_since)
            (self if longest._waits_since == _NEVER else longest).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what came; a wait that it does not end goes on as it was."""
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request: uvicorn's own timeout ends that, and who needs the place may have it."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._end_wait()
            self._waits_since = self.loop.time()
        else:  # the next one came already
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._end_wait()
        super().connection_lost(exc)

    def _wait(self) -> None:
        """Note what this connection now waits for, and from when: a byte now and then does not prolong it."""
        if self.cycle is None or self.cycle.response_complete:
            waits_for, most_s = ("header", self.cycle), self.header_s
        elif self.cycle.more_body:
            waits_for, most_s = ("body", self.cycle), self.body_s
        else:
            self._end_wait()
            return
        if waits_for != self._waits_for and not self.transport.is_closing():
            self._end_wait()
            self._waits_for, self._waits_since = waits_for, self.loop.time()
            self._limit = self.loop.call_later(most_s, self._give_up)

    def _end_wait(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._waits_for, self._waits_since, self._limit = None, _NEVER, None

    def _give_up(self) -> None:
        if self.flow.read_paused:  # we do not read what comes: the caller is not the one who is late
            self._limit = self.loop.call_later(self.body_s, self._give_up)
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_TIMEOUT)
        self.transport.close()


def admit_no_more(listener: socket.socket) -> None:
    """Have the kernel drop what new callers send: closing the listener would reset those that come just before it.

    Their kernel tries again a second later and finds the port closed. Only Linux can; elsewhere nothing changes.
    """
    drop = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # a filter: BPF_RET, 0 bytes
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(drop)))


class PatientServer(uvicorn.Server):
    """uvicorn that loses no request when it stops, neither of a new connection nor of one that is kept.

    `shared`: other processes accept from the same listeners and may go on. Whoever stops all calls `admit_no_more`.
    """

    def __init__(self, config: uvicorn.Config, *, shared: bool = False) -> None:
        super().__init__(config)
        self._shared = shared

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take the connections that wait at the door, answer what comes on them and on the others, then close."""
        for listener in () if self._shared else sockets or ():
            admit_no_more(listener)
        state, loop = self.server_state, asyncio.get_running_loop()
        # Each answer ends its connection, and says so. One that began a second ago still holds the headers of before.
        state.default_headers.append((b"connection", b"close"))
        for one in state.connections:
            if isinstance(one, BoundedProtocol) and one.cycle is not None:
                one.cycle.default_headers = state.default_headers
        connection = partial(BoundedProtocol, self.config, state, self.lifespan.state)
        for server, listener in zip(self.servers, sockets or [], strict=True):
            # The kernel has accepted them for us, and would reset them when the last listener closes. asyncio must take
            # none besides: those that it has not yet made a connection of when it closes are lost.
            loop.remove_reader(listener)
            if self.config.ssl is None:  # a caller may take its time to agree on TLS
                with suppress(BlockingIOError):
                    while True:
                        await loop.connect_accepted_socket(connection, listener.accept()[0])
            server.close()
        # Until a second passes in which no request begins or ends: who has a connection and asks, has asked by then.
        before, until = (0, 0), 0.0
        last = loop.time() + (self.config.timeout_graceful_shutdown or _NEVER)
        while state.connections and not self.force_exit and loop.time() < last:
            now = len(state.connections), len(state.tasks)
            if now != before:
                before, until = now, loop.time() + LAST_REQUESTS_S
            elif loop.time() > until:
                break
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)
