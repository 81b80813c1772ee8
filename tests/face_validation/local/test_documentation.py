"""The API's description for people: what its addresses send along."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from face_validation.local.gateway.application import documentation_routes


def ask(path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        served = httpx.ASGITransport(Starlette(routes=documentation_routes("dev")))
        async with httpx.AsyncClient(transport=served, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/docs", 200),
        ("/docs/start.js", 200),
        ("/docs/assets/swagger-ui.css", 200),
        ("/openapi.json", 200),
    ],
)
def test_every_address_of_the_description_has_the_pages_security_headers(path: str, status: int) -> None:
    answer = ask(path)

    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/docs/assets/none", "/docs/assets/..%2f..%2fetc/passwd", "/docs/assets/"])
def test_nothing_but_the_files_of_the_description_is_served(path: str) -> None:
    assert ask(path).status_code == 404
