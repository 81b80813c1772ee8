"""The page for people and the few addresses that it needs; for this machine and this page only."""

import math
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message

from face_validation.client.errors import FaceValidationError
from face_validation.client.image_preparation import MAX_FILE_BYTES, prepare
from face_validation.client.reasons import texts
from face_validation.local.gateway.api_gateway import read_body
from face_validation.local.samples.questions import IMAGES, SAMPLES, sample_jpeg
from face_validation.local.stack_info import StackInfo
from face_validation_function.routes import RESOURCE_SERVER

FOLDER = Path(__file__).parent / "page"
MODULES = ("page", "words", "pictures", "camera", "boxes", "developers", "intake", "samples")
FILES = ("page.css", "icon.svg", *(f"{name}.js" for name in MODULES))
MAX_IMAGE_BYTES = 15 * 1024 * 1024
MAX_UPLOAD_BYTES = 2 * MAX_IMAGE_BYTES + 64 * 1024
ANSWER_TIMEOUT_S = 120.0
# The pictures of a type, where it does not take both.
SIDES_OF = {"ID_IN_FACE": ("target",)}

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

Endpoint = Callable[[Request], Awaitable[Response]]


class PageRoutes:
    """The page, its samples, and one address that puts two photographs into the buckets and asks the API about them.

    That address holds the client's credentials, so it takes only what the page itself sends: another site that the
    browser has open must not use it, not even under a name that resolves to this machine.
    """

    def __init__(self, stack: StackInfo, s3: Any) -> None:
        self._stack, self._s3 = stack, s3
        port = urlsplit(stack.api_url).port
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._http = httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S, trust_env=False)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    def routes(self) -> list[Route]:
        """The addresses, to be mounted at the root."""
        files = {f"/page/{name}": FOLDER / name for name in FILES} | {"/": FOLDER / "index.html"}
        return [
            *(Route(path, self._guarded(partial(_file, file))) for path, file in files.items()),
            Route("/page/reasons.json", self._guarded(_reasons)),
            Route("/page/samples", self._guarded(_samples)),
            Route("/page/samples/{name}.jpg", self._guarded(_sample)),
            Route("/page/preparation", self._guarded(_prepared), methods=["POST"]),
            Route("/page/validation", self._guarded(self._validate), methods=["POST"]),
        ]

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            if not self._is_ours(request):
                response: Response = _error(
                    HTTPStatus.FORBIDDEN, "ForbiddenError", "Only this stack's own page may ask this."
                )
            else:
                response = await endpoint(request)
            response.headers.update(SECURITY_HEADERS)
            return response

        return guarded

    def _is_ours(self, request: Request) -> bool:
        if request.headers.get("host") not in self._hosts:
            return False
        if request.method in {"GET", "HEAD"}:
            return True
        return request.headers.get("origin") == f"http://{request.headers['host']}"

    async def _validate(self, request: Request) -> Response:
        body = await read_body(request, MAX_UPLOAD_BYTES)
        if body is None:
            message = f"Both pictures together are larger than {MAX_UPLOAD_BYTES // 2**20} MB."
            return _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeError", message)
        try:
            files, question = await _form(request, body)
        except (HTTPException, KeyError, ValueError) as error:
            return _error(HTTPStatus.BAD_REQUEST, "RequestError", f"The form is not what the page sends: {error!s}")
        key = f"page/{uuid.uuid4()}"
        buckets = {"source": self._stack.source_bucket, "target": self._stack.target_bucket}
        buckets = {side: bucket for side, bucket in buckets.items() if side in files}
        try:
            for side, bucket in buckets.items():
                await run_in_threadpool(self._s3.put_object, Bucket=bucket, Key=key, Body=files[side])
            return await self._ask({**{f"{side}_path": key for side in files}, **question})
        finally:
            # Somebody's photographs: they are not kept longer than the answer takes.
            for bucket in buckets.values():
                await run_in_threadpool(self._s3.delete_object, Bucket=bucket, Key=key)

    async def _ask(self, question: dict[str, Any]) -> Response:
        """The API's own answer to a client that does what every client does: get a token, then POST.

        Its status goes into the body: to the page a refusal is an answer, not a failure to load something.
        """
        credentials = {
            "grant_type": "client_credentials",
            "client_id": self._stack.client_id,
            "client_secret": self._stack.client_secret,
            "scope": f"{RESOURCE_SERVER}/write",
        }
        granted = (await self._http.post(self._stack.token_url, data=credentials)).raise_for_status().json()
        answer = await self._http.post(
            f"{self._stack.api_url}/validation",
            json=question,
            headers={"Authorization": f"Bearer {granted['access_token']}"},
        )
        return JSONResponse({"status": answer.status_code, "answer": answer.json()})


async def _prepared(request: Request) -> Response:
    """The JPG of a file that the browser cannot decode: HEIC, PDF, TIFF."""
    body = await read_body(request, MAX_FILE_BYTES)
    if body is None:
        details = f"The file is larger than {MAX_FILE_BYTES // 2**20} MB."
        return _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeError", details)
    try:
        prepared = await run_in_threadpool(prepare, body, name=request.query_params.get("name") or "The file")
    except FaceValidationError as error:
        # To the page a refusal is an answer, not a failure to load something.
        return JSONResponse({"error": {"code": error.code, "message": error.message, "details": error.details}})
    return Response(prepared.content, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


async def _file(path: Path, request: Request) -> Response:
    del request
    return FileResponse(path, headers={"Cache-Control": "no-cache"})


async def _reasons(request: Request) -> Response:
    """The client's words for every reason, in each language."""
    del request
    return JSONResponse(texts())


async def _samples(request: Request) -> Response:
    del request
    return JSONResponse(
        [{"name": s.name, "title": s.title, "type": s.type, "source": s.source, "target": s.target} for s in SAMPLES]
    )


async def _sample(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in IMAGES:
        return _error(HTTPStatus.NOT_FOUND, "RequestError", f"There is no sample of the name {name}.")
    return Response(await run_in_threadpool(sample_jpeg, name), media_type="image/jpeg")


async def _form(request: Request, body: bytes) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The two pictures by side, and the question about them."""

    async def whole_body() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async with Request(request.scope, whole_body).form(max_files=2, max_fields=2) as form:
        kind = str(form["type"])
        files = {side: await _uploaded(form, side) for side in SIDES_OF.get(kind, ("source", "target"))}
        threshold = float(str(form["threshold"]))
        if not math.isfinite(threshold):
            raise ValueError(f"the threshold is {threshold}.")
        question = {"type": kind, "threshold": threshold, "include": ["boxes", "reasons"]}
    return files, question


async def _uploaded(form: FormData, side: str) -> bytes:
    file = form[side]
    if not isinstance(file, UploadFile):
        raise ValueError(f"{side} is not a file.")  # noqa: TRY004 - the sender's mistake, answered like a wrong threshold
    return await file.read()


def _error(status: HTTPStatus, code: str, details: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": status.phrase + ".", "details": details}}, status)
