"""The audit trail, on an S3 with object lock and a KMS that are asked over HTTP."""

import hashlib
import json
import re
import socket
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_validation.local.aws.moto_services import aws_client, moto_server
from face_validation_function.integrations.audit_trail import MAC_ALGORITHM, AuditTrail, code_version
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.rest_function import RestFunction
from tests.face_validation_function.test_handler import adapters_of
from tests.fakes import PASSPORT, FakeContext, FakeRekognition, FakeS3, event, jpeg, request_body

# All that a record holds; whatever is added must not be an image, a key of one, a name or a document's text.
RECORDED = {
    *("id_request", "time", "client_id", "type", "threshold", "threshold_review", "threshold_label", "similarity"),
    *("source_face_confidence", "target_face_confidence", "document", "document_confidence", "document_model"),
    *("matched", "decision", "reasons", "code", "source_hmac", "target_hmac"),
}
MINE = "0a0a0a0a-0000-4000-8000-00000000000a"


@dataclass(frozen=True)
class Trail:
    """A bucket under governance lock and an HMAC key."""

    s3: Any
    kms: Any
    bucket: str
    key_id: str

    def records(self) -> list[dict[str, Any]]:
        found = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        objects = [self.s3.get_object(Bucket=self.bucket, Key=one["Key"]) for one in found]
        return [json.loads(one["Body"].read()) for one in objects]

    def writer(self, bucket: str | None = None) -> AuditTrail:
        return AuditTrail(self.s3, self.kms, bucket or self.bucket, self.key_id)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener, moto_server(listener) as url:
        yield url


@pytest.fixture
def trail(endpoint: str) -> Trail:
    s3, kms = aws_client("s3", endpoint), aws_client("kms", endpoint)
    bucket = f"audit-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}
    s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    key_id = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    return Trail(s3, kms, bucket, key_id)


def ask(
    audit: AuditTrail, body: object, s3: FakeS3 | None = None, rekognition: FakeRekognition | None = None
) -> tuple[int, Any]:
    adapters: Adapters = replace(adapters_of(s3, rekognition), audit=audit)
    caller = {"authorizer": {"claims": {"client_id": "kiosk", "scope": "face-detection/write"}}}
    answer = RestFunction(OPERATIONS, lambda: adapters)(event(body, requestContext=caller), FakeContext())
    return answer["statusCode"], json.loads(answer["body"])


def decided(record: Mapping[str, Any]) -> tuple[bool, str | None]:
    """The decision, computed anew from nothing but the numbers of a record, as the contract defines it."""
    seen = min(record["source_face_confidence"], record["target_face_confidence"]) >= 80
    if record["document"] is not None:
        seen = seen and record["document_confidence"] > record["threshold_label"]
    matched = seen and record["similarity"] >= record["threshold"]
    if record["threshold_review"] is None:
        return matched, None
    return matched, "match" if matched else "review" if record["similarity"] >= record[
        "threshold_review"
    ] else "no_match"


def test_a_record_tells_what_was_asked_what_was_seen_and_who_decided(trail: Trail) -> None:
    body = request_body(id_request=MINE, type="ID_TO_FACE", threshold=98.5, threshold_review=90)
    rekognition = FakeRekognition(labels=[replace(PASSPORT, model="3.0")], similarity=97.25)

    status, answer = ask(trail.writer(), body, rekognition=rekognition)

    (record,) = trail.records()
    assert status == 200
    assert record.keys() == RECORDED
    assert record["id_request"] == answer["id_request"] == MINE
    assert (record["client_id"], record["type"]) == ("kiosk", "ID_TO_FACE")
    assert (record["threshold"], record["threshold_review"], record["threshold_label"]) == (98.5, 90, 55)
    assert (record["similarity"], record["matched"], record["decision"]) == (97.25, False, "review")
    assert record["reasons"] == ["SIMILARITY_BELOW_THRESHOLD", "SIMILARITY_NEAR_THRESHOLD"]
    assert (record["document"], record["document_confidence"], record["document_model"]) == ("Passport", 97.0, "3.0")
    assert record["code"] == code_version()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", record["time"])


def test_a_generated_id_is_the_one_that_was_answered(trail: Trail) -> None:
    _, answer = ask(trail.writer(), request_body())

    assert [record["id_request"] for record in trail.records()] == [answer["id_request"]]


def test_who_has_an_image_and_the_key_can_show_that_it_is_the_one(trail: Trail) -> None:
    source, target = jpeg(colour="teal"), jpeg(colour="olive")
    ask(trail.writer(), request_body(), FakeS3(source=source, target=target))

    (record,) = trail.records()

    for image, name in ((source, "source_hmac"), (target, "target_hmac")):
        assert trail.kms.verify_mac(
            KeyId=trail.key_id,
            MacAlgorithm=MAC_ALGORITHM,
            Message=hashlib.sha256(image).digest(),
            Mac=bytes.fromhex(record[name]),
        )["MacValid"]
        assert record[name] != hashlib.sha256(image).hexdigest()
    assert record["source_hmac"] != record["target_hmac"]


def test_a_record_holds_no_key_name_or_document_text(trail: Trail) -> None:
    body = request_body(type="ID_TO_FACE", claims={"full_name": "Anna Maria Eriksson"}, source_path="source.jpg")
    ask(trail.writer(), body)

    text = json.dumps(trail.records())

    for secret in ("source.jpg", "target.jpg", "Eriksson", "ERIKSSON"):
        assert secret not in text


def test_a_record_comes_with_the_checksum_that_a_locked_bucket_asks_for(trail: Trail) -> None:
    ask(trail.writer(), request_body())

    (found,) = trail.s3.list_objects_v2(Bucket=trail.bucket)["Contents"]

    assert trail.s3.head_object(Bucket=trail.bucket, Key=found["Key"], ChecksumMode="ENABLED")["ChecksumSHA256"]


def test_the_same_id_again_is_another_record(trail: Trail) -> None:
    for _ in range(2):
        ask(trail.writer(), request_body(id_request=MINE))

    assert len(trail.records()) == 2


@pytest.mark.parametrize("lost", ["bucket", "key"])
def test_a_decision_whose_record_cannot_be_written_is_not_told(trail: Trail, lost: str) -> None:
    audit = trail.writer("no-such-bucket") if lost == "bucket" else replace(trail, key_id=str(uuid.uuid4())).writer()

    status, answer = ask(audit, request_body())

    assert (status, answer["error"]["code"]) == (500, "InternalServerError")
    assert answer["error"]["details"].startswith("audit record: ")
    assert "matched" not in answer


def test_an_array_has_a_record_for_each_decision_and_none_for_a_refusal(trail: Trail) -> None:
    s3 = FakeS3(broken=b"no image")

    status, _ = ask(trail.writer(), [request_body(), request_body(source_path="broken.jpg"), request_body()], s3)

    assert status == 200
    assert len(trail.records()) == 2


percent = st.floats(0, 100)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(similarity=percent, threshold=percent, share=st.none() | st.floats(0, 1), kind=st.sampled_from(["FACE", "ID"]))
def test_the_decision_can_be_computed_again_from_the_record(
    trail: Trail, similarity: float, threshold: float, share: float | None, kind: str
) -> None:
    review = None if share is None else threshold * share
    body = request_body(id_request=str(uuid.uuid4()), type=f"{kind}_TO_FACE", threshold=threshold)
    rekognition = FakeRekognition(similarity=similarity)

    _, answer = ask(trail.writer(), body | ({} if review is None else {"threshold_review": review}), None, rekognition)

    (record,) = (one for one in trail.records() if one["id_request"] == body["id_request"])
    assert decided(record) == (record["matched"], record["decision"])
    assert decided(record) == (answer["matched"], answer.get("decision"))
