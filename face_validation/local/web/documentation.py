"""The API's description to read and try: OpenAPI at /openapi.json, Swagger UI's page at /docs."""

import importlib.util
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from face_validation.local.web.own_site import FOLDER
from face_validation_function.contract.openapi import document

# Swagger UI sets styles as it runs and draws its icons from data URLs; all else comes from here.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def documentation_routes(stage: str) -> list[BaseRoute]:
    """The addresses, to be mounted at the root; RuntimeError when the package of Swagger UI is not installed."""
    description = JSONResponse(document(server_url=f"/{stage}"), headers=SECURITY_HEADERS)
    files = {"/docs": FOLDER / "docs.html", "/docs/start.js": FOLDER / "docs.js"}
    files |= {f"/docs/assets/{path.name}": path for path in _assets().iterdir() if path.is_file()}

    async def openapi(_: Request) -> Response:
        return description

    async def file(request: Request) -> Response:
        return FileResponse(files[request.url.path], headers=SECURITY_HEADERS)

    return [Route("/openapi.json", openapi), *(Route(address, file) for address in files)]


def _assets() -> Path:
    # Found, not imported: the package's own code is for Flask.
    package = importlib.util.find_spec("flask_swagger_ui")
    if package is None or package.origin is None:
        raise RuntimeError("The package flask-swagger-ui is not installed: `make setup` installs it.")
    return Path(package.origin).parent / "dist"
