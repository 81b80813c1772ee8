"""The API's description for people: what its addresses send along."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from face_validation.local.web.documentation import documentation_routes


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/docs", 200),
        ("/docs/start.js", 200),
        ("/docs/assets/swagger-ui.css", 200),
        ("/docs/assets/none", 404),
        ("/docs/assets/..%2f..%2fetc/passwd", 404),
        ("/openapi.json", 200),
    ],
)
def test_every_address_of_the_description_has_the_pages_security_headers(path: str, status: int) -> None:
    async def ask() -> httpx.Response:
        served = httpx.ASGITransport(Starlette(routes=documentation_routes("dev")))
        async with httpx.AsyncClient(transport=served, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    answer = asyncio.run(ask())

    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
