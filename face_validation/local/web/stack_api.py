"""The API as the stack's own pages ask it: with the local client's token, its answer passed on as it is."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from face_validation.local.stack_info import StackInfo
from face_validation_function.routes import ADMIN, READ, WRITE

ANSWER_TIMEOUT_S = 120.0


class StackApi:
    """Does what every client does: puts images, gets a token, asks."""

    def __init__(self, stack: StackInfo, s3: Any) -> None:
        self.stack, self._s3 = stack, s3

    @asynccontextmanager
    async def held(self, images: Mapping[str, bytes]) -> AsyncIterator[str]:
        """Images, by bucket, that are there within the `with` only; gives the key that they have.

        Somebody's photographs: they are not kept longer than the answer takes.
        """
        key = f"page/{uuid.uuid4()}"
        try:
            for bucket, image in images.items():
                await self.put(bucket, key, image)
            yield key
        finally:
            for bucket in images:
                await self.delete(bucket, key)

    async def put(self, bucket: str, key: str, image: bytes) -> None:
        """Put an image into a bucket."""
        await run_in_threadpool(self._s3.put_object, Bucket=bucket, Key=key, Body=image)

    async def delete(self, bucket: str, key: str) -> None:
        """Delete an image from a bucket."""
        await run_in_threadpool(self._s3.delete_object, Bucket=bucket, Key=key)

    async def image(self, bucket: str, key: str) -> bytes | None:
        """An image of a bucket; None when it is not there."""
        try:
            found = await run_in_threadpool(self._s3.get_object, Bucket=bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        content: bytes = await run_in_threadpool(found["Body"].read)
        return content

    async def download(self, url: str) -> AsyncIterator[bytes]:
        """What lies at a signed address, piece by piece."""
        client = httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S, trust_env=False)
        async with client, client.stream("GET", url) as response:
            async for piece in response.raise_for_status().aiter_bytes():
                yield piece

    async def asked(self, method: str, path: str, body: Any = None) -> Response:
        """The API's answer to one request, for a page.

        Its status goes into the body: to a page a refusal is an answer, not a failure to load something.
        """
        status, answer = await self.ask(method, path, body)
        return JSONResponse({"status": status, "answer": answer})

    async def asked_about(self, bucket: str, key: str, content: bytes, path: str, body: Any) -> Response:
        """As `asked` by POST, about something that is put first; it is not kept when nothing was created from it."""
        await self.put(bucket, key, content)
        status, answer = await self.ask("POST", path, body)
        if status not in {HTTPStatus.CREATED, HTTPStatus.ACCEPTED}:
            await self.delete(bucket, key)
        return JSONResponse({"status": status, "answer": answer})

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of the API's answer to one request; `path` is below the stage."""
        credentials = {
            "grant_type": "client_credentials",
            "client_id": self.stack.client_id,
            "client_secret": self.stack.client_secret,
            "scope": f"{READ} {WRITE} {ADMIN}",
        }
        async with httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S, trust_env=False) as client:
            granted = (await client.post(self.stack.token_url, data=credentials)).raise_for_status().json()
            headers = {"Authorization": f"Bearer {granted['access_token']}"}
            answer = await client.request(method, f"{self.stack.api_url}{path}", json=body, headers=headers)
        return answer.status_code, answer.json()
