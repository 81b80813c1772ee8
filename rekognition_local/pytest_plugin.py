"""The pytest plugin: the fixture `rekognition_endpoint` gives a test an Amazon Rekognition of its own on this machine.

    def test_two_photos_show_one_person(rekognition_endpoint):
        rekognition = boto3.client("rekognition")
        ...

One server serves the whole session. Every test starts without collections and with its own environment.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

import pytest

REGION = "us-east-1"
# No test may use an account's credentials, nor the profile that chooses them.
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
_NOT_INHERITED = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")


@pytest.fixture(scope="session")
def rekognition_arguments() -> Sequence[str]:
    """The server's options; override this fixture to change them, for example with `["--faults"]`."""
    return ()


@pytest.fixture(scope="session")
def rekognition_server(rekognition_arguments: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of the session's server; tests that change nothing in the environment may use it alone."""
    from rekognition_local.server.process import rekognition_process

    if "--answers" not in rekognition_arguments:  # tests may declare answers in any case
        none = tmp_path_factory.mktemp("rekognition") / "answers.json"
        none.write_text('{"answers": []}')
        rekognition_arguments = [*rekognition_arguments, "--answers", str(none)]
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    with rekognition_process(inherited | _variables(), rekognition_arguments) as endpoint:
        yield endpoint()


@pytest.fixture
def rekognition_endpoint(rekognition_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The endpoint of Rekognition, which boto3 also finds by itself during this test.

    AWS_ENDPOINT_URL_REKOGNITION, a region where none is set, and worthless credentials are in the environment until
    the test ends. Collections that the test made in that region are deleted after it.
    """
    for name in _NOT_INHERITED:
        monkeypatch.delenv(name, raising=False)
    for name, value in _variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", rekognition_server)
    yield rekognition_server
    import boto3

    account: dict[str, Any] = {name.lower(): value for name, value in _CREDENTIALS.items()}
    account["region_name"] = os.environ["AWS_DEFAULT_REGION"]
    client = boto3.client("rekognition", endpoint_url=rekognition_server, **account)
    while names := client.list_collections()["CollectionIds"]:
        for name in names:
            client.delete_collection(CollectionId=name)


@pytest.fixture
def rekognition_answers(rekognition_endpoint: str) -> Iterator[Callable[..., None]]:
    """Declare answers for this test: `rekognition_answers({"operation": ..., "request": ..., "answer": ...}, ...)`.

    A ValueError names every fault of answers that cannot be declared, and its place.
    """
    import httpx

    def declare(*answers: dict[str, Any]) -> None:
        told = httpx.post(f"{rekognition_endpoint}/answers", json={"answers": answers})
        if told.status_code != HTTPStatus.NO_CONTENT:
            raise ValueError(told.json()["refused"])

    yield declare
    httpx.delete(f"{rekognition_endpoint}/answers").raise_for_status()


def _variables() -> dict[str, str]:
    """What leads boto3 to this machine and to no account: worthless credentials, a region, no proxy for 127.0.0.1."""
    loopback = ",".join(filter(None, (os.environ.get("NO_PROXY", os.environ.get("no_proxy")), "127.0.0.1")))
    region = os.environ.get("AWS_DEFAULT_REGION") or REGION
    no_files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    return {"AWS_DEFAULT_REGION": region, "NO_PROXY": loopback, "no_proxy": loopback, **no_files, **_CREDENTIALS}
