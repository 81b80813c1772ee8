"""How the stack is told to end: Ctrl-C, SIGTERM, or the terminal closing."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDINGS = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


class Ending:
    """Whether the end was asked for."""

    def __init__(self) -> None:
        self.asked = False

    def wait(self) -> None:
        """Wait for it; raises KeyboardInterrupt, also when that was raised before and some library kept it."""
        while not self.asked:
            time.sleep(0.2)
        raise KeyboardInterrupt


@contextmanager
def stopped_by_signals() -> Iterator[Ending]:
    """Within the `with`, these signals raise KeyboardInterrupt, once: the way out is not disturbed."""
    ending = Ending()

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        if not ending.asked:
            ending.asked = True
            raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in ENDINGS}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
