"""The HTTP answers of the verifier: POST /verify and GET /healthz."""

import asyncio
import hmac
import json
import logging
import re
import time
import uuid
from collections.abc import AsyncGenerator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from person_verifier.errors import NoFaceError
from person_verifier.serving.settings import ServerSettings
from person_verifier.serving.verifier import Verdict, Verifier
from rekognition_local.engine import images
from rekognition_local.server.reach import Reach

# Room for the multipart boundaries and headers around an image of the largest size.
MULTIPART_BYTES = 16 * 1024
# Uploads over this size, or of unknown size, have few places: otherwise 16 of 15 MB could come at once.
SMALL_UPLOAD_BYTES = 3 * 2**20
LARGE_AT_ONCE = 3
REQUEST_ID = re.compile(r"[A-Za-z0-9_\-]{1,64}")
METHODS = {"/verify": ("POST",), "/healthz": ("GET", "HEAD")}
ERRORS: dict[type[Exception], str] = {
    images.InvalidImageFormatError: "not_an_image",
    images.ImageTooLargeError: "too_many_pixels",
    images.ImageTooSmallError: "too_few_pixels",
    NoFaceError: "no_face",
    MultiPartException: "bad_request",
    ClientDisconnect: "bad_request",
}
# One entry of an Accept-Language header: the language without its country, and its weight.
_LANGUAGE = re.compile(r"([a-z]+|\*)[\w-]*\s*(?:;\s*q=(\d(?:\.\d*)?)\s*)?(?:,|$)")

log = logging.getLogger("person_verifier")


class Refusal(Exception):  # noqa: N818 - an answer to the caller, not an error of the program
    """An answer other than 200, by its name in `messages.json`; `values` fill in its sentence."""

    def __init__(self, name: str, **values: str) -> None:
        super().__init__(name)
        self.name, self.values = name, values


class Application:
    """The ASGI application. `judge` is None where there is no usable model: /verify and /healthz answer 503.

    Beyond `settings.threads` uploads of up to 3 MB in memory, and three larger ones, further ones wait in the network.
    """

    def __init__(self, judge: Verifier | None, settings: ServerSettings) -> None:
        self._judge, self._max_bytes, self._token = judge, settings.max_bytes, settings.token
        self._reach, at_once = Reach(names=settings.hosts), settings.threads
        self._small, self._large = asyncio.Semaphore(at_once), asyncio.Semaphore(min(at_once, LARGE_AT_ONCE))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; log one line of its status, sizes, score and duration, never the image."""
        request, began = Request(scope, receive), time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        facts: dict[str, Any] = {}
        try:
            response = await self._answer(request, facts, began)
        except Refusal as refusal:
            response = _refused(request, refusal, facts)
        except Exception as error:  # the last line of defence: what is not known is answered without detail
            if type(error) not in ERRORS:
                log.exception("failed")
            response = _refused(request, Refusal(ERRORS.get(type(error), "failed")), facts)
        response.headers["X-Request-Id"] = request_id
        response.headers["Cache-Control"] = "no-store"
        if request.url.path != "/healthz":
            line = {"request_id": request_id, "path": request.url.path[:80], "status": response.status_code}
            log.info("answered", extra={"facts": {**line, "ms": _milliseconds(began), **facts}})
        await response(scope, receive, send)

    async def _answer(self, request: Request, facts: dict[str, Any], began: float) -> Response:
        if not self._reach.admits(request.headers.get("Host", "localhost")):
            raise Refusal("foreign_host")
        path = request.url.path
        if path not in METHODS:
            raise Refusal("not_found")
        if request.method not in METHODS[path]:
            raise Refusal("method_not_allowed")
        if path == "/healthz":
            is_loaded = self._judge is not None
            status = HTTPStatus.OK if is_loaded else HTTPStatus.SERVICE_UNAVAILABLE
            return JSONResponse({"status": "healthy" if is_loaded else "unhealthy", "model_loaded": is_loaded}, status)
        self._require_token(request)
        if self._judge is None:
            raise Refusal("no_model")
        size = int(request.headers.get("Content-Length", self._max_bytes))
        async with self._small if size <= SMALL_UPLOAD_BYTES else self._large:
            image = await self._uploaded(request)
            facts["bytes"] = len(image)
            verdict = await run_in_threadpool(_judged, self._judge, image)
        if isinstance(verdict, str):
            raise Refusal(verdict)
        said = {"is_me": verdict.is_me, "score": round(verdict.score, 4)}
        facts.update(said)
        rest = {"threshold": verdict.threshold, "timing_ms": _milliseconds(began)}
        return JSONResponse({"model_version": self._judge.model_version, **said, **rest})

    def _require_token(self, request: Request) -> None:
        """Refuse a request without the bearer token, in a time that says nothing of it."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self._token.encode())
        if self._token and not (scheme.lower() == "bearer" and same):
            raise Refusal("unauthorized")

    async def _uploaded(self, request: Request) -> bytes:
        """The bytes of the multipart field `image`, which never touch the disk."""
        too_large = Refusal("too_many_bytes", size=f"{self._max_bytes / 2**20:.3g} MB")
        most = self._max_bytes + MULTIPART_BYTES

        async def bounded() -> AsyncGenerator[bytes, None]:
            taken = 0
            async for part in request.stream():
                taken += len(part)
                if taken > most:
                    raise too_large
                yield part

        if int(request.headers.get("Content-Length", 0)) > most:
            raise too_large
        if not request.headers.get("Content-Type", "").lower().startswith("multipart/form-data"):
            raise Refusal("no_file")
        parser = MultiPartParser(request.headers, bounded())
        parser.spool_max_size = 0  # no size is too large for memory: it is bounded here
        form = await parser.parse()
        upload = form.get("image")
        image = await upload.read() if isinstance(upload, UploadFile) else b""
        await form.close()
        if not image:
            raise Refusal("no_file")
        if len(image) > self._max_bytes:
            raise too_large
        return image


def _judged(judge: Verifier, image: bytes) -> Verdict | str:
    """The verdict, or the name of the refusal.

    An exception that left the thread would keep the image and its pixels until the collector comes by: the future that
    carries it and its traceback refer to each other.
    """
    try:
        return judge.judge(image)
    except tuple(ERRORS) as error:
        return ERRORS[type(error)]


def _refused(request: Request, refusal: Refusal, facts: dict[str, Any]) -> Response:
    """`{"error": "..."}` in the caller's language."""
    said = _messages()[refusal.name]
    english, spanish = (said[language].format(**refusal.values) for language in ("english", "spanish"))
    facts["refused"] = english
    is_spanish = prefers_spanish(request.headers.get("Accept-Language", ""))
    headers = {"Content-Language": "es" if is_spanish else "en", "Vary": "Accept-Language"}
    if refusal.name == "unauthorized":
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.name == "method_not_allowed":
        headers["Allow"] = ", ".join(METHODS[request.url.path])
    return JSONResponse({"error": spanish if is_spanish else english}, said["status"], headers)


@cache
def _messages() -> dict[str, dict[str, Any]]:
    messages: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("messages.json").read_text("utf-8"))
    return messages


def prefers_spanish(accepted: str) -> bool:
    """Whether an Accept-Language header ranks Spanish, of any country, above English; `*` stands for English."""
    wanted = [(language, float(weight or 1)) for language, weight in _LANGUAGE.findall(accepted.lower())]
    known = [one for one in wanted if one[0] in {"es", "en", "*"} and one[1] > 0]
    # Of equal weights, the language named first is preferred: RFC 9110 leaves it open, browsers list it so.
    return max(known, key=lambda one: one[1], default=("en", 1.0))[0] == "es"


def _milliseconds(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
