"""Settings of the Lambda function: the one reader of the environment."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
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


def _read_by(read: Callable[[str, str], object], default: object) -> Any:
    """A setting that is not just a text: `read` makes it of the variable's name and text."""
    return field(default=default, metadata={"read": read})


def _number(default: float, *, most: float, kind: type[float] = float) -> Any:
    def read(name: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number <= most:
            raise ValueError(f"{name} is {text!r}: it must be a number from 0 to {most:g}.")
        return kind(number)

    return _read_by(read, default)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _validation_types(name: str, text: str) -> tuple[str, ...]:
    types = _listed(text) or VALIDATION_TYPES
    if unknown := set(types) - set(ALL_VALIDATION_TYPES):
        raise ValueError(f"{name} names {sorted(unknown)}; the types are {', '.join(ALL_VALIDATION_TYPES)}.")
    return types


def _challenge(name: str, text: str) -> str:
    if text not in LIVENESS_CHALLENGES:
        raise ValueError(f"{name} is {text!r}: it must be one of {', '.join(LIVENESS_CHALLENGES)}.")
    return text


def _log_level(_: str, text: str) -> str:
    """A level of Python's, by any word for it. An unknown word must not stop the service."""
    return logging.getLevelName(logging.getLevelNamesMapping().get(text.upper()) or logging.DEBUG)


@dataclass(frozen=True, slots=True)
class _FromEnvironment:
    """Settings that are read of the environment: each field is the variable of the same name in capitals."""

    log_level: str = field(default="DEBUG", metadata={"read": _log_level}, kw_only=True)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Those of `environment`, by default the process's own; ValueError names a missing or unusable variable."""
        values = os.environ if environment is None else environment
        return cls(**{setting.name: _value(setting, values) for setting in fields(cls)})


@dataclass(frozen=True, slots=True)
class Settings(_FromEnvironment):
    """The settings of the function that validates.

    `document_labels` are the Rekognition labels that count as an official document, and `validation_types` the types
    that this deployment answers; both in the environment separated by commas. A liveness session passes with a
    confidence of at least `threshold_liveness` (0-100); its app is asked for `liveness_challenge`, and Rekognition for
    so many `liveness_audit_images` (0-4). `idempotency` is whether a request that is sent again is answered from the
    table of claims. Decisions are recorded in `audit_bucket`, with HMACs under KMS's `audit_key`, where both are set.
    """

    source_bucket: str
    target_bucket: str
    claims_table: str
    document_labels: tuple[str, ...] = _read_by(lambda _, text: _listed(text) or DOCUMENT_LABELS, DOCUMENT_LABELS)
    validation_types: tuple[str, ...] = _read_by(_validation_types, VALIDATION_TYPES)
    threshold_liveness: float = _number(90, most=100)
    liveness_challenge: str = _read_by(_challenge, LIVENESS_CHALLENGES[0])
    liveness_audit_images: int = _number(0, most=MOST_AUDIT_IMAGES, kind=int)
    idempotency: bool = _read_by(lambda _, text: text.lower() == "true", default=False)
    audit_bucket: str = ""
    audit_key: str = ""


@dataclass(frozen=True, slots=True)
class PeopleSettings(_FromEnvironment):
    """The settings of the functions about enrolled people.

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
    threshold_duplicate: float = _number(THRESHOLD_DUPLICATE, most=100)
    threshold_possible_duplicate: float = _number(THRESHOLD_POSSIBLE_DUPLICATE, most=100)
    people_days: int = _number(0, most=MOST_DAYS, kind=int)


@dataclass(frozen=True, slots=True)
class JobsSettings(_FromEnvironment):
    """The settings of the functions about jobs.

    `state_machine_arn` is what runs a job: the function behind the routes alone starts it. `jobs_tps` is how many calls
    a second of each Rekognition operation the workers make together; 0 is as many as they can.
    """

    source_bucket: str
    claims_table: str
    jobs_bucket: str
    jobs_table: str
    state_machine_arn: str = ""
    jobs_tps: float = _number(0.0, most=1000)


@dataclass(frozen=True, slots=True)
class ProbeSettings(_FromEnvironment):
    """The settings of the function that asks the API."""

    api_url: str
    token_url: str
    user_pool_id: str
    client_id: str
    source_bucket: str
    target_bucket: str


def _value(setting: Field[Any], values: Mapping[str, str]) -> Any:
    name = setting.name.upper()
    text = values.get(name, "").strip()
    if text:
        return setting.metadata["read"](name, text) if setting.metadata else text
    if setting.default is MISSING:
        raise ValueError(f"The environment variable {name} is missing: set it; it has no default.")
    return setting.default
