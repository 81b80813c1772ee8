"""What reaches the server: the address it listens on, its names, the pages that may call, the bodies that it reads."""

import ipaddress
import zlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rekognition_local.protocol.wire import CONTENT_TYPE, ServiceError
from rekognition_local.server.connections import LOCAL_NAMES

# CompareFaces with two images of 5 MB in base64, and room for the rest.
MAX_BODY_BYTES = 16 * 1024 * 1024
FORBIDDEN = 403
ANY = "*"
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the server can be reached, and by whom.

    Args:
        host: the address that it listens on.
        names: more host names that requests may carry, as a compose service's; "*" is any.
        origins: origins of pages whose scripts may call, as `http://localhost:3000`; "*" is any. None: no page.
    """

    host: str = "127.0.0.1"
    names: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    @property
    def is_this_machine(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host == "localhost" or (_is_address(self.host) and ipaddress.ip_address(self.host).is_loopback)

    def admits(self, host: str) -> bool:
        """Whether a request with this Host header is answered.

        A page from anywhere can make its name resolve to this machine and must not read the collections; such a
        request carries the page's name, never an address.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:  # half an IPv6 address
            return False
        names = {*LOCAL_NAMES, *(known.lower() for known in (self.host, *self.names))}
        return _is_address(name) or name in names or ANY in names

    def middleware(self) -> list[Middleware]:
        """What stands before the routes."""
        pages = Middleware(
            CORSMiddleware,
            allow_origins=self.origins,
            allow_methods=["POST"],
            allow_headers=["*"],
            expose_headers=["x-amzn-RequestId"],
        )
        return [Middleware(_admitted_hosts, reach=self), *([pages] if self.origins else [])]


def _admitted_hosts(app: ASGIApp, reach: Reach) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "") if scope["type"] == "http" else None
        if host is None or reach.admits(host):
            return await app(scope, receive, send)
        refused = ServiceError(
            "AccessDeniedException",
            f"The host name {host:.200} is not accepted. Start the server with --allow-host NAME to allow it.",
        )
        return await Response(refused.body(), FORBIDDEN, media_type=CONTENT_TYPE)(scope, receive, send)

    return answer


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def read_body(request: Request) -> bytes:
    """The body, at most MAX_BODY_BYTES before and after unpacking.

    RequestEntityTooLargeException for a larger one, SerializationException when it broke off or cannot be unpacked.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise _too_large()
    except ClientDisconnect as error:
        raise ServiceError("SerializationException", "The request broke off.") from error
    match request.headers.get("content-encoding", "identity").lower():
        case "identity":
            return bytes(body)
        case "gzip":
            return _unpacked(bytes(body))
        case other:
            raise ServiceError("SerializationException", f"The body's encoding is {other:.40}; gzip or none is read.")


def _unpacked(body: bytes) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        content = unpacking.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise ServiceError("SerializationException", f"The body is not gzip: {error}") from error
    if len(content) > MAX_BODY_BYTES:
        raise _too_large()
    if not unpacking.eof:
        raise ServiceError("SerializationException", "The body's gzip data breaks off.")
    return content


def _too_large() -> ServiceError:
    return ServiceError("RequestEntityTooLargeException", f"The request has more than {MAX_BODY_BYTES} bytes.")
