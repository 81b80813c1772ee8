"""The pace of all workers together, in compressed time; and calls that are throttled and asked again."""

import heapq
import itertools
import random
import socket
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from face_validation.local.aws.moto_services import aws_client, moto_server
from face_validation.local.aws.stores import create_claims_table
from face_validation_function.exceptions.exceptions import ServiceBusyError
from face_validation_function.integrations.pace import Pace, PacedRekognition


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with socket.create_server(("127.0.0.1", 0)) as listener, moto_server(listener) as endpoint:
        yield aws_client("dynamodb", endpoint)


def calls_of(dynamodb: Any, *, per_second: float, workers: int, seconds: float, seed: int) -> list[float]:
    """When calls are made, if each worker makes one after the other, each of 0.1 to 3 seconds."""
    chance, now = random.Random(seed), [1_000_000.0]
    pace = Pace(dynamodb, create_claims_table(dynamodb, uuid.uuid4().hex), per_second, lambda: now[0])
    free = [(now[0], worker) for worker in range(workers)]
    made: list[float] = []
    while free[0][0] < 1_000_000.0 + seconds:
        now[0], worker = heapq.heappop(free)
        at = now[0] + pace.take("detect_faces", 60)
        made.append(at)
        heapq.heappush(free, (at + chance.uniform(0.1, 1.5), worker))
    return made


@pytest.mark.long
def test_eight_workers_keep_to_five_calls_a_second_within_five_percent_over_a_minute(dynamodb: Any) -> None:
    made = calls_of(dynamodb, per_second=5, workers=8, seconds=75, seed=1)

    for start in (1_000_005.0, 1_000_010.0, 1_000_014.0):
        count = sum(start <= at < start + 60 for at in made)
        assert abs(count / 300 - 1) <= 0.05


@pytest.mark.long
@settings(max_examples=8, deadline=None)
@given(st.floats(0.5, 50), st.integers(1, 12), st.integers(0, 1000))
def test_no_two_calls_are_ever_nearer_than_the_pace_allows(rate: float, workers: int, seed: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, moto_server(listener) as endpoint:
        made = sorted(
            calls_of(aws_client("dynamodb", endpoint), per_second=rate, workers=workers, seconds=4, seed=seed)
        )

    assert all(later - earlier >= 1 / rate - 1e-5 for earlier, later in itertools.pairwise(made))


def test_a_call_that_would_have_to_wait_too_long_reserves_nothing_and_operations_do_not_wait_for_each_other(
    dynamodb: Any,
) -> None:
    pace = Pace(dynamodb, create_claims_table(dynamodb, uuid.uuid4().hex), 0.1, lambda: 1_000.0)

    assert pace.take("detect_faces", 5) == 0
    with pytest.raises(ServiceBusyError, match="no call is free within 5 s"):
        pace.take("detect_faces", 5)
    assert pace.take("detect_faces", 15) == pytest.approx(10)
    assert pace.take("compare_faces", 5) == 0


class Rekognition:
    """Fails with these codes, one after the other, then answers."""

    def __init__(self, *codes: str) -> None:
        self.codes, self.calls = list(codes), 0

    def detect_faces(self, **_: Any) -> str:
        self.calls += 1
        if self.codes:
            raise ClientError({"Error": {"Code": self.codes.pop(0)}}, "DetectFaces")
        return "answer"


def test_a_throttled_call_waits_and_is_asked_again_and_costs_nothing_until_it_is_answered() -> None:
    busy = Rekognition("ProvisionedThroughputExceededException", "ThrottlingException", "ThrottlingException")
    paced = PacedRekognition(busy, None, lambda: 60.0)

    assert paced.detect_faces(Image={}) == "answer"
    assert (busy.calls, paced.paid_calls) == (4, 1)


def test_throttling_without_end_is_told_when_the_time_is_over_and_nothing_was_paid() -> None:
    ends = time.monotonic() + 0.5
    paced = PacedRekognition(Rekognition(*["ThrottlingException"] * 99), None, lambda: ends - time.monotonic())

    with pytest.raises(ClientError, match="ThrottlingException"):
        paced.detect_faces(Image={})
    assert paced.paid_calls == 0


@pytest.mark.parametrize(("codes", "calls"), [(["InternalServerError"] * 9, 3), (["InvalidImageFormatException"], 1)])
def test_failures_are_asked_three_times_and_refusals_once(codes: list[str], calls: int) -> None:
    failing = Rekognition(*codes)

    with pytest.raises(ClientError):
        PacedRekognition(failing, None, lambda: 60.0).detect_faces(Image={})
    assert failing.calls == calls
