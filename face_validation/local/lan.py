"""`--lan`: the validation page for a phone on the same network, over TLS, by a link that opens it once.

The terminal shows the link as a QR code.
"""

import ipaddress
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import cv2
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from rich.console import Console
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from face_validation.local.aws.moto_services import aws_client
from face_validation.local.gateway.server_thread import ServerThread
from face_validation.local.stack_info import StackInfo
from face_validation.local.web.own_site import SECURITY_HEADERS, OwnSite, StackApi
from face_validation.local.web.page_routes import PageRoutes
from rekognition_local.server.process import listening

PORT = 8443
CERTIFICATE_DAYS = 7
# `__Host-`: browsers take it over TLS only, and send it to this very host only.
COOKIE = "__Host-twin"
_OPENED = '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>Twin</title><a href="/">Twin</a>'
# Two rows of modules make one row of characters.
_HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
_BORDER = 2  # beside the encoder's own two: a reader wants four


@contextmanager
def lan_page(stack: StackInfo, console: Console) -> Iterator[None]:
    """Serve the validation page of a running stack to the network, and show the link; OSError without a network."""
    address = own_address()
    with _listening(address) as listener, tempfile.TemporaryDirectory() as folder:
        certificate, fingerprint = write_certificate(address, Path(folder))
        origin = f"https://{address}:{listener.getsockname()[1]}"
        api = StackApi(stack, aws_client("s3", stack.s3_endpoint))

        def opened(device: str) -> None:
            console.print(f"\n{device} opened the page. The link for another device:\n{site.link}", highlight=False)

        own = OwnSite(origin)
        site = LanSite(origin, [*PageRoutes(api, own).routes(), own.files()], opened)
        with ServerThread(site, listener, certificate):
            console.print(f"\n[bold]On a phone in this network[/]: {site.link}\n", highlight=False, soft_wrap=True)
            for line in qr_lines(site.link):
                console.print(line, style="#000000 on #ffffff", highlight=False, no_wrap=True)
            console.print(
                "[yellow]The page is open to this network for whoever has the link.[/] The link opens it on one "
                "device. Pictures travel encrypted. The browser warns of the certificate, since it was made just "
                f"now on this machine; its SHA-256 fingerprint is\n{fingerprint}",
                highlight=False,
                soft_wrap=True,
                emoji=False,  # ":AB:" of a fingerprint is one
            )
            yield


def qr_lines(text: str) -> list[str]:
    """A QR code in lines of block characters, dark on light, with the border that readers need."""
    code = cv2.QRCodeEncoder.create().encode(text)
    dark = np.pad(code == 0, ((_BORDER, _BORDER + code.shape[0] % 2), (_BORDER, _BORDER)))
    return [
        "".join(_HALVES[bool(upper), bool(lower)] for upper, lower in zip(*rows, strict=True))
        for rows in zip(dark[::2], dark[1::2], strict=True)
    ]


def _listening(address: str) -> socket.socket:
    try:
        return listening(address, PORT)
    except OSError:  # taken: any other is as good, for the link names it
        return listening(address, 0)


class LanSite:
    """The page's addresses behind a session that a one-time link begins.

    `opened` is told the address of each device that opens the page by the link.
    """

    def __init__(self, origin: str, pages: Sequence[Route], opened: Callable[[str], None]) -> None:
        self._origin, self._opened = origin, opened
        self._sessions: set[str] = set()
        self._link = secrets.token_urlsafe(16)
        self._pages = Starlette(routes=[Route("/open/{link}", self._open), *pages])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The pages, for whoever opened them by a link."""
        answer: ASGIApp = self._pages
        if scope["type"] == "http" and not self._may_pass(Request(scope)):
            answer = _refused("Open the page by the link or the QR code that the terminal shows.")
        await answer(scope, receive, send)

    @property
    def link(self) -> str:
        """The address that opens the page on one device; after it was used there is another one."""
        return f"{self._origin}/open/{self._link}"

    async def _open(self, request: Request) -> Response:
        if not secrets.compare_digest(request.path_params["link"].encode(), self._link.encode()):
            return _refused("This link was used before. The terminal shows the next one.")
        self._link, session = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        self._sessions.add(session)
        self._opened(request.client.host if request.client else "a device")
        # A page and not a redirection: a cookie of SameSite=Strict is not sent along with one that another site began.
        answer = HTMLResponse(_OPENED, headers={**SECURITY_HEADERS, "Cache-Control": "no-store"})
        answer.set_cookie(COOKIE, session, secure=True, httponly=True, samesite="strict")
        return answer

    def _may_pass(self, request: Request) -> bool:
        if request.method == "GET" and request.url.path.startswith("/open/"):
            return True
        return request.cookies.get(COOKIE) in self._sessions


def own_address() -> str:
    """This machine's address in the network that its default route leads to. Raises OSError: it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as towards:
        # No packet is sent: the system only chooses the way. The address is of a range for documentation.
        towards.connect(("192.0.2.1", 9))
        return str(towards.getsockname()[0])


def write_certificate(address: str, folder: Path) -> tuple[Path, str]:
    """A new key and a certificate for an IP address, in one PEM file; and the certificate's SHA-256 fingerprint."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Twin on {address}")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks of phones differ
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "twin.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path, certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _refused(sentence: str) -> Response:
    return PlainTextResponse(sentence, HTTPStatus.FORBIDDEN, SECURITY_HEADERS)
