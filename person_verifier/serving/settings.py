"""What the server can be told: one dataclass, filled from the environment and overruled by flags."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from person_verifier.errors import VerifierError

PREFIX = "VERIFIER_"
TOKEN = re.compile(r"[!-~]{16,}")
LIMITS = {
    "port": (0, 65535),
    "workers": (1, 64),
    "threads": (1, 256),
    "max_bytes": (1024, 100 * 1024 * 1024),
    "graceful_timeout_s": (1, 600),
}


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Each field is the environment variable of the same name in capitals after `VERIFIER_`.

    `deploy/verifier.env.example` says what each means.
    """

    model: Path = Path("models/verifier.json")
    host: str = "127.0.0.1"
    port: int = 8090
    workers: int = 2
    threads: int = 16
    token: str = ""
    max_bytes: int = 15 * 1024 * 1024
    graceful_timeout_s: int = 30
    log_level: str = "INFO"
    allowed_hosts: str = ""

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise VerifierError(f"{PREFIX}{name.upper()} is {value}; it must be from {low} to {high}.")
        if self.log_level not in {"DEBUG", "INFO", "WARN", "WARNING", "ERROR"}:
            raise VerifierError(f"{PREFIX}LOG_LEVEL is {self.log_level}; it must be DEBUG, INFO, WARNING or ERROR.")
        if self.token and not TOKEN.fullmatch(self.token):
            # The token itself is never repeated.
            raise VerifierError(f"{PREFIX}TOKEN must have at least 16 printable ASCII characters and no space.")

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of `allowed_hosts`, which are separated by commas."""
        return tuple(name.strip() for name in self.allowed_hosts.split(",") if name.strip())

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **flags: Any) -> "ServerSettings":
        """Settings by the environment (that of the process by default); `flags` that are not None win.

        Raises VerifierError that names the variable and its limits.
        """
        environment = os.environ if environment is None else environment
        values = {name: value for name, value in flags.items() if value is not None}
        for field in fields(cls):
            variable = PREFIX + field.name.upper()
            if field.name not in values and (text := environment.get(variable, "")):
                try:
                    values[field.name] = field.type(text)  # type: ignore[operator]  # a class: str, int or Path
                except ValueError:
                    raise VerifierError(f"{variable} is {text!r}; it must be a whole number.") from None
        return cls(**values)


def keep_to_one_thread() -> None:
    """Tell the numeric libraries, before they are first imported, to start no threads of their own.

    A process that forks must have none, and a worker for each core needs none.
    """
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
