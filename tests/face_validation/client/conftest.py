"""One fake API a test, and a client that asks it."""

import os
from collections.abc import Iterator

import pytest

from face_validation.client import FaceValidationClient
from tests.face_validation.client.fake_api import FakeApi


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi().running() as api:
        yield api


@pytest.fixture
def client(api: FakeApi) -> Iterator[FaceValidationClient]:
    with FaceValidationClient(**api.settings, timeout_s=5, prepare_images=False) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test may see the developer's profiles, environment or AWS credentials."""
    for name in [name for name in os.environ if name.startswith(("FACE_VALIDATION_", "AWS_"))]:
        monkeypatch.delenv(name)
    nowhere = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("FACE_VALIDATION_PROFILES", str(nowhere / "profiles.toml"))
    monkeypatch.setenv("FACE_VALIDATION_STACK", str(nowhere / "state" / "stack.json"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
