"""The audit trail: one JSON object for each decision, which nobody changes, without an image or a name."""

import hashlib
import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from face_validation_function.comparison import Comparison
from face_validation_function.integrations.aws_client import aws_client, translate_aws_errors
from face_validation_function.settings import Settings
from face_validation_function.validations.validation_request import FaceValidationRequest

# KMS hashes at most 4096 bytes: it is given the SHA-256 of an image.
MAC_ALGORITHM = "HMAC_SHA_256"


class AuditTrail:
    """Records in, into a bucket that keeps them; `s3` and `kms` are clients, `key_id` is of an HMAC key."""

    def __init__(self, s3: Any, kms: Any, bucket: str, key_id: str) -> None:
        self._s3, self._kms = s3, kms
        self._bucket, self._key_id = bucket, key_id
        self._code = code_version()

    def write(self, id_request: str, client_id: str, request: FaceValidationRequest, found: Comparison) -> None:
        """Keep a decision and everything that it followed from, under the id that it is answered with.

        Scores and thresholds are 0-100, unrounded; the HMACs are hexadecimal. InternalServerError when it cannot be
        written, so that the decision must not be told.
        """
        document = found.source.document
        record = {
            "id_request": id_request,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client_id": client_id,
            "type": request.type,
            "threshold": found.threshold,
            "threshold_review": found.threshold_review,
            "threshold_label": request.threshold_label,
            "similarity": found.similarity,
            "source_face_confidence": found.source.face.confidence,
            "target_face_confidence": found.target.face.confidence,
            "document": document.label if document else None,
            "document_confidence": document.confidence if document else None,
            # Of Rekognition's label model, which found the document; AWS tells no version of its face models.
            "document_model": document.model if document else None,
            "matched": found.is_match,
            "decision": found.decision,
            "reasons": found.reasons,
            "code": self._code,
            "source_hmac": self._hmac(found.source.sha256),
            "target_hmac": self._hmac(found.target.sha256),
        }
        day = str(record["time"])[:10].replace("-", "/")
        with translate_aws_errors("S3", {}):
            self._s3.put_object(
                Bucket=self._bucket,
                # An id may come again; a record of its own each time.
                Key=f"{day}/{id_request}/{uuid.uuid4()}.json",
                Body=json.dumps(record, allow_nan=False).encode(),
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
    # What a zone's fields and the state machine's steps are stands in JSON, beside the code that reads it.
    for source in sorted([*package.rglob("*.py"), *package.rglob("*.json")]):
        digest.update(f"{source.relative_to(package).as_posix()}\0".encode() + source.read_bytes())
    return digest.hexdigest()
