"""The HTTP server: Rekognition's operations at `/`, its health at `/healthz`."""

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from time import perf_counter
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rekognition_local.operations.registry import OPERATIONS
from rekognition_local.operations.service import Service
from rekognition_local.protocol.validation import read_request
from rekognition_local.protocol.wire import CONTENT_TYPE, ServiceError, operation_of, read_json, write_json
from rekognition_local.server.connections import LOCAL_NAMES
from rekognition_local.server.faults import Faults

# CompareFaces with two images of 5 MB in base64, and room for the rest.
MAX_BODY_BYTES = 16 * 1024 * 1024

logger = logging.getLogger("rekognition_local")


def application(
    service: Service, latency_ms: float = 0.0, threads: int | None = None, faults: Faults | None = None
) -> Starlette:
    """The ASGI application.

    Args:
        service: what answers.
        latency_ms: time added to every operation, as a distant service would; it holds no thread.
        threads: operations worked on at once; default: one for each core.
        faults: opens `POST /faults` {"error": NAME, "operation"?: NAME, "times"?: N} and `DELETE /faults`, for tests.
    """
    pool = ThreadPoolExecutor(os.cpu_count() if threads is None else threads, thread_name_prefix="operation")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=True, cancel_futures=True)

    async def operate(request: Request) -> Response:
        request_id, started = str(uuid.uuid4()), perf_counter()
        target = request.headers.get("x-amz-target")
        status, code = 200, None
        try:
            body = await _body(request)
            await asyncio.sleep(latency_ms / 1000)
            content = await asyncio.get_running_loop().run_in_executor(pool, answer, service, target, body, faults)
        except ServiceError as error:
            status, code, content = int(error.status), error.code, error.body()
        except asyncio.CancelledError:  # the server stops and has waited long enough
            stopped = ServiceError("InternalServerError", "The server is stopping.")
            status, code, content = int(stopped.status), stopped.code, stopped.body()
        duration_ms = round((perf_counter() - started) * 1000, 1)
        logger.info("%s %s %s %s ms %s", request_id, str(target)[:80], status, duration_ms, code or "")
        return Response(content, status, {"x-amzn-RequestId": request_id}, CONTENT_TYPE)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "healthy", "model_loaded": True})

    routes = [Route("/", operate, methods=["POST"]), Route("/healthz", health, methods=["GET"])]
    if faults is not None:
        routes.append(fault_route(faults))
    # A page from anywhere whose name is made to resolve to this machine must not read the collections.
    ours = Middleware(TrustedHostMiddleware, allowed_hosts=LOCAL_NAMES)
    return Starlette(routes=routes, middleware=[ours], lifespan=lifespan)


def answer(service: Service, target: str | None, body: bytes, faults: Faults | None = None) -> bytes:
    """The reply's JSON to one request.

    Raises:
        ServiceError: the reply is an error; InternalServerError for what we did not foresee, which is logged.
    """
    operation = operation_of(target)
    if operation.name not in OPERATIONS:
        built = ", ".join(sorted(OPERATIONS))
        raise ServiceError(
            "NotImplementedException", f"{operation.name} is not built in this server. It answers: {built}."
        )
    request = read_request(operation, read_json(body))
    if faults is not None:
        faults.raise_for(operation.name)
    try:
        return write_json(operation.output_shape, OPERATIONS[operation.name](service, request))
    except ServiceError:
        raise
    except Exception as error:  # the server's last line: callers get the service's own error, the log gets the reason
        logger.exception("%s failed", operation.name)
        raise ServiceError("InternalServerError", "Internal server error") from error


def fault_route(faults: Faults) -> Route:
    """Where tests order errors."""

    async def order(request: Request) -> Response:
        if not _is_of_this_machine(request.headers.get("origin")):
            return JSONResponse({"refused": "Only programs and pages of this machine may order errors."}, 403)
        if request.method == "DELETE":
            faults.clear()
            return Response(status_code=204)
        # A page of another site may send text or a form without asking first, never this media type.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return JSONResponse({"refused": "The content type must be application/json."}, 415)
        try:
            faults.order(**read_json(await _body(request)))
        except (KeyError, TypeError, ValueError, ServiceError) as error:
            return JSONResponse({"refused": repr(error)}, 400)
        return Response(status_code=204)

    return Route("/faults", order, methods=["POST", "DELETE"])


def _is_of_this_machine(origin: str | None) -> bool:
    """Whether a page that a browser shows under `origin`, or a program, which sends none, belongs to this machine."""
    try:
        return origin is None or urlsplit(origin).hostname in LOCAL_NAMES
    except ValueError:
        return False


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise ServiceError(
                    "RequestEntityTooLargeException", f"The request has more than {MAX_BODY_BYTES} bytes."
                )
    except ClientDisconnect as error:
        raise ServiceError("SerializationException", "The request broke off.") from error
    return bytes(body)
