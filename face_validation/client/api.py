"""The API behind its token: one request with the right scope, its answer as JSON, its refusals as our errors."""

from functools import partial
from typing import Any, TypeVar

import httpx

from face_validation.client.errors import RequestError, RequestFailedError, error_of_response
from face_validation.client.tokens import AccessToken
from face_validation.client.transport import checked_url, network_faults, new_http_client, with_retries
from face_validation.client.validation_result import read

T = TypeVar("T")

READ, WRITE, ADMIN = "face-detection/read", "face-detection/write", "face-detection/admin"
# To read a document that is validated.
BOTH = f"{READ} {WRITE}"
# To be given a link to a face's photo.
READ_ADMIN = f"{READ} {ADMIN}"


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
        """The JSON answer to one request.

        Raises:
            FaceValidationError: one class per error code of the contract; RequestFailedError when nobody answered.
        """
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
