"""Whoever runs the server may have an account set up: a stale setting of it must not keep the server from starting."""

import logging
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError

from rekognition_local.operations.image_sources import s3_client
from rekognition_local.protocol.wire import json_model

SETTINGS = [
    pytest.param({"AWS_PROFILE": "nobody"}, id="stale-profile"),
    pytest.param({"AWS_CONFIG_FILE": "broken"}, id="broken-file"),
    pytest.param({"AWS_DATA_PATH": "broken", "AWS_MAX_ATTEMPTS": "many"}, id="nonsense"),
]


@pytest.fixture(params=SETTINGS, autouse=True)
def _set(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("[oops")
    monkeypatch.chdir(tmp_path)
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)


def test_the_model_is_read_without_an_accounts_settings() -> None:
    assert json_model.__wrapped__()["metadata"]["serviceId"] == "Rekognition"


def test_an_s3_of_this_machine_needs_no_settings_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    client = s3_client("http://127.0.0.1:1")

    assert client.meta.endpoint_url == "http://127.0.0.1:1"
    assert client.meta.config.proxies == {}


def test_without_usable_settings_the_server_starts_and_the_log_says_what_it_cannot_do(
    caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    if "nonsense" in request.node.name:
        pytest.skip("boto3 makes a client of these")

    with caplog.at_level(logging.WARNING):
        client = s3_client(None)

    assert "Images in S3 cannot be read" in caplog.text
    with pytest.raises(BotoCoreError):
        client.get_object(Bucket="bucket", Key="key")
