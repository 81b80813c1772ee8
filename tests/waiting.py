"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], timeout_s: float = 120) -> None:
    """Return once the condition holds; the limit is there for what never comes, however slow the machine."""
    ends = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends, f"it did not come true in {timeout_s:.0f} s"
        time.sleep(0.01)
