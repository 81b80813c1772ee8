"""HTTP in the client's words: what of the environment it may obey, a limit for each wait, faults as our own errors."""

import contextlib
import ipaddress
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from face_validation.client.errors import (
    ConnectionFailedError,
    FaceValidationError,
    RequestFailedError,
    SettingsError,
    TooManyRequestsError,
)

LONGEST_PAUSE_S = 30.0
CONNECT_TIMEOUT_S = 5.0

# What httpx obeys, in the spelling that wins.
_PROXIES = ("all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")

Answer = TypeVar("Answer")
_backoff = wait_exponential_jitter(multiplier=0.25, max=8, jitter=0.25)


def checked_url(name: str, url: str) -> str:
    """`url` without a slash at its end; SettingsError unless it is HTTPS, or HTTP to this machine."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"{name} is {url!r}: it must be an address like https://host/path.")
    if parts.scheme == "http" and not is_this_machine(url):
        raise SettingsError(f"{name} is {url!r}: use https://, because secrets must not be sent unencrypted.")
    return url.rstrip("/")


def is_this_machine(url: str) -> bool:
    """Whether the host of `url` is this machine's loopback."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_http_client(
    urls: Sequence[str], timeout_s: float, transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """An HTTP client for these addresses that many threads share; every phase of a request has its limit in seconds.

    What is meant for this machine never goes through a proxy: secret, token and images travel in the clear there.
    Raises SettingsError when a variable that names a proxy or certificates cannot be used; says which.
    """
    here = {urlsplit(url).hostname or "" for url in urls if is_this_machine(url)}
    try:
        return httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=100),
            transport=transport,
            # None is the client's own transport, which has no proxy.
            mounts={f"all://[{host}]" if ":" in host else f"all://{host}": None for host in here},
            # Plain HTTP within this machine needs nothing of the environment, so nothing there can break it.
            trust_env=not all(urlsplit(url).scheme == "http" and is_this_machine(url) for url in urls),
            headers={"User-Agent": "face-validation"},
        )
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
        name = _unusable(error)
        if name is None:
            raise
        raise SettingsError(
            f"{name} is {os.environ[name]!r}, which cannot be used ({error}): correct it, or unset it."
        ) from error


def _unusable(error: Exception) -> str | None:
    """The variable for which httpx made no client; None if there was no such variable."""
    if isinstance(error, OSError):
        return _first_set("SSL_CERT_FILE", "SSL_CERT_DIR")
    for name in _PROXIES:
        if value := os.environ.get(name):
            try:
                httpx.HTTPTransport(proxy=value if "://" in value else f"http://{value}", verify=False).close()
            except (ImportError, ValueError, httpx.InvalidURL):
                return name
    return _first_set("no_proxy", "NO_PROXY")


def _first_set(*names: str) -> str | None:
    return next((name for name in names if os.environ.get(name)), None)


@contextlib.contextmanager
def network_faults(what: str, url: str, id_request: str | None = None) -> Iterator[None]:
    """Turn httpx's errors into ours: ConnectionFailedError, or RequestFailedError from what does not speak our HTTP."""
    try:
        yield
    except httpx.LocalProtocolError:
        # Its message quotes the header: the token.
        raise RequestFailedError(
            f"{what} at {url} cannot be asked.", details="A header cannot be sent as it is.", id_request=id_request
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kind: type[RequestFailedError] = ConnectionFailedError
        if isinstance(error, httpx.TimeoutException):
            told = "did not answer in time."
        elif isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)):
            told = "cannot be reached: check the address and that the service runs."
        else:
            kind, told = RequestFailedError, "cannot be asked."
        reason = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise kind(f"{what} at {url} {told}", details=reason, id_request=id_request) from error


def with_retries(ask: Callable[[], Answer], *, attempts: int, is_repeatable: bool = True) -> Answer:
    """Call `ask` until it answers, at most `attempts` times; its last error otherwise.

    Tried again: no connection, no answer, 429, 5xx. A Retry-After is honoured; one of more than LONGEST_PAUSE_S seconds
    ends the attempts. Where doing it twice is not the same as doing it once (`is_repeatable`), it is only tried again
    when the service certainly did nothing: there was no connection, or it answered 429.
    """
    worth_it = _may_pass if is_repeatable else _was_not_done
    retrying = Retrying(
        stop=stop_after_attempt(attempts), wait=_pause_s, retry=retry_if_exception(worth_it), reraise=True
    )
    return retrying(ask)


def _may_pass(error: BaseException) -> bool:
    if not isinstance(error, FaceValidationError):
        return False
    if error.retry_after_s is None:
        return error.is_temporary
    # Whoever says when to come again expects us: a duplicate of a request that is being answered, too.
    return error.retry_after_s <= LONGEST_PAUSE_S


def _was_not_done(error: BaseException) -> bool:
    never_sent = isinstance(error.__cause__, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    return _may_pass(error) and (never_sent or isinstance(error, TooManyRequestsError))


def _pause_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_for = error.retry_after_s if isinstance(error, FaceValidationError) else None
    return max(asked_for or 0.0, _backoff(state))
