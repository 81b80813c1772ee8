"""Where tests tell the server what to answer: errors on order, and declared answers."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rekognition_local.protocol.wire import ServiceError, read_json, service_model
from rekognition_local.server.answers import Answers, DeclarationError
from rekognition_local.server.bodies import read_body
from rekognition_local.server.connections import LOCAL_NAMES
from rekognition_local.server.reach import Reach

MOST_TIMES = 10_000
NO_CONTENT, BAD_REQUEST, FORBIDDEN, UNSUPPORTED = 204, 400, 403, 415


class Faults:
    """Errors that the next operations will answer, first ordered first, as AWS does when it is overloaded or down.

    Safe under threads.
    """

    def __init__(self) -> None:
        self._ordered: deque[tuple[str | None, ServiceError]] = deque()
        self._lock = threading.Lock()

    def order(self, error: str, operation: str | None = None, times: int = 1) -> None:
        """Answer the next `times` calls of an operation (None: of any) with an error of the model.

        Raises:
            KeyError: the model has no such error.
            ValueError: the model has no such operation, or `times` is not from 1 to MOST_TIMES.
        """
        if operation is not None and operation not in service_model().operation_names:
            raise ValueError(f"operation is {operation!r:.100}: Rekognition has none of that name.")
        if type(times) is not int or not 1 <= times <= MOST_TIMES:
            raise ValueError(f"times is {times!r:.100}: it must be a whole number from 1 to {MOST_TIMES}.")
        fault = ServiceError(error, f"{error}, as ordered.")
        with self._lock:
            self._ordered.extend([(operation, fault)] * times)

    def clear(self) -> None:
        """Forget what was ordered."""
        with self._lock:
            self._ordered.clear()

    def raise_for(self, operation: str) -> None:
        """Raise the first error that was ordered for this operation, once.

        Raises:
            ServiceError: if there is one.
        """
        with self._lock:
            for order in self._ordered:
                if order[0] in {None, operation}:
                    self._ordered.remove(order)
                    raise order[1]


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
