"""Where tests and developers tell the server what to answer: `/faults`, `/answers`, `/liveness`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from rekognition_local.operations.liveness_sessions import LivenessSessions
from rekognition_local.protocol.wire import ServiceError, read_json
from rekognition_local.server.answers import Answers, DeclarationError
from rekognition_local.server.connections import LOCAL_NAMES
from rekognition_local.server.reach import Reach, read_body

NO_CONTENT, BAD_REQUEST, FORBIDDEN, UNSUPPORTED = 204, 400, 403, 415
RESULTS = "GetFaceLivenessSessionResults"
_PAGE = Path(__file__).with_name("liveness.html")
# The page is shown by no other page, and loads and asks nothing but this server.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'"
}


def control_routes(
    sessions: LivenessSessions, answers: Answers, *, faults: Answers | None, is_open: bool, reach: Reach
) -> list[Route]:
    """`/liveness`, its page, and where it is open for `answers` and `faults`: POST tells, DELETE takes back."""

    def declare(document: Any) -> None:
        session_id = document["SessionId"]
        still_open = sessions.open_ids()
        if session_id not in still_open:
            raise DeclarationError(f"There is no open session {session_id!r:.80}: sessions end after three minutes.")
        # A declared answer like any other.
        answers.declare({"answers": [{"operation": RESULTS, "request": {"SessionId": session_id}, "answer": document}]})
        answers.withdraw(RESULTS, lambda asked: "SessionId" in asked and asked["SessionId"] not in still_open)

    async def page(_: Request) -> Response:
        return FileResponse(_PAGE, headers=_HEADERS)

    routes = [
        Route("/liveness", page, methods=["GET"]),
        control_route("/liveness", declare, lambda: answers.withdraw(RESULTS, lambda _: True), reach),
    ]
    if faults is not None:
        routes.append(control_route("/faults", lambda document: faults.order(**document), faults.reset, reach))
    if is_open:
        routes.append(control_route("/answers", answers.declare, answers.reset, reach))
    return routes


def control_route(path: str, tell: Callable[[Any], None], take_back: Callable[[], None], reach: Reach) -> Route:
    """A route of this machine's programs and pages alone: `tell` gets a POST's JSON, DELETE calls `take_back`."""

    async def control(request: Request) -> Response:
        if not reach.is_this_machine:
            return _refused(FORBIDDEN, f"{path} is closed while the server listens on {reach.host}: others reach it.")
        if not _is_of_this_machine(request.headers.get("origin")):
            return _refused(FORBIDDEN, f"Only programs and pages of this machine may use {path}.")
        if request.method == "DELETE":
            take_back()
            return Response(status_code=NO_CONTENT)
        # A page of another site may send text or a form without asking first, never this media type.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _refused(UNSUPPORTED, "The content type must be application/json.")
        try:
            tell(read_json(await read_body(request)))
        except (DeclarationError, ServiceError) as error:
            return _refused(BAD_REQUEST, str(error))
        except (KeyError, TypeError, ValueError) as error:
            return _refused(BAD_REQUEST, repr(error))
        return Response(status_code=NO_CONTENT)

    return Route(path, control, methods=["POST", "DELETE"])


def _refused(status: int, reason: str) -> Response:
    return JSONResponse({"refused": reason}, status)


def _is_of_this_machine(origin: str | None) -> bool:
    """Whether a page that a browser shows under `origin`, or a program, which sends none, belongs to this machine."""
    try:
        return origin is None or urlsplit(origin).hostname in LOCAL_NAMES
    except ValueError:
        return False
