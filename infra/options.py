"""What operations may choose per deployment, read from the CDK context (`cdk deploy -c name=value`)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from face_validation_function.routes import RESOURCE_SERVER, ROUTES, WRITE
from face_validation_function.settings import (
    ALL_VALIDATION_TYPES,
    LIVENESS_CHALLENGES,
    MOST_AUDIT_IMAGES,
    MOST_DAYS,
    THRESHOLD_DUPLICATE,
    THRESHOLD_POSSIBLE_DUPLICATE,
    VALIDATION_TYPES,
)

# Target images move to Infrequent Access then; S3 refuses a rule that removes them no later.
INFREQUENT_ACCESS_DAYS = 30

Context = Callable[[str], object]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class CustomDomain:
    """A name of one's own for the API: its certificate (same region) and the hosted zone that it lies in."""

    name: str
    certificate_arn: str
    hosted_zone_id: str
    hosted_zone_name: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """Whom EventBridge tells that a job has ended: an address, and the secret in Secrets Manager that it shows."""

    url: str
    secret_arn: str

    def __post_init__(self) -> None:
        if not self.url.startswith("https://"):
            raise ValueError(f"-c jobs_webhook_url={self.url}: it must begin with https://.")


@dataclass(frozen=True, slots=True)
class AppClient:
    """A program that calls the API, with an id and a secret of its own, and the scopes that it may ask for."""

    name: str
    scopes: tuple[str, ...]


PROBE_CLIENT = AppClient("probe", (WRITE,))


def _validation_types(given: object) -> object:
    if not isinstance(given, str):
        return given
    types = tuple(part.strip() for part in given.split(","))
    if not set(types) <= set(ALL_VALIDATION_TYPES):
        raise ValueError(f"give some of {','.join(ALL_VALIDATION_TYPES)}")
    return types


def _clients(given: object) -> object:
    """Read `kiosk:write,back-office:read+write`: the scopes without the name of their server."""
    if not isinstance(given, str):
        return given
    known = {route.scope.removeprefix(f"{RESOURCE_SERVER}/"): route.scope for route in ROUTES}
    clients: list[AppClient] = []
    for one in given.split(","):
        name, _, scopes = (part.strip() for part in one.partition(":"))
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name) or name in {client.name for client in clients}:
            raise ValueError(f"{name!r} must consist of small letters, digits and hyphens, and appear only once")
        if not scopes or not set(scopes.split("+")) <= set(known):
            raise ValueError(f"{name} has the scopes {scopes!r}; give some of {', '.join(sorted(known))}, joined by +")
        clients.append(AppClient(name, tuple(known[scope] for scope in scopes.split("+"))))
    return tuple(clients)


def _switch(given: object) -> object:
    """Only these two words: pydantic itself would take `yes`, `on` and `1` too."""
    if isinstance(given, str) and given not in {"false", "true"}:
        raise ValueError("it must be one of false, true")
    return given


Switch = Annotated[bool, BeforeValidator(_switch)]
Count = Annotated[int, Field(ge=1)]
Percent = Annotated[int, Field(ge=0, le=100)]


class Options(BaseModel, frozen=True):
    """The choices of one deployment; docs/deployment.md says what each means.

    Each field but `domain` and `jobs_webhook`, which have several keys, is the context key of the same name.
    """

    stage: Literal["dev", "prod"] = "dev"
    arch: Literal["arm64", "x86_64"] = "arm64"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "DEBUG"
    throttle_rate: Count = 20
    throttle_burst: Count = 40
    reserved_concurrency: Count | None = None
    validation_types: Annotated[tuple[str, ...], BeforeValidator(_validation_types)] = VALIDATION_TYPES
    alarm_email: str | None = None
    kms: Switch = False
    waf: Switch = False
    domain: CustomDomain | None = None
    source_days: Count | None = None
    target_days: int | None = Field(default=None, gt=INFREQUENT_ACCESS_DAYS)
    people_days: int | None = Field(default=None, ge=1, le=MOST_DAYS)
    threshold_duplicate: Percent = THRESHOLD_DUPLICATE
    threshold_possible_duplicate: Percent = THRESHOLD_POSSIBLE_DUPLICATE
    clients: Annotated[tuple[AppClient, ...], BeforeValidator(_clients)] = ()
    # direct: callers ask the newest code. The others: callers ask an alias, and CodeDeploy moves it.
    release: Literal["direct", "canary", "all-at-once"] = "direct"
    provisioned_concurrency: Count | None = None
    rekognition_tps: Count | None = None
    liveness: Switch = False
    threshold_liveness: int = Field(default=90, ge=1, le=100)
    liveness_challenge: str = Field(default=LIVENESS_CHALLENGES[0], pattern=f"^({'|'.join(LIVENESS_CHALLENGES)})$")
    liveness_audit_images: int = Field(default=0, ge=0, le=MOST_AUDIT_IMAGES)
    jobs_tps: Count = 5
    jobs_webhook: Webhook | None = None
    idempotency: Switch = False
    audit: Switch = False
    audit_days: Count = 365
    probe: Switch = False

    @property
    def is_prod(self) -> bool:
        """Whether data is kept when the stack goes, and protected from deletion."""
        return self.stage == "prod"

    @classmethod
    def from_context(cls, context: Context) -> "Options":
        """Read the options; `context` answers None for a key that was not given.

        Raises:
            ValueError: a value that is not allowed; names the key.
        """
        given = _given(context, cls.model_fields)
        if given.get("stage") == "prod":
            given.setdefault("log_level", "INFO")
        domain = _together(context, CustomDomain, "domain", "certificate_arn", "hosted_zone_id", "hosted_zone_name")
        webhook = _together(context, Webhook, "jobs_webhook_url", "jobs_webhook_secret_arn")
        try:
            options = cls.model_validate(given | {"domain": domain, "jobs_webhook": webhook})
        except ValidationError as error:
            wrong = error.errors()[0]
            reason = wrong["msg"].removeprefix("Value error, ")
            raise ValueError(f"-c {wrong['loc'][0]}={wrong['input']}: {reason}.") from error
        if options.provisioned_concurrency is not None and options.release == "direct":
            raise ValueError(
                f"-c provisioned_concurrency={options.provisioned_concurrency}: it needs versions: add "
                "-c release=canary or -c release=all-at-once."
            )
        if "audit_days" in given and not options.audit:
            raise ValueError("-c audit_days: there is no audit trail: add -c audit=true.")
        return options


def _given(context: Context, keys: Iterable[str]) -> dict[str, str]:
    """The texts of those of `keys` that were given."""
    values = {key: context(key) for key in keys}
    return {key: text for key, value in values.items() if value is not None and (text := str(value).strip())}


def _together(context: Context, made: Callable[..., Made], *keys: str) -> Made | None:
    """What is made of the values of `keys`, which need one another; None where none is given."""
    given = _given(context, keys)
    if missing := [key for key in keys if given and key not in given]:
        raise ValueError(f"-c {' -c '.join(given)}: add -c {' -c '.join(f'{key}=...' for key in missing)}.")
    return made(*given.values()) if given else None
