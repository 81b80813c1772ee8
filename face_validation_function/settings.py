"""Settings of the Lambda function: the one reader of the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

DOCUMENT_LABELS = ("Driving License", "Passport")
ALL_VALIDATION_TYPES = ("FACE_TO_FACE", "ID_TO_FACE", "ID_IN_FACE")
VALIDATION_TYPES = ("FACE_TO_FACE", "ID_TO_FACE")
LIVENESS_CHALLENGES = ("FaceMovementAndLightChallenge", "FaceMovementChallenge")
MOST_AUDIT_IMAGES = 4
# Photos under this prefix of the faces bucket are enrolled by S3's event; the others by POST /faces.
INDEX_PREFIX = "index/"
# What the probe puts into the source and the target bucket.
PROBE_KEYS = ("probe/passport.jpg", "probe/photograph.jpg")


@dataclass(frozen=True, slots=True)
class Settings:
    """What operations may set; each field is the environment variable of the same name in capitals.

    `source_bucket`, `target_bucket` and `claims_table` have no default. `document_labels` are the Rekognition labels
    that count as an official document, and `validation_types` the types that this deployment answers; both in the
    environment separated by commas. A liveness session passes with a confidence of at least `threshold_liveness`
    (0-100); its app is asked for `liveness_challenge`, and Rekognition for so many `liveness_audit_images` (0-4).
    `idempotency` is whether a request that is sent again is answered from the table of
    claims. Decisions are recorded in `audit_bucket`, with HMACs under KMS's `audit_key`, where both are set.
    """

    source_bucket: str
    target_bucket: str
    claims_table: str
    log_level: str = "DEBUG"
    document_labels: tuple[str, ...] = DOCUMENT_LABELS
    validation_types: tuple[str, ...] = VALIDATION_TYPES
    threshold_liveness: float = 90
    liveness_challenge: str = LIVENESS_CHALLENGES[0]
    liveness_audit_images: int = 0
    idempotency: bool = False
    audit_bucket: str = ""
    audit_key: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from `environment`, by default the process's own.

        Raises:
            ValueError: a variable without default is missing or empty, or one has no usable value; names the variable.
        """
        values = os.environ if environment is None else environment
        return cls(
            source_bucket=_required(values, "SOURCE_BUCKET"),
            target_bucket=_required(values, "TARGET_BUCKET"),
            claims_table=_required(values, "CLAIMS_TABLE"),
            log_level=_log_level(values.get("LOG_LEVEL", "")),
            document_labels=_listed(values, "DOCUMENT_LABELS") or DOCUMENT_LABELS,
            validation_types=_validation_types(values),
            threshold_liveness=_number(values, "THRESHOLD_LIVENESS", default=90, most=100),
            liveness_challenge=_challenge(values),
            liveness_audit_images=int(_number(values, "LIVENESS_AUDIT_IMAGES", default=0, most=MOST_AUDIT_IMAGES)),
            idempotency=values.get("IDEMPOTENCY", "").strip().lower() == "true",
            audit_bucket=values.get("AUDIT_BUCKET", "").strip(),
            audit_key=values.get("AUDIT_KEY", "").strip(),
        )


@dataclass(frozen=True, slots=True)
class PeopleSettings:
    """The settings of the functions about enrolled people; each field is the variable of the same name in capitals."""

    source_bucket: str
    target_bucket: str
    claims_table: str
    faces_bucket: str
    faces_table: str
    collection_id: str
    dead_letter_queue_url: str
    log_level: str = "DEBUG"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "PeopleSettings":
        """Read the settings from `environment`, by default the process's own.

        Raises:
            ValueError: a variable without default is missing or empty, or one has no usable value; names the variable.
        """
        values = os.environ if environment is None else environment
        return cls(
            source_bucket=_required(values, "SOURCE_BUCKET"),
            target_bucket=_required(values, "TARGET_BUCKET"),
            claims_table=_required(values, "CLAIMS_TABLE"),
            faces_bucket=_required(values, "FACES_BUCKET"),
            faces_table=_required(values, "FACES_TABLE"),
            collection_id=_required(values, "COLLECTION_ID"),
            dead_letter_queue_url=_required(values, "DEAD_LETTER_QUEUE_URL"),
            log_level=_log_level(values.get("LOG_LEVEL", "")),
        )


@dataclass(frozen=True, slots=True)
class JobsSettings:
    """The settings of the functions about jobs; each field is the variable of the same name in capitals.

    `state_machine_arn` is what runs a job: the function behind the routes alone starts it. `jobs_tps` is how many calls
    a second of each Rekognition operation the workers make together; 0 is as many as they can.
    """

    source_bucket: str
    claims_table: str
    jobs_bucket: str
    jobs_table: str
    state_machine_arn: str = ""
    jobs_tps: float = 0.0
    log_level: str = "DEBUG"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "JobsSettings":
        """Read the settings from `environment`, by default the process's own.

        Raises:
            ValueError: a variable without default is missing or empty, or one has no usable value; names the variable.
        """
        values = os.environ if environment is None else environment
        return cls(
            source_bucket=_required(values, "SOURCE_BUCKET"),
            claims_table=_required(values, "CLAIMS_TABLE"),
            jobs_bucket=_required(values, "JOBS_BUCKET"),
            jobs_table=_required(values, "JOBS_TABLE"),
            state_machine_arn=values.get("STATE_MACHINE_ARN", ""),
            jobs_tps=_number(values, "JOBS_TPS", default=0, most=1000),
            log_level=_log_level(values.get("LOG_LEVEL", "")),
        )


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """The settings of the function that asks the API; each field is the variable of the same name in capitals."""

    api_url: str
    token_url: str
    user_pool_id: str
    client_id: str
    source_bucket: str
    target_bucket: str
    log_level: str = "DEBUG"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "ProbeSettings":
        """Read the settings from `environment`, by default the process's own.

        Raises:
            ValueError: a variable without default is missing or empty; names the variable.
        """
        values = os.environ if environment is None else environment
        names = ("api_url", "token_url", "user_pool_id", "client_id", "source_bucket", "target_bucket")
        given = {name: _required(values, name.upper()) for name in names}
        return cls(**given, log_level=_log_level(values.get("LOG_LEVEL", "")))


def _required(values: Mapping[str, str], name: str) -> str:
    value = values.get(name, "").strip()
    if not value:
        raise ValueError(f"The environment variable {name} is missing: set it; it has no default.")
    return value


def _listed(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in values.get(name, "").split(",") if part.strip())


def _validation_types(values: Mapping[str, str]) -> tuple[str, ...]:
    types = _listed(values, "VALIDATION_TYPES") or VALIDATION_TYPES
    if unknown := set(types) - set(ALL_VALIDATION_TYPES):
        raise ValueError(f"VALIDATION_TYPES names {sorted(unknown)}; the types are {', '.join(ALL_VALIDATION_TYPES)}.")
    return types


def _number(values: Mapping[str, str], name: str, *, default: float, most: float) -> float:
    written = values.get(name, "").strip()
    try:
        number = float(written) if written else default
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise ValueError(f"{name} is {written!r}: it must be a number from 0 to {most:g}.")
    return number


def _challenge(values: Mapping[str, str]) -> str:
    name = values.get("LIVENESS_CHALLENGE", "").strip() or LIVENESS_CHALLENGES[0]
    if name not in LIVENESS_CHALLENGES:
        raise ValueError(f"LIVENESS_CHALLENGE is {name!r}: it must be one of {', '.join(LIVENESS_CHALLENGES)}.")
    return name


def _log_level(value: str) -> str:
    """A level of Python's; other loggers' words for one too. An unknown word must not stop the service."""
    level = value.strip().upper()
    level = {"WARN": "WARNING", "FATAL": "CRITICAL"}.get(level, level)
    return level if level in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"} else "DEBUG"
