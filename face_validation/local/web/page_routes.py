"""The page for people and the few addresses that it needs; for this machine and this page only."""

import math
from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message

from face_validation.client.errors import FaceValidationError, texts
from face_validation.client.image_preparation import MAX_FILE_BYTES, prepare
from face_validation.local.samples.questions import IMAGES, SAMPLES, sample_jpeg
from face_validation.local.web.own_site import OwnSite, PageRefusedError, StackApi, body_within

MODULES = ("page", "language", "words", "question", "verdict", "pictures", "camera", "boxes", "developers", "intake")
FILES = ("page.css", "icon.svg", "samples.js", "numbers.js", *(f"{name}.js" for name in MODULES))
MAX_IMAGE_BYTES = 15 * 1024 * 1024
MAX_UPLOAD_BYTES = 2 * MAX_IMAGE_BYTES + 64 * 1024
# The pictures of a type, where it does not take both.
SIDES_OF = {"ID_IN_FACE": ("target",)}


class PageRoutes:
    """The page, its samples, and one address that puts two photographs into the buckets and asks the API about them."""

    def __init__(self, api: StackApi, site: OwnSite) -> None:
        self._api, self._site = api, site

    def routes(self) -> list[Route]:
        """The addresses, to be mounted at the root."""
        route = self._site.route
        return [
            *self._site.page("/", "index.html", FILES),
            route("/page/reasons.json", _reasons),
            route("/page/samples", _samples),
            route("/page/samples/{name}.jpg", _sample),
            route("/page/preparation", _prepared, "POST"),
            route("/page/validation", self._validate, "POST"),
        ]

    async def _validate(self, request: Request) -> Response:
        body = await body_within(request, MAX_UPLOAD_BYTES, "Both pictures together are")
        try:
            files, question = await _form(request, body)
        except (HTTPException, KeyError, ValueError) as error:
            details = f"The form is not what the page sends: {error!s}"
            raise PageRefusedError(HTTPStatus.BAD_REQUEST, "RequestError", details) from error
        buckets = {"source": self._api.stack.source_bucket, "target": self._api.stack.target_bucket}
        async with self._api.held({buckets[side]: file for side, file in files.items()}) as key:
            paths = {f"{side}_path": key for side in files}
            return await self._api.asked("POST", "/validation", {**paths, **question})


async def _prepared(request: Request) -> Response:
    """The JPG of a file that the browser cannot decode: HEIC, PDF, TIFF."""
    body = await body_within(request, MAX_FILE_BYTES, "The file is")
    try:
        prepared = await run_in_threadpool(prepare, body, name=request.query_params.get("name") or "The file")
    except FaceValidationError as error:
        # To the page a refusal is an answer, not a failure to load something.
        return JSONResponse({"error": {"code": error.code, "message": error.message, "details": error.details}})
    return Response(prepared.content, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


async def _reasons(_: Request) -> Response:
    """The client's words for every reason, in each language."""
    return JSONResponse(texts())


async def _samples(_: Request) -> Response:
    return JSONResponse(
        [{"name": s.name, "title": s.title, "type": s.type, "source": s.source, "target": s.target} for s in SAMPLES]
    )


async def _sample(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in IMAGES:
        raise PageRefusedError(HTTPStatus.NOT_FOUND, "RequestError", f"There is no sample of the name {name}.")
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
    if isinstance(file, UploadFile):
        return await file.read()
    raise ValueError(f"{side} is not a file.")
