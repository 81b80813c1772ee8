"""Only a token of this pool, for this use and with this scope opens a method: everything else is 401 or 403."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from face_validation.local.cognito import AppClient, TokenIssuer, UserPool
from tests.face_validation.local.under_test import READ, WRITE, Api, refusal_of

Forge = Callable[[TokenIssuer, dict[str, Any]], str]


def with_changes(**changes: Any) -> Forge:
    """The issuer's own signature on other claims; None takes a claim away."""

    def forge(issuer: TokenIssuer, claims: dict[str, Any]) -> str:
        return issuer.sign({name: value for name, value in (claims | changes).items() if value is not None})

    return forge


def with_time(claim: str, seconds_from_now: int) -> Forge:
    """The clock is read when the token is made: tests are collected long before some of them run."""
    return lambda issuer, claims: issuer.sign(claims | {claim: int(time.time()) + seconds_from_now})


def alg_none(issuer: TokenIssuer, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": issuer.key_id})


def signed_by_another_key(issuer: TokenIssuer, claims: dict[str, Any]) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": issuer.key_id})


def unknown_kid(issuer: TokenIssuer, claims: dict[str, Any]) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "mine"})


def hs256_with_the_public_key(issuer: TokenIssuer, claims: dict[str, Any]) -> str:
    """Written by hand: PyJWT itself refuses to sign with a public key."""
    (published,) = jwt.PyJWKSet.from_dict(issuer.key_set).keys
    pem = published.key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    parts = [_base64({"alg": "HS256", "typ": "JWT", "kid": issuer.key_id}), _base64(claims)]
    signature = hmac.new(pem, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def other_claims_under_the_same_signature(issuer: TokenIssuer, claims: dict[str, Any]) -> str:
    header, _, signature = issuer.sign(claims).split(".")
    return ".".join((header, _base64(claims | {"exp": claims["exp"] + 1}).decode(), signature))


def _base64(part: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(with_time("exp", -1), id="expired"),
        pytest.param(with_changes(exp=None), id="never-expires"),
        pytest.param(with_time("iat", 600), id="from-the-future"),
        pytest.param(with_changes(iss="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"), id="issuer"),
        pytest.param(with_changes(iss=None), id="no-issuer"),
        pytest.param(with_changes(token_use="id"), id="id-token"),
        pytest.param(with_changes(token_use=None), id="no-use"),
        pytest.param(with_changes(client_id="a-client-of-another-pool"), id="other-client"),
        pytest.param(with_changes(client_id=None), id="no-client"),
        pytest.param(with_changes(client_id=["a-client"]), id="list-of-clients"),
        pytest.param(alg_none, id="alg-none"),
        pytest.param(signed_by_another_key, id="wrong-signature"),
        pytest.param(unknown_kid, id="unknown-kid"),
        pytest.param(hs256_with_the_public_key, id="hs256-with-the-public-key"),
        pytest.param(other_claims_under_the_same_signature, id="changed-claims"),
        pytest.param(lambda _issuer, _claims: "not.a.token", id="no-jwt"),
        pytest.param(lambda _issuer, _claims: "x" * 8000, id="nonsense"),
        pytest.param(lambda _issuer, _claims: "", id="empty"),
    ],
)
def test_a_forged_token_is_unauthorized_and_the_function_is_not_asked(
    api: Api, issuer: TokenIssuer, app_client: AppClient, forge: Forge
) -> None:
    token = forge(issuer, issuer.claims(app_client.id, (WRITE,)))

    response = api.ask("POST", "/dev/validation", headers={"Authorization": f"Bearer {token}"}, content=b"{}")

    assert refusal_of(response) == (401, "UnauthorizedError")
    assert api.handler.events == []


def test_no_token_is_unauthorized(api: Api) -> None:
    """(R) UnauthorizedError, 401, in the same envelope."""
    api.token = ""

    response = api.ask("POST", "/dev/validation", headers={"Authorization": ""}, content=b"{}")

    assert refusal_of(response) == (401, "UnauthorizedError")
    assert api.handler.events == []


@pytest.mark.parametrize("scopes", [(READ,), (), ("face-detection/write-not",), ("FACE-DETECTION/WRITE",)])
def test_a_good_token_without_the_scope_is_forbidden(
    api: Api, issuer: TokenIssuer, app_client: AppClient, scopes: tuple[str, ...]
) -> None:
    token = issuer.sign(issuer.claims(app_client.id, scopes))

    response = api.ask("POST", "/dev/validation", headers={"Authorization": f"Bearer {token}"}, content=b"{}")

    assert refusal_of(response) == (403, "ForbiddenError")
    assert api.handler.events == []


@pytest.mark.parametrize("token", ["", "not-a-token"])
def test_the_log_of_a_refused_token_holds_neither_name_nor_token(
    api: Api, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        api.ask("DELETE", "/dev/people/Ana%20Garcia", headers={"Authorization": token})

    lines = [
        record.getMessage() for record in caplog.records if record.name == "face_validation.local.gateway.api_gateway"
    ]
    assert len(lines) == 1
    assert "/people/{full_name}" in lines[0]
    assert "Ana" not in lines[0]
    assert "not-a-token" not in lines[0]


@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER  ", ""])
def test_a_good_token_passes_with_bearer_in_any_case_and_without_it(api: Api, prefix: str) -> None:
    response = api.ask("POST", "/dev/validation", headers={"Authorization": prefix + api.token}, content=b"{}")

    assert response.status_code == 200


def test_the_scope_may_be_one_of_several(api: Api, issuer: TokenIssuer, pool: UserPool) -> None:
    both = pool.add_client("both", [WRITE, READ])
    token = issuer.sign(issuer.claims(both.id, (READ, WRITE)))

    response = api.ask("POST", "/dev/validation", headers={"Authorization": f"Bearer {token}"}, content=b"{}")

    assert response.status_code == 200
