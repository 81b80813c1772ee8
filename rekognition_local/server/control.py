"""Where tests tell the server what to answer: errors on order, and declared answers."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rekognition_local.protocol.wire import ServiceError, read_json
from rekognition_local.server.answers import Answers, DeclarationError
from rekognition_local.server.bodies import read_body
from rekognition_local.server.connections import LOCAL_NAMES
from rekognition_local.server.faults import Faults
from rekognition_local.server.reach import Reach

NO_CONTENT, BAD_REQUEST, FORBIDDEN, UNSUPPORTED = 204, 400, 403, 415


def control_routes(faults: Faults | None, answers: Answers | None, reach: Reach) -> list[Route]:
    """`/faults` and `/answers`, those that are open: POST tells, DELETE takes back."""
    routes = []
    if faults is not None:
        routes.append(control_route("/faults", lambda document: faults.order(**document), faults.clear, reach))
    if answers is not None:
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
