"""What all pages of the stack share: the check of the sender, the headers, their files, and the API as they ask it."""

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from face_validation.local.gateway.api_gateway import read_body
from face_validation.local.stack_info import StackInfo
from face_validation_function.routes import ADMIN, READ, WRITE

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

    def route(self, path: str, endpoint: Endpoint, *methods: str) -> Route:
        """A route, by default for GET, that refuses pages of other sites; each answer has the security headers."""

        async def guarded(request: Request) -> Response:
            try:
                self._check(request)
                response = await endpoint(request)
            except PageRefusedError as refused:
                response = refused.response
            for name, value in SECURITY_HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return Route(path, guarded, methods=methods or ("GET",))

    def page(self, address: str, name: str) -> Route:
        """A page at its address."""
        return self.route(address, partial(_page, name))

    def files(self) -> Route:
        """The files of all pages at `/page/{name}`; mount this route last."""
        return self.route("/page/{name}", _file)

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


async def _file(request: Request) -> Response:
    files = {path.name: path for path in FOLDER.iterdir() if path.suffix in {".css", ".js", ".svg"}}
    if (path := files.get(request.path_params["name"])) is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return FileResponse(path, headers=_ASKED_AGAIN)


async def body_within(request: Request, limit: int, what: str = "The picture is", advice: str = "") -> bytes:
    """The request's body; PageRefusedError when it is over `limit` bytes."""
    body = await read_body(request, limit)
    if body is None:
        details = f"{what} larger than {limit // 2**20} MB.{advice}"
        raise PageRefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeError", details)
    return body


ANSWER_TIMEOUT_S = 120.0
MAX_QUESTION_BYTES = 2**20


class StackApi:
    """Does what every client does: puts images, gets a token, asks."""

    def __init__(self, stack: StackInfo, s3: Any) -> None:
        self.stack, self.s3 = stack, s3

    @asynccontextmanager
    async def held(self, images: Mapping[str, bytes]) -> AsyncIterator[str]:
        """Images, by bucket, that are there within the `with` only; gives the key that they have."""
        key = f"page/{uuid.uuid4()}"
        try:
            for bucket, image in images.items():
                await self.put(bucket, key, image)
            yield key
        finally:
            for bucket in images:
                await self.delete(bucket, key)

    async def put(self, bucket: str, key: str, image: bytes) -> None:
        """Put an image into a bucket."""
        await run_in_threadpool(self.s3.put_object, Bucket=bucket, Key=key, Body=image)

    async def delete(self, bucket: str, key: str) -> None:
        """Delete an image from a bucket."""
        await run_in_threadpool(self.s3.delete_object, Bucket=bucket, Key=key)

    async def download(self, url: str) -> AsyncIterator[bytes]:
        """What lies at a signed address, piece by piece."""
        client = httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S, trust_env=False)
        async with client, client.stream("GET", url) as response:
            async for piece in response.raise_for_status().aiter_bytes():
                yield piece

    async def passed_on(self, request: Request) -> Response:
        """The API's answer to a request whose address below `/page` is that of the API below its stage."""
        path = request.scope["raw_path"].decode("latin-1").removeprefix("/page")
        body = await body_within(request, MAX_QUESTION_BYTES, "The question is")
        try:
            question = json.loads(body or b"null")
        except (ValueError, RecursionError) as error:
            raise PageRefusedError(HTTPStatus.BAD_REQUEST, "RequestError", "The question is not JSON.") from error
        return await self.asked(request.method, f"{path}?{request.url.query}", question)

    async def asked(self, method: str, path: str, body: Any = None) -> Response:
        """The API's answer to one request, for a page.

        Its status goes into the body: to a page a refusal is an answer, not a failure to load something.
        """
        status, answer = await self.ask(method, path, body)
        return JSONResponse({"status": status, "answer": answer})

    async def asked_about(self, bucket: str, key: str, content: bytes, path: str, body: Any) -> Response:
        """As `asked` by POST, about something that is put first; it is not kept when nothing was created from it."""
        await self.put(bucket, key, content)
        status, answer = await self.ask("POST", path, body)
        if status not in {HTTPStatus.CREATED, HTTPStatus.ACCEPTED}:
            await self.delete(bucket, key)
        return JSONResponse({"status": status, "answer": answer})

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of the API's answer to one request; `path` is below the stage."""
        credentials = {
            "grant_type": "client_credentials",
            "client_id": self.stack.client_id,
            "client_secret": self.stack.client_secret,
            "scope": f"{READ} {WRITE} {ADMIN}",
        }
        async with httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S, trust_env=False) as client:
            granted = (await client.post(self.stack.token_url, data=credentials)).raise_for_status().json()
            headers = {"Authorization": f"Bearer {granted['access_token']}"}
            answer = await client.request(method, f"{self.stack.api_url}{path}", json=body, headers=headers)
        return answer.status_code, answer.json()
