"""The audit trail: one JSON object for each decision, which nobody changes, without an image or a name."""

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from face_validation_function.comparison import Comparison
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.aws_errors import translate_aws_errors
from face_validation_function.settings import Settings
from face_validation_function.validations.validation_request import FaceValidationRequest

# KMS hashes at most 4096 bytes: it is given the SHA-256 of an image.
MAC_ALGORITHM = "HMAC_SHA_256"


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One decision and everything that it followed from; scores and thresholds are 0-100, unrounded.

    `client_id` is the caller's app client. `document` is the label by which the source was taken for a document, and
    `document_model` the version of Rekognition's label model that said so; AWS tells no version of its face models.
    `code` is `code_version()`. The HMACs are hexadecimal, of the SHA-256 of the images' bytes under the stage's key.
    """

    id_request: str
    time: str
    client_id: str
    type: str
    threshold: float
    threshold_review: float | None
    threshold_label: float
    similarity: float
    source_face_confidence: float
    target_face_confidence: float
    document: str | None
    document_confidence: float | None
    matched: bool
    decision: str | None
    reasons: list[str]
    document_model: str | None
    code: str
    source_hmac: str
    target_hmac: str

    @classmethod
    def of(
        cls,
        id_request: str,
        client_id: str,
        request: FaceValidationRequest,
        found: Comparison,
        *,
        code: str,
        hmacs: tuple[str, str],
    ) -> Self:
        """The record of a comparison, made now; `hmacs` are those of source and target."""
        document = found.source.document
        return cls(
            id_request=id_request,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            client_id=client_id,
            type=request.type,
            threshold=found.threshold,
            threshold_review=found.threshold_review,
            threshold_label=request.threshold_label,
            similarity=found.similarity,
            source_face_confidence=found.source.face.confidence,
            target_face_confidence=found.target.face.confidence,
            document=document.label if document else None,
            document_confidence=document.confidence if document else None,
            matched=found.is_match,
            decision=found.decision,
            reasons=list(found.reasons),
            document_model=document.model if document else None,
            code=code,
            source_hmac=hmacs[0],
            target_hmac=hmacs[1],
        )


class AuditTrail:
    """Records in, into a bucket that keeps them; `s3` and `kms` are clients, `key_id` is of an HMAC key."""

    def __init__(self, s3: Any, kms: Any, bucket: str, key_id: str) -> None:
        self._s3, self._kms = s3, kms
        self._bucket, self._key_id = bucket, key_id
        self._code = code_version()

    def write(self, id_request: str, client_id: str, request: FaceValidationRequest, found: Comparison) -> None:
        """Keep the record of a decision, under the id that it is answered with.

        Raises:
            InternalServerError: it cannot be written, so the decision must not be told.
        """
        hmacs = self._hmac(found.source.sha256), self._hmac(found.target.sha256)
        record = AuditRecord.of(id_request, client_id, request, found, code=self._code, hmacs=hmacs)
        with translate_aws_errors("S3", {}):
            self._s3.put_object(
                Bucket=self._bucket,
                # An id may come again; a record of its own each time.
                Key=f"{record.time[:10].replace('-', '/')}/{record.id_request}/{uuid.uuid4()}.json",
                Body=json.dumps(asdict(record), allow_nan=False).encode(),
                ContentType="application/json",
                # S3 takes an object under a lock only with a checksum.
                ChecksumAlgorithm="SHA256",
            )

    def _hmac(self, digest: bytes) -> str:
        with translate_aws_errors("KMS", {}):
            made: bytes = self._kms.generate_mac(KeyId=self._key_id, Message=digest, MacAlgorithm=MAC_ALGORITHM)["Mac"]
            return made.hex()


def audit_trail(settings: Settings, s3: Any) -> AuditTrail | None:
    """The trail of this deployment, over an S3 client; None where decisions are not recorded."""
    if not (settings.audit_bucket and settings.audit_key):
        return None
    return AuditTrail(s3, aws_client("kms"), settings.audit_bucket, settings.audit_key)


def code_version() -> str:
    """The SHA-256 of this package's sources: whoever has a checkout can tell which one decided."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for source in sorted(package.rglob("*.py")):
        digest.update(f"{source.relative_to(package).as_posix()}\0".encode() + source.read_bytes())
    return digest.hexdigest()
