"""Runs work until a deadline: each piece with a timer of its own, each ending in a value or a refusal."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from aws_lambda_powertools import Logger

from face_validation_function.exceptions.exceptions import FaceValidationError, InternalServerError, drop_tracebacks
from face_validation_function.request_timer import RequestTimer

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Task(Generic[Value]):
    """A piece of work and the request that it is done for, as the log names it."""

    id_request: str
    work: Callable[[RequestTimer], Value]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Value]):
    """What became of a task: its value or its refusal, and the timer that measured it."""

    id_request: str
    timer: RequestTimer
    result: Value | FaceValidationError


def run_until_deadline(
    tasks: Sequence[Task[Value]], deadline_s: float, logger: Logger, *, at_once: int = 1
) -> list[Outcome[Value]]:
    """Every task's outcome, in the order of the tasks.

    A task that has no result at the deadline is refused with the steps that it waits for; its thread begins no further
    step. An exception that nobody foresaw is logged with its traceback and becomes an InternalServerError.

    Args:
        tasks: what to do.
        deadline_s: seconds from now.
        logger: where unforeseen exceptions go.
        at_once: how many tasks may run side by side.
    """
    pool = ThreadPoolExecutor(max_workers=min(len(tasks), at_once), thread_name_prefix="request")
    timers = [RequestTimer(deadline_s) for _ in tasks]
    under_way = [pool.submit(_timed, task, timer) for task, timer in zip(tasks, timers, strict=True)]
    wait(under_way, timeout=deadline_s)
    pool.shutdown(wait=False)  # a task that has not begun refuses at its first step: its timer is over
    outcomes = [
        _outcome(task, timer, future, logger) for task, timer, future in zip(tasks, timers, under_way, strict=True)
    ]
    for future in under_way:
        if future.done():
            drop_tracebacks(future.exception())
    return outcomes


def _timed(task: Task[Value], timer: RequestTimer) -> Value:
    try:
        return task.work(timer)
    finally:
        timer.end()


def _outcome(task: Task[Value], timer: RequestTimer, future: Future[Value], logger: Logger) -> Outcome[Value]:
    result: Value | FaceValidationError
    if future.done():
        try:
            result = future.result()
        except FaceValidationError as error:
            result = error
        except Exception:
            logger.exception("The request failed.", extra={"id_request": task.id_request})
            result = InternalServerError("an unexpected failure; its cause is in the log.")
    else:
        result = timer.out_of_time()
        timer.end()
    return Outcome(task.id_request, timer, result)
