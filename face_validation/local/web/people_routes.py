"""The page about people: who is enrolled, with their faces; enrol, look for, compare, rename and erase them."""

import uuid
from http import HTTPStatus
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from face_validation.client.image_preparation import prepare
from face_validation.local.web.own_site import OwnSite, PageRefusedError, StackApi, body_within
from face_validation_function.exceptions.exceptions import FaceValidationError
from face_validation_function.faces import BoundingBox
from face_validation_function.utils.image_processing import FACE_MARGIN, crop_pixels, cut, open_upright

FILES = ("people.css", "people.js", "people_details.js", "people_words.js")
MAX_IMAGE_BYTES = 15 * 1024 * 1024
THUMBNAIL_PX = 192
MOST_FACES = 50  # the most that a search takes; here they cost nothing


class PeopleRoutes:
    """The page at `/people`, and the addresses that it asks."""

    def __init__(self, api: StackApi, site: OwnSite) -> None:
        self._api, self._site = api, site

    def routes(self) -> list[Route]:
        """The addresses, to be mounted at the root."""
        route = self._site.route
        return [
            *self._site.page("/people", "people.html", FILES),
            route("/page/people", self._listed),
            route("/page/people", self._enrol, "POST"),
            route("/page/people", self._erase, "DELETE"),
            route("/page/people/{full_name:path}", self._kept),
            route("/page/renames", self._rename, "POST"),
            route("/page/search", self._search, "POST"),
            route("/page/verification", self._verify, "POST"),
            route("/page/thumbnail", self._thumbnail),
        ]

    async def _listed(self, request: Request) -> Response:
        return await self._api.asked("GET", f"/faces?{request.url.query}")

    async def _enrol(self, request: Request) -> Response:
        """Put the photo and enrol its face; a photo that is refused is not kept."""
        photo = await body_within(request, MAX_IMAGE_BYTES)
        bucket, key = self._api.stack.faces_bucket, f"photos/{uuid.uuid4()}.jpg"
        body = {"image_path": key, "full_name": request.query_params.get("full_name", "")}
        return await self._api.asked_about(bucket, key, photo, "/faces", body)

    async def _erase(self, request: Request) -> Response:
        full_name = quote(request.query_params.get("full_name", ""), safe="")
        return await self._api.asked("DELETE", f"/people/{full_name}")

    async def _search(self, request: Request) -> Response:
        photo = await body_within(request, MAX_IMAGE_BYTES)
        async with self._api.held({self._api.stack.target_bucket: photo}) as key:
            everybody = {"faces": "all", "max_searched": MOST_FACES} if "everybody" in request.query_params else {}
            return await self._api.asked("POST", "/search", {"image_path": key, **everybody})

    async def _kept(self, request: Request) -> Response:
        return await self._api.asked("GET", f"/people/{quote(request.path_params['full_name'], safe='')}")

    async def _rename(self, request: Request) -> Response:
        return await self._api.asked("POST", "/renames", dict(request.query_params))

    async def _verify(self, request: Request) -> Response:
        photo = await body_within(request, MAX_IMAGE_BYTES)
        async with self._api.held({self._api.stack.target_bucket: photo}) as key:
            body = {"image_path": key, "full_name": request.query_params.get("full_name", "")}
            return await self._api.asked("POST", "/verification", body)

    async def _thumbnail(self, request: Request) -> Response:
        """The face of an enrolled photo: `path` is its key, `box` four ratios: left, top, width, height."""
        photo = await self._api.image(self._api.stack.faces_bucket, request.query_params.get("path") or "-")
        try:
            box = BoundingBox(*map(float, request.query_params.get("box", "").split(",")))
            content = await run_in_threadpool(_face, photo or b"", box)
        except (TypeError, ValueError, FaceValidationError) as error:
            details = f"There is no such face: {error}"
            raise PageRefusedError(HTTPStatus.NOT_FOUND, "ImageValidationError", details) from error
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _face(photo: bytes, box: BoundingBox) -> bytes:
    """A small JPG of a face with its hair and chin."""
    image = open_upright(photo)
    face = cut(image, crop_pixels(box, *image.pixels.size, FACE_MARGIN))
    return prepare(face, longest_side=THUMBNAIL_PX).content
