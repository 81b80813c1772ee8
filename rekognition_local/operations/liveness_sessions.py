"""The Face Liveness sessions of a server: until when each lives, and what was asked of it."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rekognition_local.protocol.wire import ServiceError, invalid_parameters

LIFETIME_S = 180.0
# An expired session is still known to be expired for so long.
REMEMBERED_S = 3600.0
CHALLENGES: Mapping[str, str] = {"FaceMovementAndLightChallenge": "2.0.0", "FaceMovementChallenge": "1.0.0"}


@dataclass(frozen=True, slots=True)
class LivenessSession:
    """A session: when it was made (of the sessions' clock), for which challenge, and where its images go."""

    region: str
    session_id: str
    token: str | None
    created: float
    challenge: Mapping[str, str]
    audit_images: int
    output: Mapping[str, str] | None


class LivenessSessions:
    """The sessions of a server, in memory alone: they end after minutes. Safe under threads; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: list[LivenessSession] = []
        self._lock = threading.Lock()

    def create(self, region: str, request: Mapping[str, Any]) -> LivenessSession:
        """A new session of a region; the one that the same ClientRequestToken made, where there is one."""
        settings = request.get("Settings", {})
        made = LivenessSession(
            region,
            str(uuid.uuid4()),
            request.get("ClientRequestToken"),
            self._clock(),
            _challenge(settings.get("ChallengePreferences")),
            settings.get("AuditImagesLimit", 0),
            settings.get("OutputConfig"),
        )
        with self._lock:
            for known in self._remembered(region):
                if made.token is not None and known.token == made.token:
                    return known
            self._sessions.append(made)
        return made

    def find(self, region: str, session_id: str) -> LivenessSession:
        """The session of that id, or SessionNotFoundException."""
        with self._lock:
            for found in self._remembered(region):
                if found.session_id == session_id:
                    return found
        raise ServiceError("SessionNotFoundException", f"Session not found. sessionId: {session_id}")

    def is_over(self, session: LivenessSession) -> bool:
        """Whether the session's three minutes are over."""
        return self._clock() - session.created > LIFETIME_S

    def open_ids(self) -> set[str]:
        """The ids of all sessions that can still have an outcome."""
        with self._lock:
            return {one.session_id for one in self._sessions if not self.is_over(one)}

    def _remembered(self, region: str) -> list[LivenessSession]:
        oldest = self._clock() - REMEMBERED_S
        self._sessions = [one for one in self._sessions if one.created > oldest]
        return [one for one in self._sessions if one.region == region]


def _challenge(preferences: Any) -> dict[str, str]:
    """The first preferred challenge that there is in an allowed version; by default the first of all."""
    for preference in preferences or [{"Type": next(iter(CHALLENGES))}]:
        version, allowed = CHALLENGES[preference["Type"]], preference.get("Versions", {})
        least, most = (allowed.get(bound, version) for bound in ("Minimum", "Maximum"))
        if _parts(least) <= _parts(version) <= _parts(most):
            return {"Type": preference["Type"], "Version": version}
    raise invalid_parameters("No challenge has that version.")


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
