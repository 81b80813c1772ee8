"""POST /oauth2/token answers as Cognito's token endpoint does."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from face_validation.local.cognito import AppClient, TokenIssuer, UserPool
from face_validation.local.gateway.api_gateway import Gateway
from face_validation.local.gateway.application import application
from face_validation.local.web.own_site import OwnSite, StackApi
from face_validation.local.web.page_routes import PageRoutes
from tests.face_validation.local.under_test import INFO, READ, WRITE, Api


@pytest.fixture(scope="module")
def app(issuer: TokenIssuer, pool: UserPool, authorizer: Any) -> Any:
    gateway: Gateway = Api(authorizer, "").gateway
    pages = PageRoutes(StackApi(INFO, None), OwnSite("http://127.0.0.1:8080")).routes()
    return application(gateway, issuer, pages, stage="dev", pool_id=pool.id, rekognition_endpoint="http://127.0.0.1:9")


def send(app: Any, method: str, path: str, **request: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080") as client:
            return await client.request(method, path, **request)

    return asyncio.run(ask())


def form_of(client: AppClient, **changes: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret, "scope": WRITE}
    return {name: value for name, value in (form | changes).items() if value != "absent"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def test_a_client_gets_a_token_of_an_hour_that_the_published_keys_verify(
    app: Any, issuer: TokenIssuer, app_client: AppClient, pool: UserPool
) -> None:
    response = send(app, "POST", "/oauth2/token", data=form_of(app_client))

    answer = response.json()
    keys = send(app, "GET", f"/{pool.id}/.well-known/jwks.json").json()["keys"]
    header = jwt.get_unverified_header(answer["access_token"])
    key = jwt.PyJWK(next(key for key in keys if key["kid"] == header["kid"]))
    claims = jwt.decode(answer["access_token"], key.key, algorithms=["RS256"], issuer=issuer.issuer)
    assert (response.status_code, set(answer)) == (200, {"access_token", "expires_in", "token_type"})
    assert (answer["expires_in"], answer["token_type"]) == (3600, "Bearer")
    assert header["alg"] == "RS256"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["token_use"] == "access"
    assert claims["scope"] == WRITE
    assert claims["client_id"] == claims["sub"] == app_client.id
    assert claims["version"] == 2
    assert "aud" not in claims


def test_the_published_keys_hold_nothing_private(app: Any, pool: UserPool) -> None:
    (key,) = send(app, "GET", f"/{pool.id}/.well-known/jwks.json").json()["keys"]

    assert set(key) == {"kid", "alg", "use", "kty", "n", "e"}


def test_credentials_may_come_in_a_basic_header(app: Any, app_client: AppClient) -> None:
    form = {"grant_type": "client_credentials", "scope": WRITE}

    response = send(app, "POST", "/oauth2/token", data=form, headers=basic(app_client.id, app_client.secret))

    assert response.status_code == 200


@pytest.mark.parametrize("encoded", [str.upper, str.lower], ids=["%2D", "%2d"])
def test_credentials_in_basic_may_be_form_urlencoded_as_oauth_has_it(
    app: Any, app_client: AppClient, encoded: Callable[[str], str]
) -> None:
    """RFC 6749, 2.3.1: npm's openid-client encodes every hyphen."""
    client_id, secret = (
        "".join(encoded(f"%{ord(sign):02x}") if sign in "-0a" else sign for sign in part)
        for part in (app_client.id, app_client.secret)
    )

    response = send(
        app, "POST", "/oauth2/token", data={"grant_type": "client_credentials"}, headers=basic(client_id, secret)
    )

    assert response.status_code == 200


@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param("é", id="not-ascii"),
        pytest.param("%%%", id="not-base64"),
        pytest.param(base64.b64encode(b"client:\xe9").decode(), id="not-utf8"),
        pytest.param(base64.b64encode(b"client:%E9").decode(), id="not-utf8-urlencoded"),
        pytest.param(base64.b64encode(b"no colon").decode(), id="no-colon"),
        pytest.param("", id="nothing"),
    ],
)
def test_basic_that_cannot_be_read_is_invalid_client(app: Any, credentials: str) -> None:
    headers = {"Authorization": f"Basic {credentials}".encode("latin-1")}

    response = send(app, "POST", "/oauth2/token", data={"grant_type": "client_credentials"}, headers=headers)

    assert (response.status_code, response.json()) == (400, {"error": "invalid_client"})


def test_without_scope_the_client_gets_all_that_it_may_have(app: Any, pool: UserPool) -> None:
    both = pool.add_client("both", [WRITE, READ])

    response = send(app, "POST", "/oauth2/token", data=form_of(both, scope="absent"))

    token = jwt.decode(response.json()["access_token"], options={"verify_signature": False})
    assert set(token["scope"].split()) == {WRITE, READ}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"client_id": "nobody"}, "invalid_client", id="unknown-client"),
        pytest.param({"client_secret": "wrong"}, "invalid_client", id="wrong-secret"),
        pytest.param({"client_secret": "absent"}, "invalid_client", id="no-secret"),
        pytest.param({"scope": READ}, "invalid_scope", id="scope-of-other-clients"),
        pytest.param({"scope": f"{WRITE} {READ}"}, "invalid_scope", id="one-scope-too-many"),
        pytest.param({"scope": "face-detection/nothing"}, "invalid_scope", id="unknown-scope"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="unknown-grant"),
        pytest.param({"grant_type": "refresh_token"}, "unauthorized_client", id="grant-not-of-this-client"),
        pytest.param({"grant_type": "absent"}, "invalid_request", id="no-grant"),
        pytest.param({"grant_type": ""}, "invalid_request", id="empty-grant"),
        pytest.param({"client_id": "absent"}, "invalid_request", id="no-client"),
    ],
)
def test_a_refusal_has_cognitos_error_and_nothing_else(
    app: Any, app_client: AppClient, changes: dict[str, str], error: str
) -> None:
    response = send(app, "POST", "/oauth2/token", data=form_of(app_client, **changes))

    assert (response.status_code, response.json()) == (400, {"error": error})
    assert response.headers["Cache-Control"] == "no-store"


def test_a_client_of_the_code_grant_has_no_code_that_is_valid(app: Any, pool: UserPool) -> None:
    client = pool.add_client("people", [WRITE], ["code"])
    form = form_of(client, grant_type="authorization_code", code="made-up", redirect_uri="https://example.org")

    response = send(app, "POST", "/oauth2/token", data=form)

    assert response.json() == {"error": "invalid_grant"}


def test_a_parameter_given_twice_is_refused_not_chosen_from(app: Any, app_client: AppClient) -> None:
    form = urlencode([*form_of(app_client).items(), ("scope", READ)])

    response = send(
        app, "POST", "/oauth2/token", content=form, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )

    assert (response.status_code, response.json()) == (400, {"error": "invalid_request"})


@pytest.mark.parametrize(("flow", "error"), [("code", "unauthorized_client"), ("client_credentials", "invalid_grant")])
def test_a_client_without_a_secret_gets_no_client_credentials(app: Any, pool: UserPool, flow: str, error: str) -> None:
    public = pool.add_client("public", [WRITE], [flow], secret=False)

    response = send(app, "POST", "/oauth2/token", data=form_of(public, client_secret="absent"))

    assert response.json() == {"error": error}


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        pytest.param({"json": {"grant_type": "client_credentials"}}, "invalid_request", id="json"),
        pytest.param({"content": b""}, "invalid_request", id="empty"),
        pytest.param(
            {
                "content": b"grant_type=client_credentials&grant_type=client_credentials",
                "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            },
            "invalid_request",
            id="twice",
        ),
        pytest.param(
            {"data": {"grant_type": "client_credentials"}, "headers": {"Authorization": "Bearer x"}},
            "invalid_client",
            id="bearer",
        ),
        pytest.param(
            {"data": {"grant_type": "client_credentials"}, "headers": {"Authorization": "Basic %%%"}},
            "invalid_client",
            id="no-base64",
        ),
        pytest.param(
            {"data": {"grant_type": "client_credentials", "client_id": "b"}, "headers": basic("a", "s")},
            "invalid_request",
            id="two-clients",
        ),
        pytest.param({"data": {"grant_type": "x" * 100_000, "client_id": "nobody"}}, "invalid_request", id="too-long"),
        pytest.param(
            {
                "data": {
                    "grant_type": "client_credentials",
                    "client_id": "nobody",
                    **{f"field-{n}": "x" for n in range(20)},
                }
            },
            "invalid_request",
            id="too-many-fields",
        ),
    ],
)
def test_what_is_no_token_request_is_refused(app: Any, request_: dict[str, Any], error: str) -> None:
    response = send(app, "POST", "/oauth2/token", **request_)

    assert (response.status_code, response.json()) == (400, {"error": error})


def test_the_token_endpoint_takes_post_only(app: Any) -> None:
    assert send(app, "GET", "/oauth2/token").status_code == 405


@pytest.mark.parametrize("path", ["/oauth2/token", "/dev/validation", "/page/validation"])
def test_a_caller_who_leaves_in_the_middle_of_the_body_is_no_failure(app: Any, path: str) -> None:
    parts = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    answered: list[Any] = []
    headers = {"Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:8080", "Content-Type": "multipart/form-data"}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> Any:
        return next(parts)

    async def send_on(message: Any) -> None:
        answered.append(message)

    asyncio.run(app(scope, receive, send_on))

    assert answered[0]["status"] == 400


def test_health_says_unhealthy_when_the_face_engine_does_not_answer(app: Any) -> None:
    response = send(app, "GET", "/healthz")

    assert (response.status_code, response.json()) == (503, {"status": "unhealthy", "model_loaded": False})
