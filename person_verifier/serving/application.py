"""The HTTP answers of the verifier: POST /verify and GET /healthz."""

import hmac
import io
import logging
import re
import time
import uuid
from http import HTTPStatus
from typing import IO

from flask import Flask, Request, Response, g, jsonify, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from person_verifier.errors import NoFaceError
from person_verifier.serving import messages
from person_verifier.serving.messages import Message, message
from person_verifier.serving.verifier import Verifier
from rekognition_local.engine import images
from rekognition_local.server.reach import Reach

# Room for the multipart boundaries and headers around an image of the largest size.
MULTIPART_BYTES = 16 * 1024
REQUEST_ID = re.compile(r"[A-Za-z0-9_\-]{1,64}")

REFUSED_IMAGES = {
    images.InvalidImageFormatError: "not_an_image",
    images.ImageTooLargeError: "too_many_pixels",
    images.ImageTooSmallError: "too_few_pixels",
    NoFaceError: "no_face",
}

log = logging.getLogger("person_verifier")


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a failure of ours
    """An answer other than 200."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.english)
        self.message = message


def create_application(
    judge: Verifier | None, max_bytes: int, token: str = "", hosts: frozenset[str] = frozenset()
) -> Flask:
    """The WSGI application.

    Args:
        judge: who answers; None when no usable model is there: /verify and /healthz answer 503.
        max_bytes: largest image taken.
        token: bearer token that /verify asks for; "" asks for none.
        hosts: names by which it may be asked, beside this machine's own and addresses.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_bytes + MULTIPART_BYTES
    app.json = AnswerJson(app)
    app.request_class = InMemoryRequest

    _keep_records(app)

    reach = Reach(names=tuple(hosts))

    @app.before_request
    def know_the_name() -> None:
        if not reach.admits(request.headers.get("Host", "localhost")):
            raise Refusal(message("foreign_host"))

    @app.post("/verify")
    def verify() -> Response:
        require_token(token)
        if judge is None:
            raise Refusal(message("no_model"))
        image = uploaded_image(max_bytes)
        g.facts["bytes"] = len(image)
        verdict = judge.judge(image)
        g.facts.update(is_me=verdict.is_me, score=round(verdict.score, 4))
        return jsonify(
            model_version=judge.model_version,
            is_me=verdict.is_me,
            score=round(verdict.score, 4),
            threshold=verdict.threshold,
            timing_ms=elapsed_ms(),
        )

    @app.get("/healthz")
    def healthz() -> tuple[Response, HTTPStatus]:
        if judge is None:
            return jsonify(status="unhealthy", model_loaded=False), HTTPStatus.SERVICE_UNAVAILABLE
        return jsonify(status="healthy", model_loaded=True), HTTPStatus.OK

    _answer_refusals(app, max_bytes)

    return app


def _keep_records(app: Flask) -> None:
    """One id and one log line for each request: status, sizes, score, duration; never the image."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        g.facts = {}

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["Cache-Control"] = "no-store"
        if request.path != "/healthz":
            facts = {"status": response.status_code, "ms": elapsed_ms(), **g.facts}
            log.info("answered", extra={"facts": {"request_id": g.request_id, "path": request.path[:80], **facts}})
        return response


def _answer_refusals(app: Flask, max_bytes: int) -> None:
    """Every error as `{"error": "..."}` in the caller's language."""

    @app.errorhandler(images.ImageError)
    @app.errorhandler(NoFaceError)
    def image_refused(error: images.ImageError | NoFaceError) -> Response:
        return answer(message(REFUSED_IMAGES[type(error)]))

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return answer(refusal.message)

    @app.errorhandler(RequestEntityTooLarge)
    def too_large(_: RequestEntityTooLarge) -> Response:
        return answer(messages.too_many_bytes(max_bytes))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("failed", exc_info=error.__cause__ or error)
        response = answer(messages.of_status(status))
        for name, value in error.get_headers():
            if name in {"Allow", "Retry-After"}:
                response.headers[name] = value
        return response


class AnswerJson(DefaultJSONProvider):
    """JSON in the order of the contract, with Spanish as it is written."""

    sort_keys = False
    ensure_ascii = False


class InMemoryRequest(Request):
    """A request whose upload never touches the disk: it is bounded by MAX_CONTENT_LENGTH."""

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return io.BytesIO()


def require_token(token: str) -> None:
    """Refuse a request without the bearer token, in a time that says nothing of it.

    Raises:
        Refusal: 401.
    """
    if not token:
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not same:
        raise Refusal(message("unauthorized"))


def uploaded_image(max_bytes: int) -> bytes:
    """The bytes of the multipart field `image`.

    Raises:
        Refusal: 400 without such a file or with an empty one, 413 with a larger one.
    """
    upload = request.files.get("image")
    image = upload.read() if upload is not None else b""
    if not image:
        raise Refusal(message("no_file"))
    if len(image) > max_bytes:
        raise Refusal(messages.too_many_bytes(max_bytes))
    return image


def answer(said: Message) -> Response:
    """A refusal in the caller's language."""
    spanish = messages.prefers_spanish(request.accept_languages)
    g.facts["refused"] = said.english
    response = jsonify(error=said.spanish if spanish else said.english)
    response.status_code = said.status
    response.headers["Content-Language"] = "es" if spanish else "en"
    response.headers["Vary"] = "Accept-Language"
    if said.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def elapsed_ms() -> float:
    """Milliseconds since the request was taken up, rounded to 0.1."""
    return round((time.perf_counter() - float(g.began)) * 1000, 1)
