"""Settings of the Lambda function: the one reader of the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Self

DOCUMENT_LABELS = ("Driving License", "Passport")
ALL_VALIDATION_TYPES = ("FACE_TO_FACE", "ID_TO_FACE", "ID_IN_FACE")
VALIDATION_TYPES = ("FACE_TO_FACE", "ID_TO_FACE")
LIVENESS_CHALLENGES = ("FaceMovementAndLightChallenge", "FaceMovementChallenge")
MOST_AUDIT_IMAGES = 4
# Photos under this prefix of the faces bucket are enrolled by S3's event; the others by POST /faces.
INDEX_PREFIX = "index/"
# What the probe puts into the source and the target bucket.
PROBE_KEYS = ("probe/passport.jpg", "probe/photograph.jpg")
MOST_DAYS = 36500
# The operation that the schedule asks of the people function.
EXPIRE = "expire"
# Similarities of a search, in percent: docs/people.md has the figures.
THRESHOLD_DUPLICATE = 99
THRESHOLD_POSSIBLE_DUPLICATE = 80


class _FromEnvironment:
    """Settings that are read of the environment: each field is the variable of the same name in capitals."""

    __slots__ = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings from `environment`, by default the process's own.

        Raises:
            ValueError: a variable without default is missing or empty, or one has no usable value; names the variable.
        """
        values = os.environ if environment is None else environment
        found = fields(cls)  # type: ignore[arg-type]  # each class below is a dataclass
        return cls(**{field.name: _value(field, values) for field in found})


@dataclass(frozen=True, slots=True)
class Settings(_FromEnvironment):
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


@dataclass(frozen=True, slots=True)
class PeopleSettings(_FromEnvironment):
    """The settings of the functions about enrolled people; each field is the variable of the same name in capitals.

    A face that a search finds under another name from `threshold_duplicate` on is refused, from
    `threshold_possible_duplicate` on it is marked. Enrolments end after `people_days`; 0 means never.
    """

    source_bucket: str
    target_bucket: str
    claims_table: str
    faces_bucket: str
    faces_table: str
    collection_id: str
    dead_letter_queue_url: str
    log_level: str = "DEBUG"
    threshold_duplicate: float = THRESHOLD_DUPLICATE
    threshold_possible_duplicate: float = THRESHOLD_POSSIBLE_DUPLICATE
    people_days: int = 0


@dataclass(frozen=True, slots=True)
class JobsSettings(_FromEnvironment):
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


@dataclass(frozen=True, slots=True)
class ProbeSettings(_FromEnvironment):
    """The settings of the function that asks the API; each field is the variable of the same name in capitals."""

    api_url: str
    token_url: str
    user_pool_id: str
    client_id: str
    source_bucket: str
    target_bucket: str
    log_level: str = "DEBUG"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _validation_types(text: str) -> tuple[str, ...]:
    types = _listed(text) or VALIDATION_TYPES
    if unknown := set(types) - set(ALL_VALIDATION_TYPES):
        raise ValueError(f"VALIDATION_TYPES names {sorted(unknown)}; the types are {', '.join(ALL_VALIDATION_TYPES)}.")
    return types


def _number(name: str, text: str, *, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise ValueError(f"{name} is {text!r}: it must be a number from 0 to {most:g}.")
    return number


def _challenge(name: str) -> str:
    if name not in LIVENESS_CHALLENGES:
        raise ValueError(f"LIVENESS_CHALLENGE is {name!r}: it must be one of {', '.join(LIVENESS_CHALLENGES)}.")
    return name


def _log_level(text: str) -> str:
    """A level of Python's; other loggers' words for one too. An unknown word must not stop the service."""
    level = text.upper()
    level = {"WARN": "WARNING", "FATAL": "CRITICAL"}.get(level, level)
    return level if level in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"} else "DEBUG"


# How a variable that is not just a text is read, by the field's name.
_READERS: Mapping[str, Callable[[str], object]] = {
    "log_level": _log_level,
    "document_labels": lambda text: _listed(text) or DOCUMENT_LABELS,
    "validation_types": _validation_types,
    "threshold_liveness": lambda text: _number("THRESHOLD_LIVENESS", text, most=100),
    "liveness_challenge": _challenge,
    "liveness_audit_images": lambda text: int(_number("LIVENESS_AUDIT_IMAGES", text, most=MOST_AUDIT_IMAGES)),
    "threshold_duplicate": lambda text: _number("THRESHOLD_DUPLICATE", text, most=100),
    "threshold_possible_duplicate": lambda text: _number("THRESHOLD_POSSIBLE_DUPLICATE", text, most=100),
    "people_days": lambda text: int(_number("PEOPLE_DAYS", text, most=MOST_DAYS)),
    "idempotency": lambda text: text.lower() == "true",
    "jobs_tps": lambda text: _number("JOBS_TPS", text, most=1000),
}


def _value(field: Field[Any], values: Mapping[str, str]) -> object:
    name = field.name.upper()
    text = values.get(name, "").strip()
    if text:
        return _READERS.get(field.name, str)(text)
    if field.default is MISSING:
        raise ValueError(f"The environment variable {name} is missing: set it; it has no default.")
    return field.default
