"""What all pages of the stack share: the check of the sender, the headers of every answer, and their files."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from face_validation.local.gateway.api_gateway import read_body

FOLDER = Path(__file__).parent / "page"

# Nothing from elsewhere, no frame around the page, no script but its own.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

# Each time, so that no old page stays after an upgrade.
_ASKED_AGAIN = {"Cache-Control": "no-cache"}

Endpoint = Callable[[Request], Awaitable[Response]]


class PageRefusedError(Exception):
    """Ends a request of a page with an answer that says why there is no other."""

    def __init__(self, status: HTTPStatus, code: str, details: str) -> None:
        super().__init__(details)
        error = {"code": code, "message": f"{status.phrase}.", "details": details}
        self.response = JSONResponse({"error": error}, status)


class OwnSite:
    """One site by its origins, `http://127.0.0.1:8080`; its addresses answer to its own pages only.

    They hold the client's credentials: another site that the browser has open must not use them, not even under a name
    that resolves to this machine.
    """

    def __init__(self, *origins: str) -> None:
        self._hosts = {origin.partition("://")[2]: origin for origin in origins}

    def route(self, path: str, endpoint: Endpoint, method: str = "GET") -> Route:
        """An address that refuses whoever is not a page of this site; each answer carries the security headers."""

        async def guarded(request: Request) -> Response:
            try:
                self._check(request)
                response = await endpoint(request)
            except PageRefusedError as refused:
                response = refused.response
            for name, value in SECURITY_HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return Route(path, guarded, methods=[method])

    def page(self, address: str, name: str, files: Iterable[str]) -> list[Route]:
        """A page at its address, and its files at `/page/{name}`."""
        return [
            self.route(address, partial(_page, name)),
            *(self.route(f"/page/{one}", partial(_file, one)) for one in files),
        ]

    def _check(self, request: Request) -> None:
        origin = self._hosts.get(request.headers.get("host", ""))
        if origin is None or (request.method not in {"GET", "HEAD"} and request.headers.get("origin") != origin):
            raise PageRefusedError(HTTPStatus.FORBIDDEN, "ForbiddenError", "Only this stack's own page may ask this.")


async def _page(name: str, request: Request) -> Response:
    """A page with the header that all of them have, in which its own link is marked."""
    link = f'<a href="{request.url.path}"'
    header = (FOLDER / "header.html").read_text("utf-8").replace(link, f'{link} aria-current="page"')
    html = (FOLDER / name).read_text("utf-8").replace("<header></header>", header)
    return HTMLResponse(html, headers=_ASKED_AGAIN)


async def _file(name: str, _: Request) -> Response:
    return FileResponse(FOLDER / name, headers=_ASKED_AGAIN)


async def body_within(request: Request, limit: int, what: str = "The picture is", advice: str = "") -> bytes:
    """The request's body; PageRefusedError when it is over `limit` bytes."""
    body = await read_body(request, limit)
    if body is None:
        details = f"{what} larger than {limit // 2**20} MB.{advice}"
        raise PageRefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeError", details)
    return body
