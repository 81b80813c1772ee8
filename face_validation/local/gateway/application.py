"""Every address of the local stack: health, tokens, keys, the API's stage, its description, and the page."""

import importlib.util
import re
from collections.abc import Collection, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from face_validation.local.cognito import TokenError, TokenIssuer
from face_validation.local.gateway.api_gateway import Address, Gateway, no_such_address, read_body
from face_validation.local.web.own_site import FOLDER, SECURITY_HEADERS
from face_validation_function.contract.openapi import document
from face_validation_function.routes import ROUTES

MAX_FORM_BYTES = 64 * 1024
HEALTH_TIMEOUT_S = 3.0
# Swagger UI sets styles as it runs and draws its icons from data URLs; all else comes from here.
DOCUMENTATION_HEADERS = SECURITY_HEADERS | {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}


def application(
    gateway: Gateway,
    issuer: TokenIssuer,
    pages: Sequence[Route],
    *,
    stage: str,
    pool_id: str,
    rekognition_endpoint: str,
) -> Starlette:
    """The ASGI application; `issuer.issuer` is this application's address followed by `/{pool_id}`."""

    async def health(_: Request) -> Response:
        """Healthy when the face engine itself says so."""
        try:
            async with httpx.AsyncClient(timeout=HEALTH_TIMEOUT_S, trust_env=False) as client:
                found = (await client.get(f"{rekognition_endpoint}/healthz")).json()
            loaded = found == {"status": "healthy", "model_loaded": True}
        except (httpx.HTTPError, ValueError):
            loaded = False
        return JSONResponse(
            {"status": "healthy" if loaded else "unhealthy", "model_loaded": loaded}, 200 if loaded else 503
        )

    async def token(request: Request) -> Response:
        body = await read_body(request, MAX_FORM_BYTES)
        content_type, authorization = request.headers.get("content-type", ""), request.headers.get("authorization")
        try:
            answer, status = await run_in_threadpool(issuer.grant, content_type, authorization, body or b""), 200
        except TokenError as error:
            answer, status = {"error": str(error)}, 400
        return JSONResponse(answer, status, {"Cache-Control": "no-store", "Pragma": "no-cache"})

    async def keys(_: Request) -> Response:
        return JSONResponse(issuer.key_set)

    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        response = await gateway.answer(Request(scope, receive))
        await response(scope, receive, send)

    known = [(route.method, f"/{stage}{route.resource}") for route in ROUTES]
    known += [("POST", "/oauth2/token"), ("GET", "/healthz"), ("GET", "/docs"), ("GET", "/")]
    stage_routes = Mount(f"/{stage}", app=api)
    # A path parameter may hold an encoded line break, which Starlette's own pattern does not match.
    stage_routes.path_regex = re.compile(f"^/{stage}/(?P<path>.*)$", re.DOTALL)
    app = Starlette(
        routes=[
            Route("/healthz", health),
            Route("/oauth2/token", token, methods=["POST"]),
            Route(f"/{pool_id}/.well-known/jwks.json", keys),
            stage_routes,
            *documentation_routes(stage),
            *pages,
        ],
        exception_handlers={
            ClientDisconnect: _nobody_is_there,
            **dict.fromkeys((HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED), partial(_no_address, known)),
        },
    )
    app.router.redirect_slashes = False
    return app


async def _nobody_is_there(_: Request, __: Exception) -> Response:
    """The caller left in the middle of the body: no defect, so no traceback, and nobody reads this answer."""
    return Response(status_code=400)


async def _no_address(known: Collection[Address], request: Request, refused: Exception) -> Response:
    """The answer to an unknown path or method."""
    status = refused.status_code if isinstance(refused, HTTPException) else HTTPStatus.NOT_FOUND
    details = no_such_address(request.method, request.url.path, known)
    error = {"code": "RequestError", "message": "There is no such address.", "details": details}
    return JSONResponse({"error": error}, status)


def documentation_routes(stage: str) -> list[BaseRoute]:
    """The addresses, to be mounted at the root; RuntimeError when the package of Swagger UI is not installed."""
    # Found, not imported: the package's own code is for Flask.
    package = importlib.util.find_spec("flask_swagger_ui")
    if package is None or package.origin is None:
        raise RuntimeError("The package flask-swagger-ui is not installed: `make setup` installs it.")
    description = JSONResponse(document(server_url=f"/{stage}"), headers=DOCUMENTATION_HEADERS)
    files = {"/docs": FOLDER / "docs.html", "/docs/start.js": FOLDER / "docs.js"}
    assets = (Path(package.origin).parent / "dist").iterdir()
    files |= {f"/docs/assets/{path.name}": path for path in assets if path.is_file()}

    async def openapi(_: Request) -> Response:
        return description

    async def file(request: Request) -> Response:
        return FileResponse(files[request.url.path], headers=DOCUMENTATION_HEADERS)

    return [Route("/openapi.json", openapi), *(Route(address, file) for address in files)]
