"""Rekognition's Face Liveness sessions in our words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from face_validation_function.exceptions.exceptions import LivenessError
from face_validation_function.integrations.aws_errors import Refusals, translate_aws_errors
from face_validation_function.integrations.rekognition_service import percent_of

REFUSALS: Refusals = {"SessionNotFoundException": LivenessError}


@dataclass(frozen=True, slots=True)
class LivenessResult:
    """What became of a session: its status, the confidence (0-100), codes of what was wrong, the reference image."""

    status: str
    confidence: float = 0.0
    feedback: tuple[str, ...] = ()
    image: bytes | None = None


class LivenessSessions:
    """Creates sessions and reads their results; `client` is a Rekognition client."""

    def __init__(self, client: Any, *, challenge: str, audit_images: int) -> None:
        self._client = client
        # No OutputConfig: Rekognition itself keeps nothing of a session beyond its three minutes.
        self._settings = {"AuditImagesLimit": audit_images, "ChallengePreferences": [{"Type": challenge}]}

    @property
    def region(self) -> str:
        """Where the browser must send its video."""
        region: str = self._client.meta.region_name
        return region

    def create(self, token: str) -> str:
        """The id of a new session; of the same one for the same token (at most 64 letters, digits, - and _)."""
        with translate_aws_errors("CreateFaceLivenessSession", {}):
            made = self._client.create_face_liveness_session(Settings=self._settings, ClientRequestToken=token)
            return str(made["SessionId"])

    def result(self, session_id: str) -> LivenessResult:
        """What became of a session; raises LivenessError when Rekognition does not know it."""
        with translate_aws_errors("GetFaceLivenessSessionResults", REFUSALS):
            found: Mapping[str, Any] = self._client.get_face_liveness_session_results(SessionId=session_id)
            return LivenessResult(
                status=found["Status"],
                confidence=percent_of(found.get("Confidence", 0.0)),
                feedback=tuple(one["Code"] for one in found.get("Feedback", ())),
                image=found.get("ReferenceImage", {}).get("Bytes"),
            )
