"""The HTTP client that asks the API: its limits, and what of the environment it may obey."""

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from face_validation.client.errors import SettingsError
from face_validation.client.transport import is_this_machine

CONNECT_TIMEOUT_S = 5.0

# What httpx obeys, in the spelling that wins: certificates, then proxies, then what goes past them.
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
_NO_PROXY = ("no_proxy", "NO_PROXY")


def new_http_client(
    urls: Sequence[str], timeout_s: float, transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """An HTTP client that many threads share; every phase of a request has its limit in seconds.

    What is meant for this machine never goes through a proxy: secret, token and images travel in the clear there.

    Args:
        urls: the addresses that it will be asked for.
        timeout_s: the longest wait.
        transport: how requests are sent, for tests and proxies of one's own.

    Raises:
        SettingsError: a variable that names a proxy or certificates cannot be used; says which.
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
        return _first_set(_CERTIFICATES)
    for name in _PROXIES:
        if value := os.environ.get(name):
            try:
                httpx.HTTPTransport(proxy=value if "://" in value else f"http://{value}", verify=False).close()
            except (ImportError, ValueError, httpx.InvalidURL):
                return name
    return _first_set(_NO_PROXY)


def _first_set(names: Sequence[str]) -> str | None:
    return next((name for name in names if os.environ.get(name)), None)
