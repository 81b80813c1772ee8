"""Where the API is and who asks: from flags, the environment or a profile; alone in reading the environment."""

import json
import os
import socket
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from face_validation.client.client import FaceValidationClient
from face_validation.client.errors import SettingsError
from face_validation.client.folders import is_utf8

PREFIX = "FACE_VALIDATION_"
DEFAULT_PROFILE = "default"
REQUIRED = ("api_url", "token_url", "client_id", "client_secret")


@dataclass(frozen=True, slots=True)
class Connection:
    """All that is needed to ask an API; the names of its fields are those of the flags, variables and profile keys."""

    api_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    source_bucket: str | None = None
    target_bucket: str | None = None
    s3_endpoint: str | None = None
    region: str | None = None
    origin: str = field(default="", compare=False)
    """Where the settings came from, for people to read."""

    @classmethod
    def resolve(cls, profile: str | None = None, **flags: str | None) -> "Connection":
        """Each setting from the first of these that has it: `flags`, the environment, the profile, the running stack.

        `profile` is a name in the profile file, or the path of a JSON file that the local stack wrote (`--info`); by
        default FACE_VALIDATION_PROFILE, or the profile "default". The stack that runs on this machine is asked only
        where no other of the required settings is given. Raises SettingsError, which says what to do.
        """
        chosen = profile or os.environ.get(f"{PREFIX}PROFILE")
        settings = _profile_settings(chosen)
        settings |= {name: value for name in names() if (value := os.environ.get(PREFIX + name.upper()))}
        settings |= {name: value for name, value in flags.items() if value is not None}
        origin = f"profile {chosen}" if chosen else f"profile {DEFAULT_PROFILE}, environment and flags"
        if not any(settings.get(name) for name in REQUIRED) and (stack := running_stack()) is not None:
            settings = _settings_in(stack) | settings
            origin = "the local stack on this machine"
        for name, value in settings.items():
            if not is_utf8(value):  # not the value: it may be the secret
                raise SettingsError(f"{name} is not UTF-8.")
        missing = [name for name in REQUIRED if not settings.get(name)]
        if missing:
            raise SettingsError(_what_to_do(missing))
        return cls(**settings, origin=origin)

    @classmethod
    def of_running_stack(cls) -> "Connection":
        """The connection to the local stack that runs on this machine; SettingsError when none does."""
        stack = running_stack()
        if stack is None:
            raise SettingsError(
                "No local stack is running on this machine. Start one: `face-validation local --background`."
            )
        return cls(**_settings_in(stack), origin="the local stack")

    def client(self, **options: Any) -> FaceValidationClient:
        """A client of this API; `options` are those of `FaceValidationClient`."""
        return FaceValidationClient(**self.settings(), **options)

    def settings(self) -> dict[str, Any]:
        """The arguments of a client, by name."""
        return {name: getattr(self, name) for name in names()}


def names() -> tuple[str, ...]:
    """The names of all settings."""
    return tuple(item.name for item in fields(Connection) if item.name != "origin")


def profile_file() -> Path:
    """The profile file: FACE_VALIDATION_PROFILES, or `face-validation/profiles.toml` where the user's settings live."""
    if chosen := os.environ.get(f"{PREFIX}PROFILES"):
        return Path(chosen)
    import platformdirs  # here: only the command line without other settings comes this far

    return platformdirs.user_config_path("face-validation") / "profiles.toml"


def running_stack_file() -> Path:
    """FACE_VALIDATION_STACK, or a file among the user's state: there while a stack runs, for its owner only to read."""
    if chosen := os.environ.get(f"{PREFIX}STACK"):
        return Path(chosen)
    import platformdirs  # here: a client with settings of its own never asks

    return platformdirs.user_state_path("face-validation") / "stack.json"


def running_stack() -> dict[str, Any] | None:
    """The addresses, credentials and process id of the stack that runs; None when none answers."""
    try:
        info = json.loads(running_stack_file().read_text("utf-8"))
        address = urlsplit(str(info["api_url"]))
        # A stack that was killed leaves its file behind.
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=1.0):
            return dict(info)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def open_to_others(profile: str | None) -> Path | None:
    """The file that `profile` is read from, when other users of this machine can read its secret; None when not."""
    chosen = profile or os.environ.get(f"{PREFIX}PROFILE")
    path = Path(chosen) if chosen and chosen.endswith(".json") else profile_file()
    # Windows keeps access rights elsewhere: its mode bits always say that all may read.
    if os.name == "nt" or not path.is_file():
        return None
    return path if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH) else None


def _profile_settings(profile: str | None) -> dict[str, str]:
    if profile is not None and profile.endswith(".json"):
        return _settings_in(_read(Path(profile), json.loads))
    path = profile_file()
    if not path.is_file():
        if profile is None:
            return {}
        raise SettingsError(
            f"There is no profile {profile!r}: {path} does not exist. Make it with a [{profile}] table, "
            "or name the JSON file of a local stack, which ends in .json."
        )
    profiles = _read(path, tomllib.loads)
    chosen = profiles.get(profile or DEFAULT_PROFILE)
    if chosen is None and profile is None:
        return {}
    if not isinstance(chosen, dict):
        known = ", ".join(sorted(profiles)) or "none"
        raise SettingsError(f"There is no profile {profile!r} in {path}; there are: {known}.")
    unknown = sorted(chosen.keys() - set(names()))
    if unknown:
        raise SettingsError(
            f"The profile in {path} has unknown settings: {', '.join(unknown)}. Known: {', '.join(names())}."
        )
    return {name: str(value) for name, value in chosen.items()}


def _settings_in(info: Mapping[str, Any]) -> dict[str, str]:
    """Of what a local stack says, the part that a client needs."""
    return {name: info[name] for name in names() if info.get(name)}


def _read(path: Path, parse: Any) -> dict[str, Any]:
    try:
        content = parse(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"The profile {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        # Not the text itself: it holds a secret.
        raise SettingsError(f"The profile {path} is not valid: {type(error).__name__}.") from error
    if not isinstance(content, dict):
        raise SettingsError(f"The profile {path} holds no settings.")
    return content


def _what_to_do(missing: list[str]) -> str:
    flags = ", ".join(f"--{name.replace('_', '-')}{'-file' * (name == 'client_secret')}" for name in missing)
    environment = ", ".join(PREFIX + name.upper() for name in missing)
    return (
        f"Missing: {', '.join(missing)}. Give them by flags ({flags}), in the environment ({environment}) or in a "
        f"profile of {profile_file()}. No local stack is running on this machine: `face-validation local "
        "--background` starts one, and later commands find it."
    )
