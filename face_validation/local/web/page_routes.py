"""The pages about a validation, about people and about bulk jobs, each with the addresses that it asks."""

import math
import uuid
from dataclasses import asdict
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any

from botocore.exceptions import ClientError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message

from face_validation.client.errors import FaceValidationError, texts
from face_validation.client.image_preparation import MAX_FILE_BYTES, prepare
from face_validation.local.samples.questions import IMAGES, SAMPLES, sample_jpeg
from face_validation.local.web.own_site import OwnSite, PageRefusedError, StackApi, body_within
from face_validation_function.exceptions import exceptions as service
from face_validation_function.faces import BoundingBox
from face_validation_function.utils.image_processing import FACE_MARGIN, crop_pixels, cut, open_upright

MAX_IMAGE_BYTES = 15 * 1024 * 1024
MAX_UPLOAD_BYTES = 2 * MAX_IMAGE_BYTES + 64 * 1024
# The pictures of a type, where it does not take both.
SIDES_OF = {"ID_IN_FACE": ("target",)}
THUMBNAIL_PX = 192
MOST_FACES = 50  # the most that a search takes; here they cost nothing
MAX_JOB_FILE_BYTES = 64 * 1024 * 1024
_ADVICE = " Larger manifests: face-validation jobs submit."


class PageRoutes:
    """The page, its samples, and one address that puts two photographs into the buckets and asks the API about them."""

    def __init__(self, api: StackApi, site: OwnSite) -> None:
        self._api, self._site = api, site

    def routes(self) -> list[Route]:
        """The addresses, to be mounted at the root."""
        route = self._site.route
        return [
            self._site.page("/", "index.html"),
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
    return JSONResponse([asdict(sample) for sample in SAMPLES])


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


class PeopleRoutes:
    """The page at `/people`, and the addresses that it asks."""

    def __init__(self, api: StackApi, site: OwnSite) -> None:
        self._api, self._site = api, site

    def routes(self) -> list[Route]:
        """The addresses, to be mounted at the root."""
        route = self._site.route
        return [
            self._site.page("/people", "people.html"),
            route("/page/faces", self._api.passed_on),
            route("/page/people", self._enrol, "POST"),
            route("/page/people/{full_name:path}", self._api.passed_on, "GET", "DELETE"),
            route("/page/renames", self._api.passed_on, "POST"),
            route("/page/search", self._search, "POST"),
            route("/page/verification", self._verify, "POST"),
            route("/page/thumbnail", self._thumbnail),
        ]

    async def _enrol(self, request: Request) -> Response:
        """Put the photo and enrol its face; a photo that is refused is not kept."""
        photo = await body_within(request, MAX_IMAGE_BYTES)
        bucket, key = self._api.stack.faces_bucket, f"photos/{uuid.uuid4()}.jpg"
        body = {"image_path": key, "full_name": request.query_params.get("full_name", "")}
        return await self._api.asked_about(bucket, key, photo, "/faces", body)

    async def _search(self, request: Request) -> Response:
        photo = await body_within(request, MAX_IMAGE_BYTES)
        async with self._api.held({self._api.stack.target_bucket: photo}) as key:
            everybody = {"faces": "all", "max_searched": MOST_FACES} if "everybody" in request.query_params else {}
            return await self._api.asked("POST", "/search", {"image_path": key, **everybody})

    async def _verify(self, request: Request) -> Response:
        photo = await body_within(request, MAX_IMAGE_BYTES)
        async with self._api.held({self._api.stack.target_bucket: photo}) as key:
            body = {"image_path": key, "full_name": request.query_params.get("full_name", "")}
            return await self._api.asked("POST", "/verification", body)

    async def _thumbnail(self, request: Request) -> Response:
        """The face of an enrolled photo: `path` is its key, `box` four ratios: left, top, width, height."""
        asked = request.query_params
        try:
            box = BoundingBox(*map(float, asked.get("box", "").split(",")))
            content = await run_in_threadpool(self._face, asked.get("path") or "-", box)
        except (TypeError, ValueError, ClientError, service.FaceValidationError) as error:
            details = f"There is no such face: {error}"
            raise PageRefusedError(HTTPStatus.NOT_FOUND, "ImageValidationError", details) from error
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    def _face(self, key: str, box: BoundingBox) -> bytes:
        """A small JPG of a face with its hair and chin."""
        photo = self._api.s3.get_object(Bucket=self._api.stack.faces_bucket, Key=key)["Body"].read()
        image = open_upright(photo)
        face = cut(image, crop_pixels(box, *image.pixels.size, FACE_MARGIN))
        return prepare(face, longest_side=THUMBNAIL_PX).content


class JobsRoutes:
    """The page at `/jobs`, and the addresses that it asks."""

    def __init__(self, api: StackApi, site: OwnSite) -> None:
        self._api, self._site, stack = api, site, api.stack
        # Where the pictures of a kind of request are looked for.
        self._buckets = {
            "validation": (stack.source_bucket, stack.target_bucket),
            "enrolment": (stack.faces_bucket,),
            "search": (stack.target_bucket,),
        }

    def routes(self) -> list[Route]:
        """The addresses, to be mounted at the root."""
        route = self._site.route
        return [
            self._site.page("/jobs", "jobs.html"),
            route("/page/jobs", self._api.passed_on),
            route("/page/jobs", self._submitted, "POST"),
            route("/page/jobs/pictures", self._picture, "POST"),
            route("/page/jobs/{job_id}", self._api.passed_on, "DELETE"),
            route("/page/jobs/{job_id}/redrive", self._api.passed_on, "POST"),
            route("/page/jobs/{job_id}/results", self._results),
        ]

    async def _picture(self, request: Request) -> Response:
        """Put a picture where a job of this `kind` looks for it, under its `path`."""
        picture = await body_within(request, MAX_JOB_FILE_BYTES, "The file is", _ADVICE)
        for bucket in self._buckets.get(request.query_params.get("kind", ""), ()):
            await self._api.put(bucket, request.query_params.get("path") or "-", picture)
        return JSONResponse({})

    async def _submitted(self, request: Request) -> Response:
        """Put the manifest into the source bucket and create its job; one that is refused is not kept."""
        manifest = await body_within(request, MAX_JOB_FILE_BYTES, "The file is", _ADVICE)
        ending = PurePosixPath(request.query_params.get("name", "")).suffix.lower()
        bucket, key = self._api.stack.source_bucket, f"jobs/{uuid.uuid4()}{ending}"
        body = {"kind": request.query_params.get("kind"), "manifest_path": key}
        return await self._api.asked_about(bucket, key, manifest, "/jobs", body)

    async def _results(self, request: Request) -> Response:
        job_id = request.path_params["job_id"]
        status, answer = await self._api.ask("GET", f"/jobs/{job_id}/results")
        if status != HTTPStatus.OK:
            return JSONResponse(answer, status)
        headers = {"Content-Disposition": f'attachment; filename="results-{job_id}.jsonl"'}
        return StreamingResponse(self._api.download(answer["url"]), headers=headers, media_type="application/jsonl")
