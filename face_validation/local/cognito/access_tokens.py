"""Access tokens as Amazon Cognito issues them and as API Gateway's authorizer checks them: RS256 JWTs."""

import base64
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from face_validation.local.cognito.user_pool import CLIENT_CREDENTIALS, TOKEN_VALIDITY_S, AppClient, UserPool

# The grants that Cognito's token endpoint knows, and the flow that a client needs for each. The service's clients are
# machines, so only the last is ever granted.
FLOWS = {"authorization_code": "code", "refresh_token": "code", CLIENT_CREDENTIALS: CLIENT_CREDENTIALS}


class TokenError(Exception):
    """A refusal of the token endpoint; `str(error)` is OAuth's error code, the body's only field, HTTP 400.

    Source: docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html
    """


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a client asks the token endpoint for, already taken apart."""

    grant_type: str
    client_id: str
    client_secret: str
    scopes: tuple[str, ...]

    @classmethod
    def parse(cls, content_type: str, authorization: str | None, body: bytes) -> "TokenRequest":
        """Read a form-urlencoded body, with the client's credentials in it or in an `Authorization: Basic` header.

        Raises:
            TokenError: `invalid_request` when the form is not one or a parameter is missing or repeated,
                `invalid_client` when the header is not Basic.
        """
        if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            raise TokenError("invalid_request")
        try:
            pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
        except ValueError as error:
            raise TokenError("invalid_request") from error
        form = dict(pairs)
        if len(form) != len(pairs) or not form.get("grant_type"):
            raise TokenError("invalid_request")
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization is not None:
            basic_id, secret = _basic_credentials(authorization)
            if client_id not in {"", basic_id}:
                raise TokenError("invalid_request")
            client_id = basic_id
        if not client_id:
            raise TokenError("invalid_request")
        return cls(form["grant_type"], client_id, secret, tuple(dict.fromkeys(form.get("scope", "").split())))


class TokenIssuer:
    """The token endpoint of one user pool, with a signing key of its own for this run.

    `issuer` is the URL that goes into `iss`; its `/.well-known/jwks.json` must serve `key_set`.
    """

    def __init__(self, pool: UserPool, issuer: str) -> None:
        self._pool = pool
        self.issuer = issuer
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        self.key_id = str(uuid.uuid4())
        self.key_set: dict[str, Any] = {
            "keys": [
                {"kid": self.key_id, "alg": "RS256", "use": "sig", "kty": "RSA", "n": public["n"], "e": public["e"]}
            ]
        }

    def grant(self, request: TokenRequest) -> dict[str, Any]:
        """The endpoint's 200 body for a client that may have what it asks for, else TokenError with Cognito's code."""
        if request.grant_type not in FLOWS:
            raise TokenError("unsupported_grant_type")
        client = self._pool.client(request.client_id)
        if client is None or not hmac.compare_digest(client.secret.encode(), request.client_secret.encode()):
            raise TokenError("invalid_client")
        if FLOWS[request.grant_type] not in client.flows:
            raise TokenError("unauthorized_client")
        if request.grant_type != CLIENT_CREDENTIALS or not client.secret:
            # The pool has no users and no sign-in page, so no code or refresh token can be a valid one; and a client
            # without a secret has nothing to be known by.
            raise TokenError("invalid_grant")
        token = self.sign(self.claims(client.id, self._granted_scopes(client, request.scopes)))
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

    def _granted_scopes(self, client: AppClient, asked: tuple[str, ...]) -> tuple[str, ...]:
        allowed = client.scopes & self._pool.scopes()
        if not allowed or not allowed.issuperset(asked):
            raise TokenError("invalid_scope")
        return asked or tuple(sorted(allowed))


def _basic_credentials(authorization: str) -> tuple[str, str]:
    """Id and secret; each was form-urlencoded before both went into Basic's base64 (RFC 6749, 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        client_id, secret = (unquote_plus(part, errors="strict") for part in (client_id, secret))
    except ValueError as error:  # not base64, not even ASCII, or not UTF-8
        raise TokenError("invalid_client") from error
    if scheme.lower() != "basic" or not colon or not client_id:
        raise TokenError("invalid_client")
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
        self._pool = pool
        self._issuer = issuer
        self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(key_set).keys}
        self._known_clients: set[str] = set()

    def authorize(self, authorization: str | None, *scopes: str) -> dict[str, Any]:
        """The token's claims.

        Args:
            authorization: the header's value; API Gateway takes the token with and without `Bearer`.
            scopes: those that the method asks for, `resource-server/scope`; one is enough.

        Raises:
            TokenRefusedError: signature, algorithm, key, issuer, expiry, use or client is not right.
            MissingScopeError: all of that is right, but no such scope is granted.
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
            key = self._keys.get(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                raise TokenRefusedError("the token's kid is not in the issuer's key set")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                # Never the algorithm that the token names: that is how `none` and HS256 forgeries pass.
                algorithms=["RS256"],
                issuer=self._issuer,
                options={"require": ["exp", "iat", "iss", "sub"]},
            )
        except jwt.InvalidTokenError as error:
            raise TokenRefusedError(f"{type(error).__name__}: {error}") from error
        return claims

    def _is_client(self, client_id: object) -> bool:
        if not isinstance(client_id, str):
            return False
        if client_id not in self._known_clients and self._pool.client(client_id) is not None:
            self._known_clients.add(client_id)
        return client_id in self._known_clients
