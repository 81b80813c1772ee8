"""How long an HTTP server waits for its callers, and for how many: uvicorn itself has no limit for either."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_S = 10.0
BODY_S = 30.0
# A process may usually open 1024 files; the local stack's has two servers and their own clients.
MOST_CONNECTIONS = 256

# By these names programs of this machine, and of containers on it, ask a server that listens on 127.0.0.1.
LOCAL_NAMES = ("127.0.0.1", "localhost", "host.docker.internal")

_TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_NEVER = float("inf")


class BoundedProtocol(H11Protocol):
    """uvicorn's connection with an end to every wait: a request's header and its body each come in time, or it closes.

    With `most_connections` open, a new one takes the place of the one that has waited longest for its caller. When all
    of them wait for an answer of ours, the new one is closed. So callers who send nothing, or slowly, keep nobody out.

    It uses only what uvicorn's two HTTP/1.1 protocols have in common: either may be its base.
    """

    header_s = HEADER_S
    body_s = BODY_S
    most_connections = MOST_CONNECTIONS

    _waits_for: tuple[str, object] | None = None
    _waits_since = _NEVER
    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
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
        else:
            waits_for, most_s = ("body", self.cycle), self.body_s
            if not self.cycle.more_body:
                return self._end_wait()
        if waits_for != self._waits_for and not self.transport.is_closing():
            self._end_wait()
            self._waits_for, self._waits_since = waits_for, self.loop.time()
            self._limit = self.loop.call_later(most_s, self._give_up)
        return None

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
