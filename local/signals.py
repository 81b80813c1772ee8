"""How the stack is told to end: Ctrl-C, SIGTERM, or the terminal closing."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDINGS = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Within the `with`, these signals raise KeyboardInterrupt, once: the way out is not disturbed."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {ending: signal.signal(ending, interrupt) for ending in ENDINGS}
    try:
        yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)
