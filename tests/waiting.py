"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], timeout_s: float = 120) -> None:
    """Return once the condition holds; the limit is there for what never comes, however slow the machine."""
    ends = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends, f"it did not come true in {timeout_s:.0f} s"
        time.sleep(0.01)


def fastest_ms(call: Callable[[], object], runs: int = 15) -> float:
    """The least time of some calls, in milliseconds: what a loaded machine adds now and then is left out.

    Thirty calls go before: at the start of a connection Linux acknowledges at once, and nothing is seen of a delay.
    """
    times = []
    for _ in range(30 + runs):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return min(times[30:])
