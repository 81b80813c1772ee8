"""What operations may choose per deployment, read from the CDK context (`cdk deploy -c name=value`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from face_validation_function.settings import ALL_VALIDATION_TYPES, VALIDATION_TYPES

STAGES = ("dev", "prod")
ARCHITECTURES = ("arm64", "x86_64")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

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
class Options:
    """The choices of one deployment; each field but `domain` is the context key of the same name.

    `throttle_rate` is in requests a second over all callers, `throttle_burst` in requests; `reserved_concurrency` in
    requests at once, for each function; `validation_types` are those that POST /validation answers, as
    `-c validation_types=FACE_TO_FACE,ID_TO_FACE,ID_IN_FACE`.
    The domain's keys are `domain`, `certificate_arn`, `hosted_zone_id` and `hosted_zone_name`.
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

    @property
    def is_prod(self) -> bool:
        """Whether data is kept when the stack goes, and protected from deletion."""
        return self.stage == "prod"

    @classmethod
    def from_context(cls, context: Context) -> "Options":
        """Read the options; `context` answers None for a key that was not given.

        Raises:
            ValueError: a value that is none of the allowed ones; names the key.
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
        raise ValueError(f"-c validation_types={value}: name some of {', '.join(ALL_VALIDATION_TYPES)}, with commas.")
    return types


def _switch(context: Context, key: str) -> bool:
    return _one_of(context, key, ("true", "false"), default="false") == "true"


def _count(context: Context, key: str, *, default: Count) -> int | Count:
    value = _text(context, key)
    if value is None:
        return default
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"-c {key}={value}: it must be a whole number of at least 1.")
    return int(value)


def _domain(context: Context) -> CustomDomain | None:
    keys = ("domain", "certificate_arn", "hosted_zone_id", "hosted_zone_name")
    given = {key: value for key in keys if (value := _text(context, key)) is not None}
    if not given:
        return None
    if missing := [key for key in keys if key not in given]:
        raise ValueError(f"A custom domain also needs -c {' -c '.join(f'{key}=...' for key in missing)}.")
    return CustomDomain(*(given[key] for key in keys))
