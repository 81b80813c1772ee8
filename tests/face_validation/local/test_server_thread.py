"""The server of the stack's addresses, on a real socket: how it stops."""

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from face_validation.local.gateway.server_thread import ServerThread
from rekognition_local.server.process import endpoint_of, listening
from tests.callers import asked_without_pause


async def answer(request: Request) -> Response:
    await asyncio.sleep(float(await request.body() or "0.02"))
    return Response()


APP = Starlette(routes=[Route("/", answer, methods=["POST"])])


@pytest.mark.parametrize("keep_alive", [pytest.param(False, id="new-connections"), pytest.param(True, id="kept-alive")])
def test_a_stop_under_load_loses_no_request(keep_alive: bool) -> None:
    with listening("127.0.0.1", 0) as listener:
        question = httpx.Request("POST", endpoint_of(listener), content=b"0.02")
        with ExitStack() as server:
            server.enter_context(ServerThread(APP, listener))
            with asked_without_pause(question, keep_alive=keep_alive) as outcomes:
                server.close()

    assert set(outcomes) == {"200"}


def test_who_comes_just_before_the_socket_closes_is_not_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    let_in, closed = [], []
    close = asyncio.base_events.Server.close

    def close_after_a_last_caller(server: asyncio.base_events.Server) -> None:
        for listener in server.sockets:
            with suppress(TimeoutError), socket.create_connection(listener.getsockname(), timeout=0.3):
                let_in.append(True)
        closed.append(True)
        close(server)

    monkeypatch.setattr(asyncio.base_events.Server, "close", close_after_a_last_caller)
    with listening("127.0.0.1", 0) as listener, ServerThread(APP, listener):
        pass

    assert closed
    assert not let_in


def test_an_answer_that_is_long_under_way_says_that_its_connection_ends() -> None:
    """Its caller would send the next request on it."""
    with ThreadPoolExecutor() as caller, listening("127.0.0.1", 0) as listener, ServerThread(APP, listener):
        asked = caller.submit(httpx.post, endpoint_of(listener), content=b"2.5", timeout=30)
        time.sleep(1.2)  # uvicorn makes its headers anew each second

    assert asked.result().headers["Connection"] == "close"


@pytest.mark.long
def test_a_stop_ends_though_more_callers_wait_than_it_can_answer() -> None:
    turn = asyncio.Semaphore(1)

    async def in_turn(request: Request) -> Response:
        async with turn:
            await asyncio.sleep(1)
        return Response()

    def ask(url: str) -> int | None:
        with suppress(httpx.HTTPError):
            return httpx.post(url, timeout=60).status_code
        return None

    app = Starlette(routes=[Route("/", in_turn, methods=["POST"])])
    with ThreadPoolExecutor(20) as callers, listening("127.0.0.1", 0) as listener:
        with ServerThread(app, listener):
            asked = [callers.submit(ask, endpoint_of(listener)) for _ in range(20)]
            time.sleep(1.5)
        answered = [one.result() for one in asked].count(200)

    assert 5 <= answered < 15
