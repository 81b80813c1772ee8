"""Work runs until its deadline: every task ends in its value or in a refusal, and nothing begins afterwards."""

import threading

from face_validation_function.exceptions.exceptions import ImageValidationError, InternalServerError, drop_tracebacks
from face_validation_function.request_timer import RequestTimer, run_until_deadline
from face_validation_function.utils.logging_config import service_logger

LOGGER = service_logger("DEBUG")


def test_outcomes_come_in_the_order_of_the_tasks_whichever_ends_first() -> None:
    second_is_done = threading.Event()

    def first(_: RequestTimer) -> str:
        second_is_done.wait(5)
        return "first"

    def second(_: RequestTimer) -> str:
        second_is_done.set()
        return "second"

    outcomes = run_until_deadline([("1", first), ("2", second)], 10, LOGGER, at_once=2)

    assert [(outcome.id_request, outcome.result) for outcome in outcomes] == [("1", "first"), ("2", "second")]


def test_a_refusal_names_the_step_that_refused_and_keeps_no_frames() -> None:
    def refuse(timer: RequestTimer) -> None:
        with timer.step("source, decode"):
            raise ImageValidationError("not an image.")

    (outcome,) = run_until_deadline([("1", refuse)], 10, LOGGER)

    assert isinstance(outcome.result, ImageValidationError)
    assert (outcome.result.step, str(outcome.result)) == ("source, decode", "source, decode: not an image.")
    assert outcome.result.__traceback__ is None


def test_an_unforeseen_exception_becomes_an_internal_server_error_without_its_text() -> None:
    def fail(_: RequestTimer) -> None:
        raise ZeroDivisionError("secret")

    (outcome,) = run_until_deadline([("1", fail)], 10, LOGGER)

    assert isinstance(outcome.result, InternalServerError)
    assert "secret" not in str(outcome.result)


def test_work_without_a_result_at_the_deadline_is_refused_with_its_step_and_begins_no_other() -> None:
    released, ended = threading.Event(), threading.Event()
    begun: list[str] = []

    def slow(timer: RequestTimer) -> None:
        try:
            with timer.step("target, download"):
                released.wait(5)
            with timer.step("compare_faces", rekognition=True):
                begun.append("compare_faces")
        finally:
            ended.set()

    (outcome,) = run_until_deadline([("1", slow)], 0.1, LOGGER)
    released.set()

    assert ended.wait(5)
    assert isinstance(outcome.result, InternalServerError)
    assert str(outcome.result) == "target, download: no result within the deadline of 0.1 s."
    assert begun == []


def test_an_error_that_is_the_cause_of_its_own_cause_is_let_go_of_too() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first

    drop_tracebacks(first)

    assert (first.__traceback__, second.__traceback__) == (None, None)
