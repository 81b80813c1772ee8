"""The API's description to read and try: OpenAPI at /openapi.json, Swagger UI's page at /docs."""

import importlib.util
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

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

_PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Face validation: the API</title>
    <link rel="stylesheet" href="docs/assets/swagger-ui.css">
    <link rel="icon" href="docs/assets/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <noscript>This page needs JavaScript; the description itself is <a href="openapi.json">openapi.json</a>.</noscript>
    <script src="docs/assets/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
"""
_START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true});\n'


def documentation_routes(stage: str) -> list[BaseRoute]:
    """The addresses, to be mounted at the root beside the API's `stage`.

    Raises:
        RuntimeError: the package that carries Swagger UI's files is not installed.
    """
    description = JSONResponse(document(server_url=f"/{stage}"), headers=SECURITY_HEADERS)
    page = HTMLResponse(_PAGE, headers=SECURITY_HEADERS)
    start = Response(_START, media_type="text/javascript", headers=SECURITY_HEADERS)

    async def openapi(_: Request) -> Response:
        return description

    async def docs(_: Request) -> Response:
        return page

    async def start_script(_: Request) -> Response:
        return start

    return [
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        Route("/docs/start.js", start_script),
        Mount("/docs/assets", _Assets(directory=_assets())),
    ]


class _Assets(StaticFiles):
    """Swagger UI's files; every answer carries the headers, a refusal too."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or why there is none."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            response = PlainTextResponse(error.detail, error.status_code)
        response.headers.update(SECURITY_HEADERS)
        return response


def _assets() -> Path:
    # Found, not imported: the package's own code is for Flask.
    package = importlib.util.find_spec("flask_swagger_ui")
    if package is None or package.origin is None:
        raise RuntimeError("The package flask-swagger-ui is not installed: `make setup` installs it.")
    return Path(package.origin).parent / "dist"
