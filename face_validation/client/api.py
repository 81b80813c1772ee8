"""The API behind its token: one request with the right scope, its answer as JSON, its refusals as our errors."""

import contextlib
import threading
from collections.abc import Generator, Iterator
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any, TypeVar

import httpx

from face_validation.client.errors import (
    FaceValidationError,
    InternalServerError,
    RequestError,
    RequestFailedError,
    TooManyRequestsError,
    UnauthorizedError,
    error_of_response,
)
from face_validation.client.transport import checked_url, network_faults, new_http_client, with_retries
from face_validation.client.validation_result import read

T = TypeVar("T")

READ, WRITE, ADMIN = "face-detection/read", "face-detection/write", "face-detection/admin"
# To read a document that is validated.
BOTH = f"{READ} {WRITE}"
# To be given a link to a face's photo.
READ_ADMIN = f"{READ} {ADMIN}"

# A token is replaced this long before it expires, so that it is still good when the service looks at it.
LONGEST_LEEWAY_S = 60.0
LEEWAY_RATIO = 0.1


class Api:
    """One API and the tokens for it, a token for each scope; safe to share among threads.

    Every request is asked again when its answer is lost, at most `attempts` times: no route of this API does more when
    it is asked twice (enrolling a photo again finds it enrolled, erasing again erases what is left).
    """

    def __init__(
        self,
        api_url: str,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        timeout_s: float,
        attempts: int,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = checked_url("api_url", api_url)
        token_url = checked_url("token_url", token_url)
        self.http = new_http_client((self._url, token_url), timeout_s, transport)
        self._new_token = partial(AccessToken, self.http, token_url, client_id, client_secret)
        self._tokens = {scope: self._new_token(scope) for scope in (READ, WRITE, ADMIN, BOTH, READ_ADMIN)}
        self._attempts = attempts

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def token(self, scope: str = WRITE) -> str:
        """An access token that is good for a while; `scope` may name several, with spaces. Raises as `ask` does."""
        token = self._tokens.get(scope) or self._new_token(scope)
        return with_retries(token.current, attempts=self._attempts)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        scope: str = WRITE,
        id_request: str | None = None,
        query: dict[str, str] | None = None,
    ) -> Any:
        """The JSON answer to one request; raises FaceValidationError, a class for each error code of the contract."""
        try:
            request = self.http.build_request(method, self._url + path, json=body, params=query)
        except UnicodeEncodeError as error:  # half of a character pair, or what a shell passed on as it was
            raise RequestError(
                "The request is not valid.", details=f"{error.object!r:.100} cannot be sent: it is not UTF-8."
            ) from error
        return with_retries(lambda: self._exchange(request, scope, id_request), attempts=self._attempts)

    def read(self, kind: type[T], method: str, path: str, body: Any = None, **how: Any) -> T:
        """As `ask`, the answer as a `kind`; raises RequestFailedError when it is not the contract's."""
        return read_answer(kind, self.ask(method, path, body, **how))

    def pages(self, kind: type[T], path: str, name: str, scope: str, query: dict[str, str]) -> Iterator[T]:
        """Each `kind` in the list `name` of a long answer, page by page as it is read on; raises as `read`."""
        while True:
            answer = self.ask("GET", path, scope=scope, query=query)
            if not isinstance(answer, dict) or not isinstance(found := answer.get(name), list):
                raise contract_violation(f"a list of {name}")
            yield from (read_answer(kind, one) for one in found)
            if answer.get("next_token") is None:
                return
            query = {**query, "next_token": str(answer["next_token"])}

    def _exchange(self, request: httpx.Request, scope: str, id_request: str | None) -> Any:
        with network_faults("The API", str(request.url), id_request):
            response = self.http.send(request, auth=self._tokens[scope])
        if not response.is_success:
            raise error_of_response(response, id_request)
        try:
            return response.json(parse_constant=_refuse_constant)
        except ValueError as error:
            raise contract_violation("JSON", id_request) from error


def contract_violation(expected: str, id_request: str | None = None) -> RequestFailedError:
    """What to raise when an answer is not `expected`."""
    return RequestFailedError(
        f"The API's answer is not {expected}: check that api_url is the face validation API, with its stage.",
        id_request=id_request,
    )


def read_answer(kind: type[T], answer: Any) -> T:
    """As `read`; raises RequestFailedError when it is not the contract's."""
    try:
        return read(kind, answer)
    except ValueError as error:
        raise contract_violation(f"the contract's ({error})") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number.")


class AccessToken(httpx.Auth):
    """The token of one client for one scope; safe to share among threads. Trying again is the caller's."""

    def __init__(self, http: httpx.Client, token_url: str, client_id: str, client_secret: str, scope: str) -> None:
        self._http, self._token_url, self._client_id, self._scope = http, token_url, client_id, scope
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
            request.headers["Authorization"] = f"Bearer {self.current(refused=token)}"
            yield request

    def current(self, refused: str | None = None) -> str:
        """A token that will not expire within the next moments; raises UnauthorizedError or RequestFailedError.

        One fetch, even when many threads were `refused` with the same token.
        """
        with self._lock:
            if monotonic() >= self._good_until or self._token == refused:
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
        self._token, self._good_until = token, monotonic() + lifetime_s - leeway_s

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
    with contextlib.suppress(ValueError):
        match response.json():
            case {"error": error} if error:
                return str(error)[:100]
    return f"HTTP {response.status_code}"
