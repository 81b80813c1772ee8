"""API Gateway's throttling: a token bucket for a stage."""

import threading
import time
from collections.abc import Callable

DEFAULT_RATE, DEFAULT_BURST = 10_000.0, 5_000


class Throttle:
    """A full bucket of `burst` requests at once that `rate` requests a second refill; thread-safe. AWS's defaults."""

    def __init__(
        self, rate: float = DEFAULT_RATE, burst: int = DEFAULT_BURST, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock, self._lock = rate, float(burst), clock, threading.Lock()
        self._level, self._filled_at = self._burst, clock()

    def take(self) -> bool:
        """Whether one more request may pass now."""
        with self._lock:
            now = self._clock()
            self._level = min(self._burst, self._level + (now - self._filled_at) * self._rate)
            self._filled_at = now
            if self._level < 1:
                return False
            self._level -= 1
            return True
