"""Every route of the API, as data: the handler, CDK, the local gateway and OpenAPI read it."""

import re
from dataclasses import dataclass

RESOURCE_SERVER = "face-detection"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of the API.

    `resource` is API Gateway's resource path (path parameters in braces), `operation` the key of the handler's
    dispatch table, `scope` the OAuth scope that the access token must carry. Where there is `or_scope`, either is
    enough, and the operation itself says what each may ask.
    """

    method: str
    resource: str
    operation: str
    scope: str
    or_scope: str | None = None

    @property
    def scopes(self) -> list[str]:
        """The scopes of which one is enough."""
        return [self.scope] if self.or_scope is None else [self.scope, self.or_scope]

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names in braces in `resource`."""
        return tuple(re.findall(r"\{(\w+)\}", self.resource))


READ, WRITE, ADMIN = (f"{RESOURCE_SERVER}/{scope}" for scope in ("read", "write", "admin"))

VALIDATION_ROUTES: tuple[Route, ...] = (
    Route("POST", "/validation", "validate", WRITE),
    Route("POST", "/liveness-sessions", "create_liveness_session", WRITE),
)

# Answered by the people function, the others by the validation function.
PEOPLE_ROUTES: tuple[Route, ...] = (
    Route("POST", "/faces", "enrol", WRITE),
    Route("GET", "/faces", "list_faces", READ),
    Route("GET", "/faces/{face_id}", "show_face", READ),
    Route("DELETE", "/faces/{face_id}", "erase_face", ADMIN),
    Route("GET", "/people/{full_name}", "show_person", ADMIN),
    Route("DELETE", "/people/{full_name}", "erase_person", ADMIN),
    Route("POST", "/renames", "rename", ADMIN),
    Route("POST", "/reindexings", "reindex", ADMIN),
    Route("POST", "/search", "search", READ),
    Route("POST", "/verification", "verify", READ),
    Route("POST", "/uploads", "upload", WRITE),
)

# A job needs the scope of the route that it repeats.
JOB_ROUTES: tuple[Route, ...] = (
    Route("POST", "/jobs", "create_job", WRITE, READ),
    Route("GET", "/jobs", "list_jobs", WRITE, READ),
    Route("GET", "/jobs/{job_id}", "show_job", WRITE, READ),
    Route("DELETE", "/jobs/{job_id}", "stop_job", WRITE, READ),
    Route("POST", "/jobs/{job_id}/redrive", "redrive_job", WRITE, READ),
    Route("GET", "/jobs/{job_id}/results", "job_results", WRITE, READ),
)

ROUTES = (*VALIDATION_ROUTES, *PEOPLE_ROUTES, *JOB_ROUTES)
