"""The page about bulk jobs: send a manifest with its pictures, see how far each job is, stop it, get its results."""

import uuid
from http import HTTPStatus
from pathlib import PurePosixPath

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from face_validation.local.web.own_site import OwnSite, StackApi, body_within

FILES = ("jobs.css", "jobs.js", "jobs_words.js")
MAX_FILE_BYTES = 64 * 1024 * 1024
_ADVICE = " Larger manifests: face-validation jobs submit."


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
            *self._site.page("/jobs", "jobs.html", FILES),
            route("/page/jobs", self._passed_on),
            route("/page/jobs", self._submitted, "POST"),
            route("/page/jobs/pictures", self._picture, "POST"),
            route("/page/jobs/{job_id}", self._passed_on, "DELETE"),
            route("/page/jobs/{job_id}/redrive", self._passed_on, "POST"),
            route("/page/jobs/{job_id}/results", self._results),
        ]

    async def _passed_on(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        return await self._api.asked(request.method, request.url.path.removeprefix("/page") + query)

    async def _picture(self, request: Request) -> Response:
        """Put a picture where a job of this `kind` looks for it, under its `path`."""
        picture = await body_within(request, MAX_FILE_BYTES, "The file is", _ADVICE)
        for bucket in self._buckets.get(request.query_params.get("kind", ""), ()):
            await self._api.put(bucket, request.query_params.get("path") or "-", picture)
        return JSONResponse({})

    async def _submitted(self, request: Request) -> Response:
        """Put the manifest into the source bucket and create its job; one that is refused is not kept."""
        manifest = await body_within(request, MAX_FILE_BYTES, "The file is", _ADVICE)
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
