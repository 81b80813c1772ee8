"""Callers who send slowly, half or nothing: each is waited for so long, and none keeps the others out."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rekognition_local.server.connections import BoundedProtocol
from tests.waiting import until


class HurriedProtocol(BoundedProtocol):
    header_s = 0.4
    body_s = 0.8
    most_connections = 8


@contextmanager
def echo_server(keep_alive_s: int = 60, grace_s: int | None = None) -> Iterator[tuple[uvicorn.Server, int]]:
    async def echo(request: Request) -> Response:
        return PlainTextResponse(await request.body())

    async def echo_later(request: Request) -> Response:
        await asyncio.sleep(1.5 * HurriedProtocol.body_s)
        return await echo(request)

    app = Starlette(
        routes=[Route("/", echo, methods=["GET", "POST"]), Route("/later", echo_later, methods=["POST"])],
    )
    config = uvicorn.Config(
        app,
        http=HurriedProtocol,
        log_config=None,
        timeout_keep_alive=keep_alive_s,
        timeout_graceful_shutdown=grace_s,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until(lambda: server.started)
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    with echo_server() as (_, at):
        yield at


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def answer_to(caller: socket.socket) -> bytes:
    """All that the server says until it closes the connection."""
    said = b""
    try:
        while part := caller.recv(4096):
            said += part
    except ConnectionError:
        pass
    return said


def is_answered(port: int) -> bool:
    return httpx.post(f"http://127.0.0.1:{port}/", content=b"hello", trust_env=False, timeout=20).text == "hello"


def sent_by_and_by(caller: socket.socket, data: bytes, pause_s: float) -> None:
    """Byte after byte, until the server closes the connection."""
    try:
        for at in range(len(data)):
            caller.sendall(data[at : at + 1])
            time.sleep(pause_s)
    except OSError:
        pass


@pytest.mark.parametrize(
    ("beginning", "least_s"),
    [
        pytest.param(b"", 0.3, id="nothing"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\n", 0.3, id="half-a-header"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf", 0.7, id="half-a-body"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", 0.7, id="half-the-chunks"
        ),
    ],
)
def test_what_does_not_come_in_time_is_refused_with_408(port: int, beginning: bytes, least_s: float) -> None:
    with connected(port) as caller:
        began = time.monotonic()
        caller.sendall(beginning)

        said = answer_to(caller)

    assert said.startswith(b"HTTP/1.1 408 ")
    assert least_s < time.monotonic() - began < 10
    assert is_answered(port)


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"POST / HTTP/1.1\r\nX: ", id="header"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", id="body"),
    ],
)
def test_a_byte_now_and_then_prolongs_nothing(port: int, beginning: bytes) -> None:
    with connected(port) as caller:
        caller.sendall(beginning)
        drip = threading.Thread(target=sent_by_and_by, args=(caller, b"a" * 200, 0.05))
        began = time.monotonic()
        drip.start()

        answer_to(caller)
        took_s = time.monotonic() - began
        drip.join()

    assert took_s < 10


def test_a_kept_connection_is_not_hurried_between_requests(port: int) -> None:
    with httpx.Client(trust_env=False) as caller:
        first = caller.post(f"http://127.0.0.1:{port}/", content=b"first")
        connection = first.extensions["network_stream"].get_extra_info("client_addr")
        time.sleep(1.0)
        second = caller.post(f"http://127.0.0.1:{port}/", content=b"second")

        assert (first.text, second.text) == ("first", "second")
        assert second.extensions["network_stream"].get_extra_info("client_addr") == connection


def test_a_body_that_comes_in_time_in_parts_is_taken(port: int) -> None:
    with connected(port) as caller:
        caller.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n")
        for _ in range(5):
            time.sleep(0.05)
            caller.sendall(b"ab")

        said = answer_to(caller)

    assert said.endswith(b"\r\n\r\nababababab")


def test_a_body_that_the_server_does_not_read_yet_is_not_late(port: int) -> None:
    body = bytes(10_000_000)

    answer = httpx.post(f"http://127.0.0.1:{port}/later", content=body, trust_env=False, timeout=20)

    assert answer.content == body


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="idle"),
        pytest.param(b"POST / HTTP/1.1\r\n", id="half-a-header"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", id="half-a-body"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", id="kept-after-an-answer"),
    ],
)
def test_more_callers_than_places_keep_nobody_out(port: int, beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    # No wait of the server may end meanwhile and free a place, on a busy machine either.
    monkeypatch.setattr(HurriedProtocol, "header_s", 15.0)
    monkeypatch.setattr(HurriedProtocol, "body_s", 15.0)
    with ExitStack() as callers:
        for _ in range(3 * HurriedProtocol.most_connections):
            caller = callers.enter_context(connected(port))
            caller.sendall(beginning)
            if beginning.startswith(b"GET"):
                assert caller.recv(4096)  # while it is being answered, its place is nobody else's
        began = time.monotonic()

        assert is_answered(port)

        assert time.monotonic() - began < HurriedProtocol.header_s


def test_half_a_body_does_not_outlive_the_grace_of_a_stop() -> None:
    with echo_server(grace_s=0) as (server, port), connected(port) as caller:
        caller.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        until(lambda: server.server_state.tasks)
        began = time.monotonic()
        server.should_exit = True

        answer_to(caller)

    assert time.monotonic() - began < HurriedProtocol.body_s
