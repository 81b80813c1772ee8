"""The Face Liveness sessions of a server: until when each lives, and what was asked of it."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rekognition_local.protocol.wire import ServiceError

LIFETIME_S = 180.0
# An expired session is still known to be expired for so long.
REMEMBERED_S = 3600.0
CHALLENGES: Mapping[str, str] = {"FaceMovementAndLightChallenge": "2.0.0", "FaceMovementChallenge": "1.0.0"}


@dataclass(frozen=True, slots=True)
class LivenessSession:
    """A session: when it was made (of the sessions' clock), for which challenge, and where its images go."""

    session_id: str
    created: float
    challenge: Mapping[str, str]
    audit_images: int
    output: Mapping[str, str] | None


class LivenessSessions:
    """The sessions of a server, in memory alone: they end after minutes. Safe under threads; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[tuple[str, str], LivenessSession] = {}
        self._ids_of_tokens: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def create(self, region: str, request: Mapping[str, Any]) -> LivenessSession:
        """A new session of a region; the one that the same ClientRequestToken made, where there is one."""
        settings = request.get("Settings", {})
        challenge = _challenge(settings.get("ChallengePreferences") or ())
        token = request.get("ClientRequestToken", "")
        with self._lock:
            self._forget()
            known = self._sessions.get((region, self._ids_of_tokens.get((region, token), "")))
            if known is not None:
                return known
            made = LivenessSession(
                str(uuid.uuid4()),
                self._clock(),
                challenge,
                settings.get("AuditImagesLimit", 0),
                settings.get("OutputConfig"),
            )
            self._sessions[region, made.session_id] = made
            if token:
                self._ids_of_tokens[region, token] = made.session_id
            return made

    def find(self, region: str, session_id: str) -> LivenessSession:
        """The session of that id.

        Raises:
            ServiceError: SessionNotFoundException.
        """
        with self._lock:
            self._forget()
            found = self._sessions.get((region, session_id))
        if found is None:
            raise ServiceError("SessionNotFoundException", f"Session not found. sessionId: {session_id}")
        return found

    def is_over(self, session: LivenessSession) -> bool:
        """Whether the session's three minutes are over."""
        return self._clock() - session.created > LIFETIME_S

    def open_ids(self) -> set[str]:
        """The ids of all sessions that can still have an outcome."""
        with self._lock:
            return {one.session_id for one in self._sessions.values() if not self.is_over(one)}

    def _forget(self) -> None:
        oldest = self._clock() - REMEMBERED_S
        self._sessions = {key: one for key, one in self._sessions.items() if one.created > oldest}
        self._ids_of_tokens = {
            (region, token): id_
            for (region, token), id_ in self._ids_of_tokens.items()
            if (region, id_) in self._sessions
        }


def _challenge(preferences: Any) -> dict[str, str]:
    """The first challenge of the preferences that there is in a version that they allow; by default the first of all.

    Raises:
        ServiceError: InvalidParameterException when there is none.
    """
    if not preferences:
        kind = next(iter(CHALLENGES))
        return {"Type": kind, "Version": CHALLENGES[kind]}
    for preference in preferences:
        version, allowed = CHALLENGES[preference["Type"]], preference.get("Versions", {})
        least, most = (allowed.get(bound, version) for bound in ("Minimum", "Maximum"))
        if _parts(least) <= _parts(version) <= _parts(most):
            return {"Type": preference["Type"], "Version": version}
    raise ServiceError("InvalidParameterException", "Request has invalid parameters. No challenge has that version.")


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
