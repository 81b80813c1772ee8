"""The stack's variables: its own services only, nothing of the developer's, and everything put back."""

import dataclasses
import os

import boto3
import pytest

from face_validation.local.aws.environment import aws_variables, environment, function_settings
from face_validation.local.aws.moto_services import aws_client
from face_validation_function.settings import ALL_VALIDATION_TYPES, Settings


def test_the_function_is_given_exactly_its_settings() -> None:
    exported = function_settings(
        Settings, log_level="INFO", source_bucket="sources", target_bucket="targets", claims_table="claims"
    )

    assert set(exported) == {field.name.upper() for field in dataclasses.fields(Settings)}
    assert Settings.from_environment(exported) == Settings(
        "sources", "targets", "claims", validation_types=ALL_VALIDATION_TYPES, log_level="INFO"
    )


def test_a_developers_own_aws_settings_are_not_used_and_are_there_again_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://example.org")
    before = dict(os.environ)

    with environment(aws_variables("http://127.0.0.1:1", "http://127.0.0.1:2")):
        credentials = boto3.session.Session().get_credentials()
        endpoints = [boto3.client(name).meta.endpoint_url for name in ("s3", "rekognition", "sns")]

    assert credentials is not None
    assert (credentials.access_key, credentials.token) == ("local", None)
    assert endpoints[:2] == ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    assert "127.0.0.1" not in endpoints[2]
    assert "example.org" not in endpoints[2]
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_PROFILE", "nobody"),
        ("AWS_CONFIG_FILE", "/no/such/folder"),
        ("AWS_MAX_ATTEMPTS", "many"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("AWS_CA_BUNDLE", "/no/such.pem"),
    ],
)
def test_no_setting_of_an_account_reaches_what_runs_here(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    assert aws_client("s3", "http://127.0.0.1:1").meta.endpoint_url == "http://127.0.0.1:1"
    with environment(aws_variables("http://127.0.0.1:1", "http://127.0.0.1:2")):
        assert os.environ.get(name) in {None, os.devnull}
        assert boto3.client("s3").meta.endpoint_url == "http://127.0.0.1:1"
    assert os.environ[name] == value


def test_no_proxy_for_everything_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")

    assert aws_variables("http://127.0.0.1:1", "http://127.0.0.1:2")["NO_PROXY"] == "*"


def test_everything_is_put_back_when_the_stack_fails() -> None:
    before = dict(os.environ)

    with pytest.raises(ZeroDivisionError), environment({"SOURCE_BUCKET": "x"}):
        raise ZeroDivisionError

    assert dict(os.environ) == before
