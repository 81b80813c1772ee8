"""The local stack's parts, each started once for the tests that need it."""

import shutil
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from face_validation.local.aws.moto_services import aws_client, moto_server
from face_validation.local.cognito import AppClient, CognitoAuthorizer, TokenIssuer, UserPool
from face_validation.local.stack import LocalStack
from tests.face_validation.local.under_test import WRITE, Api

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener, moto_server(listener) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def pool(aws: str) -> UserPool:
    return UserPool(aws_client("cognito-idp", aws))


@pytest.fixture(scope="session")
def app_client(pool: UserPool) -> AppClient:
    return pool.add_client("tests", [WRITE])


@pytest.fixture(scope="session")
def issuer(pool: UserPool) -> TokenIssuer:
    return TokenIssuer(pool, f"http://127.0.0.1:8080/{pool.id}")


@pytest.fixture(scope="session")
def authorizer(pool: UserPool, issuer: TokenIssuer) -> CognitoAuthorizer:
    return CognitoAuthorizer(pool, issuer.issuer, issuer.key_set)


@pytest.fixture
def api(authorizer: CognitoAuthorizer, issuer: TokenIssuer, app_client: AppClient) -> Iterator[Api]:
    made = Api(authorizer, issuer.sign(issuer.claims(app_client.id, (WRITE,))))
    yield made
    made.gateway.close()


@pytest.fixture(scope="session")
def stack(local_stack: LocalStack) -> LocalStack:
    """The whole stack with real models, for tests marked slow."""
    return local_stack


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium on the PATH: the page is not tested in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def tabs(browser: Any) -> Iterator[Any]:
    """A window for pages that keep nothing: `tabs.new_page()` is a tab of it, for each window is slow to open."""
    window = browser.new_context(viewport={"width": 1100, "height": 900}, locale="en-GB")
    window.new_page()  # the window stays open between two tests
    yield window
    assert window.storage_state() == {"cookies": [], "origins": []}
    window.close()
