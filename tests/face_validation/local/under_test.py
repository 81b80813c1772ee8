"""A gateway in front of a recording handler, spoken to over the application protocol, without a socket."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from face_validation.local.cognito import CognitoAuthorizer
from face_validation.local.gateway.api_gateway import Gateway
from face_validation.local.stack_info import StackInfo
from face_validation_function.routes import Route

# A stack that does not run: nothing of it is asked.
INFO = StackInfo("http://127.0.0.1:8080/dev", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "")
WRITE, READ = "face-detection/write", "face-detection/read"
VALIDATION_ROUTES = (
    Route("POST", "/validation", "validate", WRITE),
    Route("DELETE", "/people/{full_name}", "forget", WRITE),
    Route("GET", "/photos/{key+}", "photo", WRITE),
    Route("GET", "/faces", "faces", READ),
)


@dataclass
class RecordingHandler:
    """Keeps the events it is given; answers what it is told to, or what `answer` makes of the event."""

    answer: Any = field(default_factory=lambda: {"statusCode": 200, "body": "{}"})
    events: list[dict[str, Any]] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        self.events.append(event)
        self.contexts.append(context)
        return self.answer(event) if callable(self.answer) else self.answer


class Api:
    """The stage `dev` of a gateway with VALIDATION_ROUTES; `token` goes with every request unless told otherwise."""

    def __init__(self, authorizer: CognitoAuthorizer, token: str, **settings: Any) -> None:
        self.handler = RecordingHandler()
        self.token = token
        self.gateway = Gateway(self.handler, authorizer, routes=VALIDATION_ROUTES, **settings)
        self._app = Starlette(routes=[Mount("/dev", app=self._answer)])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.gateway.answer(Request(scope, receive))
        await response(scope, receive, send)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app),
            base_url="http://127.0.0.1:8080",
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with self.client() as client:
                return await client.request(method, path, **request)

        return asyncio.run(ask())


def refusal_of(response: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer that must be the contract's error envelope, with text in every field."""
    envelope = response.json()
    assert set(envelope) == {"id_request", "error"}
    assert set(envelope["error"]) == {"code", "message", "details"}
    assert all(isinstance(text, str) and text for text in (envelope["id_request"], *envelope["error"].values()))
    assert response.headers["x-amzn-RequestId"] == envelope["id_request"]
    return response.status_code, envelope["error"]["code"]


@contextmanager
def tab(tabs: Any, address: str) -> Iterator[Any]:
    """The page at `address` in a tab of the window; an error that its scripts do not catch fails the test."""
    page = tabs.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(120_000)
    page.goto(address)
    yield page
    page.close()
    assert complaints == []
