"""Claims as a DynamoDB keeps them: one owner at a time, and the outcome beside it."""

import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from face_validation.local.aws.moto_services import aws_client, moto_server
from face_validation.local.aws.stores import create_claims_table
from face_validation_function.exceptions.exceptions import InternalServerError
from face_validation_function.integrations.claims_table import Claim, ClaimLostError, ClaimsTable

SOON = int(time.time()) + 86_400  # however long the tests before take


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with socket.create_server(("127.0.0.1", 0)) as listener, moto_server(listener) as endpoint:
        yield aws_client("dynamodb", endpoint)


@pytest.fixture
def table(dynamodb: Any) -> str:
    return create_claims_table(dynamodb, uuid.uuid4().hex)


@pytest.fixture
def claims(dynamodb: Any, table: str) -> ClaimsTable:
    return ClaimsTable(dynamodb, table)


def test_a_free_key_is_the_first_owners_and_stays_so(claims: ClaimsTable) -> None:
    taken = claims.claim("line/1", "ann", SOON)

    assert taken == claims.claim("line/1", "bob", SOON + 60) == Claim("line/1", "ann", SOON)


def test_of_twenty_at_once_exactly_one_is_the_owner(claims: ClaimsTable) -> None:
    owners = [f"owner-{number}" for number in range(20)]

    with ThreadPoolExecutor(20) as pool:
        standing = list(pool.map(lambda owner: claims.claim("session", owner, SOON).owner, owners))

    assert len(set(standing)) == 1


def test_the_owner_who_asks_again_finds_the_outcome(claims: ClaimsTable) -> None:
    claims.claim("line/1", "ann", SOON)
    claims.record("line/1", "ann", "matched")
    claims.record("line/1", "ann", "matched")

    assert claims.claim("line/1", "ann", SOON + 60) == Claim("line/1", "ann", SOON, "matched")
    assert claims.read("line/1") == Claim("line/1", "ann", SOON, "matched")


def test_an_expired_claim_is_not_read_and_the_next_owner_takes_it_without_its_outcome(claims: ClaimsTable) -> None:
    claims.claim("line/1", "ann", int(time.time()) - 2)
    claims.record("line/1", "ann", "matched")

    assert claims.read("line/1") is None
    assert claims.claim("line/1", "bob", SOON) == claims.read("line/1") == Claim("line/1", "bob", SOON)


@pytest.mark.parametrize("owner", [None, "bob"])
def test_nobody_records_an_outcome_beside_a_claim_that_is_not_his(claims: ClaimsTable, owner: str | None) -> None:
    if owner:
        claims.claim("line/1", owner, SOON)

    with pytest.raises(ClaimLostError):
        claims.record("line/1", "ann", "matched")

    assert claims.read("line/1") == (Claim("line/1", owner, SOON) if owner else None)


def test_a_table_that_does_not_answer_is_a_failure_of_the_service(dynamodb: Any) -> None:
    with pytest.raises(InternalServerError, match="ResourceNotFoundException"):
        ClaimsTable(dynamodb, "none").claim("line/1", "ann", SOON)


def test_dynamodb_removes_rows_by_the_attribute_that_claims_expire_by(dynamodb: Any, table: str) -> None:
    described = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]

    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiration"}
