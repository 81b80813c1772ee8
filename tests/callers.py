"""Callers who ask a server without pause while it stops."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.waiting import until


class Caller(threading.Thread):
    """Asks without pause, on a new connection each time or on one that is kept; notes each answer and each loss."""

    def __init__(self, question: httpx.Request, *, keep_alive: bool) -> None:
        super().__init__(daemon=True)
        self._question, self._keep_alive = question, keep_alive
        self.outcomes: Counter[str] = Counter()

    def run(self) -> None:
        limits = httpx.Limits(max_keepalive_connections=1 if self._keep_alive else 0)
        with httpx.Client(timeout=30, limits=limits, trust_env=False) as client:
            while True:
                try:
                    answer = client.send(self._question)
                except httpx.ConnectError:
                    # The door is shut: nothing was sent, nothing is lost.
                    return
                except httpx.TransportError as error:
                    self.outcomes[f"lost: {error!r}"] += 1
                    return
                self.outcomes[f"{answer.status_code}"] += 1


@contextmanager
def asked_without_pause(question: httpx.Request, *, keep_alive: bool, callers: int = 12) -> Iterator[Counter[str]]:
    """Entered once a hundred answers came; the server is to stop within. Afterwards the value says what all got."""
    asking = [Caller(question, keep_alive=keep_alive) for _ in range(callers)]
    for caller in asking:
        caller.start()
    until(lambda: sum(caller.outcomes.total() for caller in asking) > 100)
    outcomes: Counter[str] = Counter()
    yield outcomes
    for caller in asking:
        caller.join(60)
        outcomes.update(caller.outcomes)
