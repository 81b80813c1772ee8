"""What operations may choose per deployment, read from the CDK context (`cdk deploy -c name=value`)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

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

# Target images move to Infrequent Access then; S3 refuses a rule that removes them no later.
INFREQUENT_ACCESS_DAYS = 30

Context = Callable[[str], object]


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


def _one_of(*allowed: str) -> Any:
    """A field that takes one of these words, by default the first."""

    def read(key: str, text: str) -> str:
        if text not in allowed:
            raise ValueError(f"-c {key}={text}: it must be one of {', '.join(allowed)}.")
        return text

    return field(default=allowed[0], metadata={"read": read})


def _switch() -> Any:
    """A field that is true or false, by default false."""
    words = _one_of("false", "true").metadata["read"]
    return field(default=False, metadata={"read": lambda key, text: words(key, text) == "true"})


def _count(default: int | None = None, *, least: int = 1, most: int | None = None) -> Any:
    """A field that takes a whole number."""

    def read(key: str, text: str) -> int:
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            allowed = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise ValueError(f"-c {key}={text}: it must be a whole number {allowed}.")
        return int(text)

    return field(default=default, metadata={"read": read})


def _validation_types(key: str, text: str) -> tuple[str, ...]:
    types = tuple(part.strip() for part in text.split(","))
    if not set(types) <= set(ALL_VALIDATION_TYPES):
        raise ValueError(f"-c {key}={text}: give some of {','.join(ALL_VALIDATION_TYPES)}.")
    return types


def _clients(key: str, text: str) -> tuple[AppClient, ...]:
    """Read `kiosk:write,back-office:read+write`: the scopes without the name of their server."""
    known = {route.scope.removeprefix(f"{RESOURCE_SERVER}/"): route.scope for route in ROUTES}
    clients: list[AppClient] = []
    for one in text.split(","):
        name, _, scopes = (part.strip() for part in one.partition(":"))
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name) or name in {client.name for client in clients}:
            raise ValueError(
                f"-c {key}={text}: {name!r} must consist of small letters, digits and hyphens, and appear only once."
            )
        if not scopes or not set(scopes.split("+")) <= set(known):
            raise ValueError(
                f"-c {key}={text}: {name} has the scopes {scopes!r}; give some of {', '.join(sorted(known))}, "
                "joined by +."
            )
        clients.append(AppClient(name, tuple(known[scope] for scope in scopes.split("+"))))
    return tuple(clients)


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

    stage: str = _one_of("dev", "prod")
    arch: str = _one_of("arm64", "x86_64")
    log_level: str = _one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    throttle_rate: int = _count(20)
    throttle_burst: int = _count(40)
    reserved_concurrency: int | None = _count()
    validation_types: tuple[str, ...] = field(default=VALIDATION_TYPES, metadata={"read": _validation_types})
    alarm_email: str | None = field(default=None, metadata={"read": lambda _, text: text})
    kms: bool = _switch()
    waf: bool = _switch()
    domain: CustomDomain | None = None
    source_days: int | None = _count()
    target_days: int | None = _count(least=INFREQUENT_ACCESS_DAYS + 1)
    people_days: int | None = _count(most=MOST_DAYS)
    threshold_duplicate: int = _count(THRESHOLD_DUPLICATE, least=0, most=100)
    threshold_possible_duplicate: int = _count(THRESHOLD_POSSIBLE_DUPLICATE, least=0, most=100)
    clients: tuple[AppClient, ...] = field(default=(), metadata={"read": _clients})
    # direct: callers ask the newest code. The others: callers ask an alias, and CodeDeploy moves it.
    release: str = _one_of("direct", "canary", "all-at-once")
    provisioned_concurrency: int | None = _count()
    rekognition_tps: int | None = _count()
    liveness: bool = _switch()
    threshold_liveness: int = _count(90, most=100)
    liveness_challenge: str = _one_of(*LIVENESS_CHALLENGES)
    liveness_audit_images: int = _count(0, least=0, most=MOST_AUDIT_IMAGES)
    jobs_tps: int = _count(5)
    jobs_webhook: Webhook | None = None
    idempotency: bool = _switch()
    audit: bool = _switch()
    audit_days: int = _count(365)
    probe: bool = _switch()

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
        given: dict[str, Any] = {
            one.name: one.metadata["read"](one.name, text)
            for one in fields(cls)
            if "read" in one.metadata and (text := _text(context, one.name)) is not None
        }
        if given.get("stage") == "prod":
            given.setdefault("log_level", "INFO")
        options = cls(domain=_domain(context), jobs_webhook=_webhook(context), **given)
        if options.provisioned_concurrency is not None and options.release == "direct":
            raise ValueError(
                f"-c provisioned_concurrency={options.provisioned_concurrency}: it needs versions: add "
                "-c release=canary or -c release=all-at-once."
            )
        if "audit_days" in given and not options.audit:
            raise ValueError("-c audit_days: there is no audit trail: add -c audit=true.")
        return options


def _text(context: Context, key: str) -> str | None:
    value = context(key)
    return str(value).strip() or None if value is not None else None


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
