"""One request's timer: how long each step took, what it cost, and when it must end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from face_validation_function.exceptions.exceptions import FaceValidationError, InternalServerError


class RequestTimer:
    """The clock of one request; safe to share among its threads.

    `deadline_s` is the time in seconds from now after which no further step may begin.
    """

    def __init__(self, deadline_s: float) -> None:
        self.durations_ms: dict[str, float] = {}
        self.rekognition_calls = 0
        self._deadline_s = deadline_s
        self._began = time.monotonic()
        self._under_way: set[str] = set()
        self._ended: float | None = None
        self._refusal: FaceValidationError | None = None

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the timer began, until it ended."""
        return ((self._ended or time.monotonic()) - self._began) * 1000

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self._deadline_s - self.elapsed_ms / 1000)

    def end(self, refusal: FaceValidationError | None = None) -> None:
        """The outcome is known: no further step may begin, so that nothing more is paid for."""
        self._ended = time.monotonic()
        self._refusal = self._refusal or refusal

    def out_of_time(self) -> FaceValidationError:
        """The refusal for what could not finish: the one known already, or one naming the steps it was waiting for."""
        if self._refusal:
            return self._refusal
        waiting = ", ".join(sorted(self._under_way)) or "the next step"
        return InternalServerError(f"{waiting}: no result within the deadline of {self._deadline_s:.1f} s.")

    @contextmanager
    def step(self, name: str, *, rekognition: bool = False) -> Iterator[None]:
        """Measure one step under its name, and say of every refusal inside in which step it came.

        `name` says the image first where there is one: "source, detect_faces".
        `rekognition` marks a call that AWS bills.

        Raises:
            FaceValidationError: the timer has ended or its time is over; the step did not begin.
        """
        if self._ended is not None or self.remaining_s == 0:
            raise self.out_of_time()
        began = time.monotonic()
        self._under_way.add(name)
        if rekognition:
            self.rekognition_calls += 1
        try:
            yield
        except FaceValidationError as error:
            error.step = name if error.step is None else f"{name}: {error.step}"
            raise
        finally:
            self._under_way.discard(name)
            took_ms = (time.monotonic() - began) * 1000
            self.durations_ms[name] = round(self.durations_ms.get(name, 0.0) + took_ms, 1)
