"""Amazon Cognito on one machine: a user pool, access tokens as it issues them (RS256 JWTs), and API Gateway's check."""

import base64
import hmac
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import jwt
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_CREDENTIALS = "client_credentials"
TOKEN_VALIDITY_S = 3600
# The grants that Cognito's token endpoint knows, and the flow that a client needs for each. The service's clients are
# machines, so only the last is ever granted.
FLOWS = {"authorization_code": "code", "refresh_token": "code", CLIENT_CREDENTIALS: CLIENT_CREDENTIALS}


@dataclass(frozen=True, slots=True)
class AppClient:
    """An app client as Cognito describes it: what it may ask for, and how it proves who it is."""

    id: str
    secret: str
    flows: frozenset[str]
    scopes: frozenset[str]


class UserPool:
    """A new pool behind any endpoint that speaks Cognito's own protocol (here moto's)."""

    def __init__(self, cognito: Any) -> None:
        self._cognito = cognito
        self.id: str = cognito.create_user_pool(PoolName="face-validation-local")["UserPool"]["Id"]

    def add_client(
        self, name: str, scopes: Iterable[str], flows: Iterable[str] = (CLIENT_CREDENTIALS,), *, secret: bool = True
    ) -> AppClient:
        """Register an app client; Cognito chooses its id and secret."""
        made = self._cognito.create_user_pool_client(
            UserPoolId=self.id,
            ClientName=name,
            GenerateSecret=secret,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=list(flows),
            AllowedOAuthScopes=list(scopes),
            AccessTokenValidity=TOKEN_VALIDITY_S,
            TokenValidityUnits={"AccessToken": "seconds"},
        )
        return _app_client(made["UserPoolClient"])

    def client(self, client_id: str) -> AppClient | None:
        """The app client of that id; None when this pool has none."""
        try:
            found = self._cognito.describe_user_pool_client(UserPoolId=self.id, ClientId=client_id)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"ResourceNotFoundException", "InvalidParameterException"}:
                return None
            raise
        return _app_client(found["UserPoolClient"])


def _app_client(described: dict[str, Any]) -> AppClient:
    return AppClient(
        id=described["ClientId"],
        secret=described.get("ClientSecret", ""),
        flows=frozenset(described.get("AllowedOAuthFlows", ())),
        scopes=frozenset(described.get("AllowedOAuthScopes", ())),
    )


class TokenError(Exception):
    """A refusal of the token endpoint; `str(error)` is OAuth's error code, the body's only field, HTTP 400.

    Source: docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html
    """


class TokenIssuer:
    """The token endpoint of one user pool, with a signing key of its own for this run.

    `issuer` is the URL that goes into `iss`; its `/.well-known/jwks.json` must serve `key_set`.
    """

    def __init__(self, pool: UserPool, issuer: str) -> None:
        self._pool, self.issuer = pool, issuer
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.key_id = str(uuid.uuid4())
        key = {"kid": self.key_id, "alg": "RS256", "use": "sig", **{name: public[name] for name in ("kty", "n", "e")}}
        self.key_set: dict[str, Any] = {"keys": [key]}

    def grant(self, content_type: str, authorization: str | None, body: bytes) -> dict[str, Any]:
        """The endpoint's 200 body for a client that may have what it asks for, else TokenError with Cognito's code.

        The client's credentials are in the form, which is the body, or in an `Authorization: Basic` header.
        """
        form = _form(content_type, body)
        client_id, secret = _credentials(form, authorization)
        grant_type, scopes = form["grant_type"], tuple(dict.fromkeys(form.get("scope", "").split()))
        if grant_type not in FLOWS:
            raise TokenError("unsupported_grant_type")
        client = self._pool.client(client_id)
        if client is None or not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise TokenError("invalid_client")
        if FLOWS[grant_type] not in client.flows:
            raise TokenError("unauthorized_client")
        if grant_type != CLIENT_CREDENTIALS or not client.secret:
            # The pool has no users and no sign-in page, so no code or refresh token can be a valid one; and a client
            # without a secret has nothing to be known by.
            raise TokenError("invalid_grant")
        if not client.scopes or not client.scopes.issuperset(scopes):
            raise TokenError("invalid_scope")
        token = self.sign(self.claims(client.id, scopes or tuple(sorted(client.scopes))))
        return {"access_token": token, "expires_in": TOKEN_VALIDITY_S, "token_type": "Bearer"}

    def claims(self, client_id: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        """The claims of Cognito's access token for a machine: no user, the client itself is the subject."""
        now = int(time.time())
        return {
            "sub": client_id,
            "token_use": "access",
            "scope": " ".join(scopes),
            "auth_time": now,
            "iss": self.issuer,
            "exp": now + TOKEN_VALIDITY_S,
            "iat": now,
            "version": 2,
            "jti": str(uuid.uuid4()),
            "client_id": client_id,
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """The JWT of these claims, signed RS256 with this issuer's key."""
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.key_id})


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise TokenError("invalid_request")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise TokenError("invalid_request") from error
    form = dict(pairs)
    if len(form) != len(pairs) or not form.get("grant_type"):
        raise TokenError("invalid_request")
    return form


def _credentials(form: dict[str, str], authorization: str | None) -> tuple[str, str]:
    """Id and secret; each was form-urlencoded before both went into Basic's base64 (RFC 6749, 2.3.1)."""
    named = form.get("client_id", "")
    if authorization is None:
        if not named:
            raise TokenError("invalid_request")
        return named, form.get("client_secret", "")
    scheme, _, encoded = authorization.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        client_id, secret = (unquote_plus(part, errors="strict") for part in (client_id, secret))
    except ValueError as error:  # not base64, not even ASCII, or not UTF-8
        raise TokenError("invalid_client") from error
    if scheme.lower() != "basic" or not colon or not client_id:
        raise TokenError("invalid_client")
    if named not in {"", client_id}:
        raise TokenError("invalid_request")
    return client_id, secret


class TokenRefusedError(Exception):
    """No token, or one this pool did not issue for this use: 401. The message is for the log, not for the caller."""


class MissingScopeError(Exception):
    """A good token of the pool that lacks the method's scope: 403."""


class CognitoAuthorizer:
    """Decides whether an `Authorization` header lets its bearer use a method.

    `key_set` is the pool's JWKS: public keys only, as the authorizer fetches them from the issuer.
    """

    def __init__(self, pool: UserPool, issuer: str, key_set: dict[str, Any]) -> None:
        self._pool, self._issuer = pool, issuer
        self._keys = jwt.PyJWKSet.from_dict(key_set)
        self._known_clients: set[str] = set()

    def authorize(self, authorization: str | None, *scopes: str) -> dict[str, Any]:
        """The token's claims; raises TokenRefusedError or MissingScopeError.

        API Gateway takes the token with and without `Bearer`, and one of the `scopes` that the method asks for.
        """
        if not authorization:
            raise TokenRefusedError("no Authorization header")
        scheme, _, token = authorization.strip().partition(" ")
        # The scheme has no case (RFC 9110, 11.1).
        token = token.strip() if scheme.lower() == "bearer" else authorization.strip()
        claims = self._verified_claims(token)
        if claims.get("token_use") != "access":
            raise TokenRefusedError(f"token_use is {claims.get('token_use')!r}, not 'access'")
        if not self._is_client(claims.get("client_id")):
            raise TokenRefusedError("the token's client is not of this pool")
        if not set(scopes) & set(str(claims.get("scope", "")).split()):
            wanted = " or ".join(scopes)
            raise MissingScopeError(f"the token's scope is {claims.get('scope')!r}; the method asks for {wanted}")
        return claims

    def _verified_claims(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._keys[jwt.get_unverified_header(token).get("kid", "")],
                # Never the algorithm that the token names: that is how `none` and HS256 forgeries pass.
                algorithms=["RS256"],
                issuer=self._issuer,
                options={"require": ["exp", "iat", "iss", "sub"]},
            )
        except (KeyError, jwt.InvalidTokenError) as error:
            raise TokenRefusedError(f"{type(error).__name__}: {error}") from error
        return claims

    def _is_client(self, client_id: object) -> bool:
        if not isinstance(client_id, str):
            return False
        if client_id not in self._known_clients and self._pool.client(client_id):
            self._known_clients.add(client_id)
        return client_id in self._known_clients
