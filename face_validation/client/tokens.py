"""Access tokens by OAuth 2.0 client credentials: kept while they last, fetched once however many threads ask."""

import threading
import time
from collections.abc import Callable, Generator
from http import HTTPStatus

import httpx

from face_validation.client.errors import (
    FaceValidationError,
    InternalServerError,
    RequestFailedError,
    TooManyRequestsError,
    UnauthorizedError,
    error_of_response,
)
from face_validation.client.transport import network_faults

# A token is replaced this long before it expires, so that it is still good when the service looks at it.
LONGEST_LEEWAY_S = 60.0
LEEWAY_RATIO = 0.1


class AccessToken(httpx.Auth):
    """The token of one client for one scope; safe to share among threads. Trying again is the caller's."""

    def __init__(
        self,
        http: httpx.Client,
        token_url: str,
        client_id: str,
        client_secret: str,
        scope: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http, self._token_url, self._clock = http, token_url, clock
        self._client_id, self._scope = client_id, scope
        self._credentials = httpx.BasicAuth(client_id, client_secret)
        self._lock = threading.Lock()
        self._token, self._good_until = "", float("-inf")

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request with the token, and once more with a new one where the service refuses it."""
        token = self.current()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            # Revoked, or the server's clock is ahead of ours.
            request.headers["Authorization"] = f"Bearer {self.replacing(token)}"
            yield request

    def current(self) -> str:
        """A token that will not expire within the next moments.

        Raises:
            UnauthorizedError: the id and secret, or the scope, were refused.
            RequestFailedError: the token endpoint cannot be reached, or does not answer with a token.
        """
        with self._lock:
            if self._clock() >= self._good_until:
                self._fetch()
            return self._token

    def replacing(self, refused: str) -> str:
        """Another token than `refused`: one fetch, even when many threads were refused with the same one."""
        with self._lock:
            if self._token == refused:
                self._fetch()
            return self._token

    def _fetch(self) -> None:
        form = {"grant_type": "client_credentials", "scope": self._scope}
        with network_faults("The token endpoint", self._token_url):
            response = self._http.post(self._token_url, data=form, auth=self._credentials)
        if not response.is_success:
            raise self._refusal(response)
        try:
            answer = response.json()
            token, lifetime_s = str(answer["access_token"]), float(answer["expires_in"])
        except (ValueError, KeyError, TypeError) as error:
            raise RequestFailedError(
                f"{self._token_url} answered, but not with a token: check that it is the token endpoint."
            ) from error
        leeway_s = min(LONGEST_LEEWAY_S, lifetime_s * LEEWAY_RATIO)
        self._token, self._good_until = token, self._clock() + lifetime_s - leeway_s

    def _refusal(self, response: httpx.Response) -> FaceValidationError:
        found = error_of_response(response)
        if isinstance(found, (TooManyRequestsError, InternalServerError)):
            return found
        if response.status_code not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return RequestFailedError(
                f"{self._token_url} answered {response.status_code}: check that it is the token endpoint.",
                status=response.status_code,
            )
        return UnauthorizedError(
            f"The token endpoint refused client {self._client_id!r} for scope {self._scope!r}: "
            f"{_oauth_error(response)}. Check the client's id and secret, and that it may use this scope.",
            status=response.status_code,
        )


def _oauth_error(response: httpx.Response) -> str:
    """OAuth's error code (RFC 6749, 5.2), cut short."""
    try:
        answer = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    error = answer.get("error") if isinstance(answer, dict) else None
    return str(error or f"HTTP {response.status_code}")[:100]
