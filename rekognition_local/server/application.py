"""The HTTP server: Rekognition's operations at `/`, its health at `/healthz`."""

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from time import perf_counter
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rekognition_local.operations.liveness import get_face_liveness_session_results
from rekognition_local.operations.registry import OPERATIONS
from rekognition_local.operations.service import Service
from rekognition_local.protocol.validation import read_request
from rekognition_local.protocol.wire import CONTENT_TYPE, ServiceError, operation_of, read_json, region_of, write_json
from rekognition_local.server.answers import Answers
from rekognition_local.server.control import RESULTS, control_routes
from rekognition_local.server.reach import Reach, read_body
from rekognition_local.storage.storage_errors import StorageError

logger = logging.getLogger("rekognition_local")


def application(
    service: Service,
    latency_ms: float = 0.0,
    threads: int | None = None,
    faults: Answers | None = None,
    answers: Answers | None = None,
    reach: Reach | None = None,
) -> Starlette:
    """The ASGI application.

    `latency_ms` is added to every operation and holds no thread; `threads` operations are worked on at once, by default
    one for each core. `faults` opens `POST /faults` {"error": NAME, "operation"?: NAME, "times"?: N} and its DELETE,
    `answers` those of `/answers`; outcomes of liveness sessions can always be declared, at `/liveness`.
    """
    reach = Reach() if reach is None else reach
    declared = Answers() if answers is None else answers
    told = [declared] if faults is None else [faults, declared]
    pool = ThreadPoolExecutor(os.cpu_count() if threads is None else threads, thread_name_prefix="operation")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=True, cancel_futures=True)

    async def operate(request: Request) -> Response:
        request_id, started = str(uuid.uuid4()), perf_counter()
        target, signature = request.headers.get("x-amz-target"), request.headers.get("authorization")
        refused, content = None, b""
        try:
            body = await read_body(request)
            await asyncio.sleep(latency_ms / 1000)
            asked = replace(service, gallery=service.gallery.in_region(region_of(signature)))
            content = await asyncio.get_running_loop().run_in_executor(pool, answer, asked, target, body, told)
        except ServiceError as error:
            refused = error
        except asyncio.CancelledError:  # the server stops and has waited long enough
            refused = ServiceError("InternalServerError", "The server is stopping.")
        status, outcome = 200, ""
        if refused is not None:
            status, content = int(refused.status), refused.body()
            outcome = f"{refused.code} ({refused.__cause__})" if refused.__cause__ else refused.code
        duration_ms = round((perf_counter() - started) * 1000, 1)
        logger.info("%s %s %s %s ms %s", request_id, str(target)[:80], status, duration_ms, outcome)
        return Response(content, status, {"x-amzn-RequestId": request_id}, CONTENT_TYPE)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "healthy", "model_loaded": True})

    control = control_routes(service.liveness, declared, faults=faults, is_open=answers is not None, reach=reach)
    return Starlette(
        routes=[Route("/", operate, methods=["POST"]), Route("/healthz", health, methods=["GET"]), *control],
        middleware=reach.middleware(),
        exception_handlers={HTTPException: _refusal},
        lifespan=lifespan,
    )


async def _refusal(request: Request, error: Any) -> Response:
    """Requests that are not operations are answered in the form of the service's errors."""
    refused = ServiceError(
        "UnknownOperationException",
        f"{request.method} {request.url.path:.200} is not answered: operations are POST / with X-Amz-Target.",
    )
    return Response(refused.body(), error.status_code, error.headers, CONTENT_TYPE)


def answer(service: Service, target: str | None, body: bytes, told: Sequence[Answers] = ()) -> bytes:
    """The reply's JSON to one request, or a ServiceError: InternalServerError for what we did not foresee."""
    operation = operation_of(target)
    is_built = operation.name in OPERATIONS
    if not is_built and not any(answers.declares(operation.name) for answers in told):
        raise _not_built(operation.name)
    request = read_request(operation, read_json(body))
    found = (answers.find(operation.name, request, service.images.digest) for answers in told)
    declared = next((reply for reply in found if reply is not None), None)
    if declared is None and not is_built:
        raise _not_built(operation.name)
    try:
        reply: Mapping[str, Any]
        if declared is None:
            reply = OPERATIONS[operation.name](service, request)
        elif operation.name == RESULTS:  # declared is what happened outside of the server
            reply = get_face_liveness_session_results(service, request, declared)
        else:
            reply = declared
        return write_json(operation.output_shape, reply)
    except ServiceError:
        raise
    except StorageError as error:  # a full disk is not a bug: the log gets its reason, without a traceback
        logger.error("%s is refused: %s", operation.name, error)  # noqa: TRY400 - expected, so without a traceback
        raise ServiceError(
            "InternalServerError", "The collections cannot be used; the server's log says why."
        ) from error
    except Exception as error:  # the server's last line: callers get the service's own error, the log gets the reason
        logger.exception("%s failed", operation.name)
        raise ServiceError("InternalServerError", "Internal server error") from error


def _not_built(name: str) -> ServiceError:
    built = ", ".join(sorted(OPERATIONS))
    return ServiceError(
        "NotImplementedException",
        f"{name} has no model in this server. Declare its answers with --answers, or use one of: {built}.",
    )
