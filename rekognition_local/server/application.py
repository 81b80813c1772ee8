"""The HTTP server: Rekognition's operations at `/`, its health at `/healthz`."""

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator, Mapping
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

from rekognition_local.operations.registry import COMPLETED, OPERATIONS
from rekognition_local.operations.service import Service
from rekognition_local.protocol.validation import read_request
from rekognition_local.protocol.wire import CONTENT_TYPE, ServiceError, operation_of, read_json, region_of, write_json
from rekognition_local.server.answers import Answers
from rekognition_local.server.bodies import read_body
from rekognition_local.server.control import Faults, control_routes
from rekognition_local.server.liveness import liveness_routes
from rekognition_local.server.reach import Reach
from rekognition_local.storage.storage_errors import StorageError

INTERNAL_SERVER_ERROR = 500

logger = logging.getLogger("rekognition_local")


def application(
    service: Service,
    latency_ms: float = 0.0,
    threads: int | None = None,
    faults: Faults | None = None,
    answers: Answers | None = None,
    reach: Reach | None = None,
) -> Starlette:
    """The ASGI application.

    Args:
        service: what answers.
        latency_ms: time added to every operation, as a distant service would; it holds no thread.
        threads: operations worked on at once; default: one for each core.
        faults: opens `POST /faults` {"error": NAME, "operation"?: NAME, "times"?: N} and `DELETE /faults`, for tests.
        answers: what testers declared; opens `POST /answers` and `DELETE /answers`. The outcomes of liveness sessions
            can always be declared, at `/liveness`.
        reach: which machines and names the server answers; default: this machine alone.
    """
    reach = Reach() if reach is None else reach
    declared = Answers() if answers is None else answers
    pool = ThreadPoolExecutor(os.cpu_count() if threads is None else threads, thread_name_prefix="operation")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=True, cancel_futures=True)

    async def operate(request: Request) -> Response:
        request_id, started = str(uuid.uuid4()), perf_counter()
        target = request.headers.get("x-amz-target")
        status, code, reason = 200, None, None
        try:
            body = await read_body(request)
            await asyncio.sleep(latency_ms / 1000)
            asked = replace(service, gallery=service.gallery.in_region(region_of(request.headers.get("authorization"))))
            content = await asyncio.get_running_loop().run_in_executor(
                pool, answer, asked, target, body, faults, declared
            )
        except ServiceError as error:
            status, code, content = int(error.status), error.code, error.body()
            reason = error.__cause__
        except asyncio.CancelledError:  # the server stops and has waited long enough
            stopped = ServiceError("InternalServerError", "The server is stopping.")
            status, code, content = int(stopped.status), stopped.code, stopped.body()
        duration_ms = round((perf_counter() - started) * 1000, 1)
        told = f"{code} ({reason})" if reason else code or ""
        logger.info("%s %s %s %s ms %s", request_id, str(target)[:80], status, duration_ms, told)
        return Response(content, status, {"x-amzn-RequestId": request_id}, CONTENT_TYPE)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "healthy", "model_loaded": True})

    routes = [Route("/", operate, methods=["POST"]), Route("/healthz", health, methods=["GET"])]
    return Starlette(
        routes=[*routes, *control_routes(faults, answers, reach), *liveness_routes(service.liveness, declared, reach)],
        middleware=reach.middleware(),
        exception_handlers={HTTPException: _refusal},
        lifespan=lifespan,
    )


async def _refusal(request: Request, error: Exception) -> Response:
    """Requests that are not operations are answered in the form of the service's errors."""
    status = error.status_code if isinstance(error, HTTPException) else INTERNAL_SERVER_ERROR
    refused = ServiceError(
        "UnknownOperationException",
        f"{request.method} {request.url.path:.200} is not answered: operations are POST / with X-Amz-Target.",
    )
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return Response(refused.body(), status, headers, CONTENT_TYPE)


def answer(
    service: Service, target: str | None, body: bytes, faults: Faults | None = None, answers: Answers | None = None
) -> bytes:
    """The reply's JSON to one request.

    Raises:
        ServiceError: the reply is an error; InternalServerError for what we did not foresee, which is logged.
    """
    operation = operation_of(target)
    is_built = operation.name in OPERATIONS
    if not is_built and (answers is None or not answers.declares(operation.name)):
        raise _not_built(operation.name)
    request = read_request(operation, read_json(body))
    if faults is not None:
        faults.raise_for(operation.name)
    declared = None if answers is None else answers.find(operation.name, request, service.images.digest)
    if declared is None and not is_built:
        raise _not_built(operation.name)
    try:
        reply: Mapping[str, Any]
        if declared is None:
            reply = OPERATIONS[operation.name](service, request)
        else:
            complete = COMPLETED.get(operation.name)
            reply = declared if complete is None else complete(service, request, declared)
        return write_json(operation.output_shape, reply)
    except ServiceError:
        raise
    except StorageError as error:  # a full disk is not a bug: the log gets its reason, without a traceback
        logger.error("%s is refused: %s", operation.name, error)  # noqa: TRY400 - see above
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
