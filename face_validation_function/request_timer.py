"""One request's timer: how long each step took, what it cost, and when it must end; and work that ends by then."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from aws_lambda_powertools import Logger

from face_validation_function.exceptions.exceptions import FaceValidationError, InternalServerError, drop_tracebacks

Value = TypeVar("Value")


class RequestTimer:
    """The clock of one request; safe to share among its threads. After `deadline_s` no further step may begin."""

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

        `name` says the image first where there is one: "source, detect_faces". `rekognition` marks a call that AWS
        bills. Raises FaceValidationError, without beginning the step, when the timer has ended or its time is over.
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


Work: TypeAlias = Callable[[RequestTimer], Value]


@dataclass(frozen=True, slots=True)
class Ended(Generic[Value]):
    """What became of the work for a request: its value or its refusal, and the timer that measured it."""

    id_request: str
    timer: RequestTimer
    result: Value | FaceValidationError


def run_until_deadline(
    tasks: Sequence[tuple[str, Work[Value]]], deadline_s: float, logger: Logger, *, at_once: int = 1
) -> list[Ended[Value]]:
    """The outcome of every task, (id of its request, work), in their order; `at_once` of them run side by side.

    A task that has no result after `deadline_s` is refused with the steps that it waits for; its thread begins no
    further step. An exception that nobody foresaw is logged with its traceback and becomes an InternalServerError.
    """
    pool = ThreadPoolExecutor(max_workers=min(len(tasks), at_once), thread_name_prefix="request")
    timers = [RequestTimer(deadline_s) for _ in tasks]
    under_way = [
        pool.submit(_result, id_request, work, timer, logger)
        for (id_request, work), timer in zip(tasks, timers, strict=True)
    ]
    wait(under_way, timeout=deadline_s)
    pool.shutdown(wait=False)  # a task that has not begun refuses at its first step: its timer is over
    outcomes: list[Ended[Value]] = []
    for (id_request, _), timer, future in zip(tasks, timers, under_way, strict=True):
        if future.done():
            result = future.result()
        else:
            result = timer.out_of_time()
            timer.end()
        outcomes.append(Ended(id_request, timer, result))
    return outcomes


def _result(id_request: str, work: Work[Value], timer: RequestTimer, logger: Logger) -> Value | FaceValidationError:
    try:
        return work(timer)
    except FaceValidationError as error:
        drop_tracebacks(error)
        return error
    except Exception as error:
        logger.exception("The request failed.", extra={"id_request": id_request})
        drop_tracebacks(error)
        return InternalServerError("an unexpected failure; its cause is in the log.")
    finally:
        timer.end()
