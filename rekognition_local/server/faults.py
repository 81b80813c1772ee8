"""Errors on order, for tests of programs that call Rekognition: what AWS answers only when it is overloaded or down."""

import threading
from collections import deque

from rekognition_local.protocol.wire import ServiceError, service_model

MOST_TIMES = 10_000


class Faults:
    """Errors that the next operations will answer, first ordered first; safe under threads."""

    def __init__(self) -> None:
        self._ordered: deque[tuple[str | None, ServiceError]] = deque()
        self._lock = threading.Lock()

    def order(self, error: str, operation: str | None = None, times: int = 1) -> None:
        """Answer the next `times` calls of an operation (None: of any) with an error of the model.

        Raises:
            KeyError: the model has no such error.
            ValueError: the model has no such operation, or `times` is not from 1 to MOST_TIMES.
        """
        if operation is not None and operation not in service_model().operation_names:
            raise ValueError(f"operation is {operation!r:.100}: Rekognition has none of that name.")
        if type(times) is not int or not 1 <= times <= MOST_TIMES:
            raise ValueError(f"times is {times!r:.100}: it must be a whole number from 1 to {MOST_TIMES}.")
        fault = ServiceError(error, f"{error}, as ordered.")
        with self._lock:
            self._ordered.extend([(operation, fault)] * times)

    def clear(self) -> None:
        """Forget what was ordered."""
        with self._lock:
            self._ordered.clear()

    def raise_for(self, operation: str) -> None:
        """Raise the first error that was ordered for this operation, once.

        Raises:
            ServiceError: if there is one.
        """
        with self._lock:
            for order in self._ordered:
                if order[0] in {None, operation}:
                    self._ordered.remove(order)
                    raise order[1]
