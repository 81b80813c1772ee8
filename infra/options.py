"""What operations may choose per deployment, read from the CDK context (`cdk deploy -c name=value`)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from face_validation_function.routes import RESOURCE_SERVER, ROUTES
from face_validation_function.settings import (
    ALL_VALIDATION_TYPES,
    LIVENESS_CHALLENGES,
    MOST_AUDIT_IMAGES,
    MOST_DAYS,
    THRESHOLD_DUPLICATE,
    THRESHOLD_POSSIBLE_DUPLICATE,
    VALIDATION_TYPES,
)

STAGES = ("dev", "prod")
ARCHITECTURES = ("arm64", "x86_64")
# direct: callers ask the newest code. The others: callers ask an alias, and CodeDeploy moves it.
RELEASES = ("direct", "canary", "all-at-once")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# Target images move to Infrequent Access then; S3 refuses a rule that removes them no later.
INFREQUENT_ACCESS_DAYS = 30

Context = Callable[[str], object]
Count = TypeVar("Count", int, None)


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


@dataclass(frozen=True, slots=True)
class AppClient:
    """A program that calls the API, with an id and a secret of its own, and the scopes that it may ask for."""

    name: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of one deployment; each field but `domain` and `jobs_webhook` is the context key of the same name.

    `throttle_rate` is in requests a second over all callers, `throttle_burst` in requests; `reserved_concurrency` in
    requests at once, for each function; `validation_types` are those that POST /validation answers, as
    `-c validation_types=FACE_TO_FACE,ID_TO_FACE,ID_IN_FACE`. `source_days` and `target_days` say after how many days an
    upload is removed; without them it stays. `people_days` say after how many days an enrolled face is erased; a face
    that a search finds under another name is refused from the similarity `threshold_duplicate` on, and marked from
    `threshold_possible_duplicate` on. `provisioned_concurrency` is in requests at once that are answered without
    a cold start, for each function behind the API; `rekognition_tps` is the account's quota of calls a second, of the
    operation with the lowest one. `liveness` deploys what a browser needs to stream a liveness session; a session
    passes from `threshold_liveness` percent on, with `liveness_challenge` and so many `liveness_audit_images`.
    `jobs_tps` is how many calls a second of each operation all bulk jobs make together, below that quota.
    `jobs_webhook_url` and `jobs_webhook_secret_arn` say whom the end of a job is told. With
    `audit`, the record of a decision is kept and locked for `audit_days`. The domain's keys are `domain`,
    `certificate_arn`, `hosted_zone_id` and `hosted_zone_name`.
    """

    stage: str = "dev"
    arch: str = "arm64"
    log_level: str = "DEBUG"
    throttle_rate: int = 20
    throttle_burst: int = 40
    reserved_concurrency: int | None = None
    validation_types: tuple[str, ...] = VALIDATION_TYPES
    alarm_email: str | None = None
    kms: bool = False
    waf: bool = False
    domain: CustomDomain | None = None
    source_days: int | None = None
    target_days: int | None = None
    people_days: int | None = None
    threshold_duplicate: int = THRESHOLD_DUPLICATE
    threshold_possible_duplicate: int = THRESHOLD_POSSIBLE_DUPLICATE
    clients: tuple[AppClient, ...] = ()
    release: str = "direct"
    provisioned_concurrency: int | None = None
    rekognition_tps: int | None = None
    liveness: bool = False
    threshold_liveness: int = 90
    liveness_challenge: str = LIVENESS_CHALLENGES[0]
    liveness_audit_images: int = 0
    jobs_tps: int = 5
    jobs_webhook: Webhook | None = None
    idempotency: bool = False
    audit: bool = False
    audit_days: int = 365
    probe: bool = False

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
        stage = _one_of(context, "stage", STAGES, default="dev")
        return cls(
            stage=stage,
            arch=_one_of(context, "arch", ARCHITECTURES, default="arm64"),
            log_level=_one_of(context, "log_level", LOG_LEVELS, default="INFO" if stage == "prod" else "DEBUG"),
            throttle_rate=_count(context, "throttle_rate", default=20),
            throttle_burst=_count(context, "throttle_burst", default=40),
            reserved_concurrency=_count(context, "reserved_concurrency", default=None),
            validation_types=_validation_types(context),
            alarm_email=_text(context, "alarm_email"),
            kms=_switch(context, "kms"),
            waf=_switch(context, "waf"),
            domain=_domain(context),
            source_days=_count(context, "source_days", default=None),
            target_days=_count(context, "target_days", default=None, least=INFREQUENT_ACCESS_DAYS + 1),
            people_days=_count(context, "people_days", default=None, most=MOST_DAYS),
            threshold_duplicate=_count(context, "threshold_duplicate", default=THRESHOLD_DUPLICATE, least=0, most=100),
            threshold_possible_duplicate=_count(
                context, "threshold_possible_duplicate", default=THRESHOLD_POSSIBLE_DUPLICATE, least=0, most=100
            ),
            clients=_clients(context),
            release=_one_of(context, "release", RELEASES, default="direct"),
            provisioned_concurrency=_provisioned(context),
            rekognition_tps=_count(context, "rekognition_tps", default=None),
            liveness=_switch(context, "liveness"),
            threshold_liveness=_count(context, "threshold_liveness", default=90, most=100),
            liveness_challenge=_one_of(
                context, "liveness_challenge", LIVENESS_CHALLENGES, default=LIVENESS_CHALLENGES[0]
            ),
            liveness_audit_images=_count(context, "liveness_audit_images", default=0, least=0, most=MOST_AUDIT_IMAGES),
            jobs_tps=_count(context, "jobs_tps", default=5),
            jobs_webhook=_webhook(context),
            idempotency=_switch(context, "idempotency"),
            audit=_switch(context, "audit"),
            audit_days=_audit_days(context),
            probe=_switch(context, "probe"),
        )


def _text(context: Context, key: str) -> str | None:
    value = context(key)
    return str(value).strip() or None if value is not None else None


def _one_of(context: Context, key: str, allowed: tuple[str, ...], *, default: str) -> str:
    value = _text(context, key) or default
    if value not in allowed:
        raise ValueError(f"-c {key}={value}: it must be one of {', '.join(allowed)}.")
    return value


def _validation_types(context: Context) -> tuple[str, ...]:
    value = _text(context, "validation_types")
    types = VALIDATION_TYPES if value is None else tuple(part.strip() for part in value.split(","))
    if not types or not set(types) <= set(ALL_VALIDATION_TYPES):
        raise ValueError(f"-c validation_types={value}: give some of {','.join(ALL_VALIDATION_TYPES)}.")
    return types


def _switch(context: Context, key: str) -> bool:
    return _one_of(context, key, ("true", "false"), default="false") == "true"


def _count(context: Context, key: str, *, default: Count, least: int = 1, most: int | None = None) -> int | Count:
    value = _text(context, key)
    if value is None:
        return default
    if not value.isdecimal() or int(value) < least or (most is not None and int(value) > most):
        allowed = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"-c {key}={value}: it must be a whole number {allowed}.")
    return int(value)


def _audit_days(context: Context) -> int:
    if _text(context, "audit_days") and not _switch(context, "audit"):
        raise ValueError("-c audit_days: there is no audit trail: add -c audit=true.")
    return _count(context, "audit_days", default=365)


def _provisioned(context: Context) -> int | None:
    count = _count(context, "provisioned_concurrency", default=None)
    if count is not None and _one_of(context, "release", RELEASES, default="direct") == "direct":
        raise ValueError(
            f"-c provisioned_concurrency={count}: it needs versions: add -c release=canary or -c release=all-at-once."
        )
    return count


def _domain(context: Context) -> CustomDomain | None:
    keys = ("domain", "certificate_arn", "hosted_zone_id", "hosted_zone_name")
    given = {key: value for key in keys if (value := _text(context, key)) is not None}
    if not given:
        return None
    if missing := [key for key in keys if key not in given]:
        raise ValueError(f"A custom domain also needs -c {' -c '.join(f'{key}=...' for key in missing)}.")
    return CustomDomain(*(given[key] for key in keys))


def _webhook(context: Context) -> Webhook | None:
    url, secret_arn = _text(context, "jobs_webhook_url"), _text(context, "jobs_webhook_secret_arn")
    if url is None and secret_arn is None:
        return None
    if url is None or secret_arn is None or not url.startswith("https://"):
        raise ValueError(f"-c jobs_webhook_url={url}: it is an https address, and needs -c jobs_webhook_secret_arn=...")
    return Webhook(url, secret_arn)


def _clients(context: Context) -> tuple[AppClient, ...]:
    """Read `kiosk:write,back-office:read+write`: the scopes without the name of their server."""
    value = _text(context, "clients")
    known = {route.scope.removeprefix(f"{RESOURCE_SERVER}/"): route.scope for route in ROUTES}
    clients: list[AppClient] = []
    for text in (value or "").split(",") if value else ():
        name, _, scopes = (part.strip() for part in text.partition(":"))
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name) or name in {client.name for client in clients}:
            raise ValueError(
                f"-c clients={value}: {name!r} must consist of small letters, digits and hyphens, and appear only once."
            )
        if not scopes or not set(scopes.split("+")) <= set(known):
            raise ValueError(
                f"-c clients={value}: {name} has the scopes {scopes!r}; give some of {', '.join(sorted(known))}, "
                "joined by +."
            )
        clients.append(AppClient(name, tuple(known[scope] for scope in scopes.split("+"))))
    return tuple(clients)
