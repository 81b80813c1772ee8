"""The API as the stack's own pages ask it: with the local client's token, its answer passed on as it is."""

from types import TracebackType
from typing import Any, Self

import httpx
from starlette.responses import JSONResponse, Response

from face_validation.local.stack_info import StackInfo
from face_validation_function.routes import ADMIN, READ, WRITE

ANSWER_TIMEOUT_S = 120.0


class StackApi:
    """Does what every client does: gets a token, then asks. To be entered in the event loop that uses it."""

    def __init__(self, stack: StackInfo) -> None:
        self._stack = stack
        self._http = httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S, trust_env=False)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def ask(self, method: str, path: str, body: Any = None) -> Response:
        """The API's answer to one request; `path` is below the stage.

        Its status goes into the body: to a page a refusal is an answer, not a failure to load something.
        """
        credentials = {
            "grant_type": "client_credentials",
            "client_id": self._stack.client_id,
            "client_secret": self._stack.client_secret,
            "scope": f"{READ} {WRITE} {ADMIN}",
        }
        granted = (await self._http.post(self._stack.token_url, data=credentials)).raise_for_status().json()
        answer = await self._http.request(
            method,
            f"{self._stack.api_url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {granted['access_token']}"},
        )
        return JSONResponse({"status": answer.status_code, "answer": answer.json()})
