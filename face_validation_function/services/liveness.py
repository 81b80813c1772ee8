"""Face Liveness: a session is made for one trusted image, and its reference image is compared once, by its client."""

import json
import time
from datetime import UTC, datetime
from hashlib import sha256

from face_validation_function.exceptions.exceptions import LivenessError
from face_validation_function.integrations.claims_table import ClaimsTable
from face_validation_function.integrations.rekognition_service import LivenessResult, LivenessSessions
from face_validation_function.reasons import Reason
from face_validation_function.request_timer import RequestTimer
from face_validation_function.validations.validation_request import FaceValidationRequest

# Rekognition forgets a session with all its data so long after it was created.
SESSION_S = 180
# A use stands longer than its session, so that none can begin where both end.
USE_S = 60


class LivenessService:
    """Binds sessions to a client and a source image, and lets each be used once."""

    def __init__(self, sessions: LivenessSessions, claims: ClaimsTable, threshold: float) -> None:
        self._sessions, self._claims, self._threshold = sessions, claims, threshold

    def create(self, timer: RequestTimer, client: str, id_request: str, source_path: str) -> dict[str, str]:
        """A session of this client for this source, as answers tell it; the same one for the same id_request."""
        token = _digest(client, id_request, source_path)
        with timer.step("create_face_liveness_session", rekognition=True):
            session_id = self._sessions.create(token)
        with timer.step("claims"):
            made = self._claims.claim(_session(session_id), _owner(client, source_path), int(time.time()) + SESSION_S)
        expires_at = datetime.fromtimestamp(made.expires_at, UTC).isoformat()
        return {"session_id": session_id, "expires_at": expires_at, "region": self._sessions.region}

    def reference_image(self, timer: RequestTimer, client: str, request: FaceValidationRequest) -> bytes:
        """The image of a session that succeeded, for this request alone and as often as this request is repeated.

        LivenessError when the session is not this client's for this source, was used, or did not pass.
        """
        session_id = request.target_liveness_session or ""
        use = f"liveness-use/{session_id}"
        user = _digest(client, json.dumps(request.model_dump(mode="json"), sort_keys=True))
        with timer.step("target, liveness session"):
            session, used = self._claims.read(_session(session_id)), self._claims.read(use)
            if session is None or session.owner != _owner(client, request.source_path):
                raise LivenessError(
                    "there is no such session of this client for this source_path, or it is older than three minutes.",
                    Reason.LIVENESS_SESSION_UNKNOWN,
                )
            if used is not None and used.owner != user:
                raise _used()
        with timer.step("target, get_face_liveness_session_results", rekognition=True):
            image = self._image(self._sessions.result(session_id))
        with timer.step("target, liveness session"):
            if self._claims.claim(use, user, session.expires_at + USE_S).owner != user:
                raise _used()
        return image

    def _image(self, found: LivenessResult) -> bytes:
        # A newer Rekognition may have further codes: they are left out.
        feedback = filter(None, (_reason(code) for code in found.feedback))
        if found.status != "SUCCEEDED":
            reason = _reason(found.status) or Reason.LIVENESS_NOT_FINISHED
            raise LivenessError(f"the session is {found.status}; only one that SUCCEEDED is compared.", reason)
        # Never the confidence: whoever attacks would learn from it.
        if found.confidence < self._threshold:
            raise LivenessError(
                "the confidence that a living person was there is too low.", Reason.LIVENESS_NOT_SURE, *feedback
            )
        if not found.image:
            raise LivenessError("the session has no reference image.", Reason.LIVENESS_NO_IMAGE, *feedback)
        return found.image


def _reason(code: str) -> Reason | None:
    """The reason of one of Rekognition's words for a status or a feedback."""
    return Reason.__members__.get(f"LIVENESS_{code}")


def _used() -> LivenessError:
    return LivenessError("the session was used by another request; it is good for one.", Reason.LIVENESS_SESSION_USED)


def _session(session_id: str) -> str:
    return f"liveness-session/{session_id}"


def _owner(client: str, source_path: str) -> str:
    return f"{client}/{source_path}"


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()
