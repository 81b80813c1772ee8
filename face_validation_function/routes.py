"""Every route of the API, as data: the handler, CDK, the local gateway and OpenAPI read it."""

from dataclasses import dataclass

RESOURCE_SERVER = "face-detection"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of the API.

    `resource` is API Gateway's resource path (path parameters in braces), `operation` the key of the handler's
    dispatch table, `scope` the OAuth scope that the access token must carry.
    """

    method: str
    resource: str
    operation: str
    scope: str


ROUTES: tuple[Route, ...] = (Route("POST", "/validation", "validate", f"{RESOURCE_SERVER}/write"),)
