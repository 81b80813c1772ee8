"""The token check of API Gateway's Cognito user pool authorizer, for methods that ask for a scope."""

from typing import Any

import jwt

from face_validation.local.cognito.user_pool import UserPool


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
