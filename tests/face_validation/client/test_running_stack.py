"""Commands and clients find the local stack that runs, and only where no other service is named."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from face_validation.cli.app import app
from face_validation.client import FaceValidationClient, SettingsError
from face_validation.client.profiles import Connection, running_stack, running_stack_file
from tests.face_validation.client.fake_api import FakeApi


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def stack_file(api: FakeApi) -> Path:
    path = running_stack_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(api.settings | {"pid": 1, "rekognition_endpoint": "http://127.0.0.1:9"}), "utf-8")
    return path


@pytest.mark.usefixtures("stack_file")
def test_a_command_without_settings_asks_the_stack_that_runs_and_says_so(api: FakeApi) -> None:
    printed = run("token")

    assert printed.exit_code == 0
    assert f"Service: {api.settings['api_url']} (the local stack on this machine)" in printed.stderr


@pytest.mark.usefixtures("stack_file")
def test_settings_of_another_service_are_never_completed_by_the_local_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_VALIDATION_API_URL", "https://api.example.com/prod")

    with pytest.raises(SettingsError, match="Missing: token_url, client_id, client_secret"):
        Connection.resolve()


@pytest.mark.usefixtures("stack_file")
def test_a_client_of_the_local_stack_is_made_without_an_argument(api: FakeApi) -> None:
    with FaceValidationClient.local() as client:
        assert client.validate("a.jpg", "b.jpg", "FACE_TO_FACE", threshold=0).matched

    assert len(api.validations) == 1


def test_without_a_stack_the_message_names_the_command_that_starts_one() -> None:
    with pytest.raises(SettingsError, match="face-validation local --background"):
        FaceValidationClient.local()

    assert "face-validation local --background" in run("token").stderr


def test_the_file_of_a_stack_that_was_killed_counts_for_nothing(stack_file: Path, api: FakeApi) -> None:
    assert running_stack() is not None
    stack_file.write_text(json.dumps(api.settings | {"api_url": "http://127.0.0.1:1/dev", "pid": 1}), "utf-8")

    assert running_stack() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"api_url": 7}', '{"api_url": "nothing"}'])
def test_a_file_that_makes_no_sense_counts_for_nothing(stack_file: Path, content: str) -> None:
    stack_file.write_text(content, "utf-8")

    assert running_stack() is None


@pytest.mark.usefixtures("stack_file")
def test_env_prints_lines_that_a_shell_can_run(api: FakeApi) -> None:
    lines = run("env").stdout.splitlines()

    assert f"export API_URL={api.settings['api_url']}" in lines
    assert "export SOURCE_BUCKET=the-source" in lines
    assert all(line.startswith("export ") for line in lines)
    assert not any(api.settings["client_secret"] in line for line in lines)


@pytest.mark.usefixtures("stack_file")
def test_a_token_carries_the_scopes_that_were_asked_for(api: FakeApi) -> None:
    run("token", "--scope", "read", "--scope", "admin")

    assert b"scope=face-detection%2Fread+face-detection%2Fadmin" in api.token_calls[0].body


def test_the_version_is_told() -> None:
    assert run("--version").stdout.startswith("face-validation ")
