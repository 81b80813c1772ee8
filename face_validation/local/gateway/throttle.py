"""API Gateway's throttling: a token bucket for a stage."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

DEFAULT_RATE, DEFAULT_BURST = 10_000.0, 5_000


@dataclass(frozen=True, slots=True)
class Throttle:
    """API Gateway's token bucket: requests a second in the long run, and how many at once. The defaults are AWS's."""

    rate: float = DEFAULT_RATE
    burst: int = DEFAULT_BURST


class TokenBucket:
    """A full bucket of `burst` that `rate` refills; thread-safe."""

    def __init__(self, throttle: Throttle, clock: Callable[[], float] = time.monotonic) -> None:
        self._throttle, self._clock, self._lock = throttle, clock, threading.Lock()
        self._level, self._filled_at = float(throttle.burst), clock()

    def take(self) -> bool:
        """Whether one more request may pass now."""
        with self._lock:
            now = self._clock()
            refilled = self._level + (now - self._filled_at) * self._throttle.rate
            self._level, self._filled_at = min(float(self._throttle.burst), refilled), now
            if self._level < 1:
                return False
            self._level -= 1
            return True
