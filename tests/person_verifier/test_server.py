"""The server as a process: it forks workers, logs JSON, and loses no request when it is told to stop."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.callers import asked_without_pause
from tests.person_verifier.fakes import FakeEngine, striped
from tests.person_verifier.serving import Server, running_server
from tests.waiting import fastest_ms, until

FAKE_SERVER = ["-m", "tests.person_verifier.serving"]


@pytest.fixture
def server(tmp_path: Path, stored_model: Path) -> Iterator[Server]:
    with running_server(tmp_path, FAKE_SERVER, VERIFIER_MODEL=str(stored_model)) as running:
        yield running


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, stored_model: Path) -> Iterator[Server]:
    """For tests that do not stop it."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, FAKE_SERVER, VERIFIER_MODEL=str(stored_model)) as running:
        yield running


def test_a_kept_connection_waits_for_no_acknowledgement(shared_server: Server) -> None:
    with httpx.Client(trust_env=False) as kept:
        assert fastest_ms(lambda: kept.get(f"{shared_server.url}/healthz")) < 35  # a delayed acknowledgement takes 40


@pytest.mark.parametrize(
    "keep_alive",
    [pytest.param(False, id="new-connections"), pytest.param(True, id="kept-alive", marks=pytest.mark.long)],
)
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=lambda by: by.name)
def test_a_stop_under_load_loses_no_request_under_way(server: Server, keep_alive: bool, by: signal.Signals) -> None:
    image = {"image": ("a.png", striped("Me", 1))}
    question = httpx.Request("POST", f"{server.url}/verify", files=image)

    with asked_without_pause(question, keep_alive=keep_alive) as outcomes:
        code = server.stop(by=by)

    assert set(outcomes) == {"200"}
    assert code == 0


def test_nobody_is_let_in_once_it_stops(server: Server) -> None:
    address = httpx.URL(server.url)
    workers = server.workers()

    def is_shut() -> bool:
        try:
            socket.create_connection((address.host, address.port or 80), timeout=0.3).close()
        except TimeoutError:
            return True
        return False

    for worker in workers:
        os.kill(worker, signal.SIGSTOP)  # it still has the listener, and closes it later
    server.process.send_signal(signal.SIGTERM)
    try:
        until(is_shut)
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)

    assert server.process.wait(30) == 0


def test_several_workers_share_the_requests(shared_server: Server) -> None:
    def call(_: int) -> int:
        image = {"image": ("a.png", striped("Me", 1))}
        return httpx.post(f"{shared_server.url}/verify", files=image, trust_env=False, timeout=30).status_code

    def everybody_answered() -> bool:
        assert set(callers.map(call, range(48))) == {200}
        return len({line["pid"] for line in shared_server.log if line["event"] == "answered"}) == 2

    with ThreadPoolExecutor(8) as callers:
        until(everybody_answered)  # the server answers as soon as its first worker does


def test_the_log_tells_what_was_answered_and_never_the_image(shared_server: Server) -> None:
    httpx.post(f"{shared_server.url}/verify", files={"image": ("private-name.png", striped("Me", 1))}, trust_env=False)

    answered = [line for line in shared_server.log if line["event"] == "answered"]

    assert answered[-1].keys() == {
        "time", "level", "pid", "event", "request_id", "path", "status", "ms", "bytes", "is_me", "score"
    }  # fmt: skip
    assert "private-name" not in str(shared_server.log)


def test_without_a_model_it_serves_503_and_the_log_says_why(tmp_path: Path) -> None:
    with running_server(tmp_path, FAKE_SERVER, VERIFIER_MODEL=str(tmp_path / "none.json")) as running:
        health = httpx.get(f"{running.url}/healthz", trust_env=False)
        answer = httpx.post(f"{running.url}/verify", files={"image": ("a.png", striped("Me", 1))}, trust_env=False)

    assert (health.status_code, health.json()) == (503, {"status": "unhealthy", "model_loaded": False})
    assert (answer.status_code, answer.json()) == (503, {"error": "No model is loaded"})
    assert any("There is no verifier to read" in str(line.get("reason")) for line in running.log)


def test_a_model_of_another_engine_is_refused_with_the_reason(tmp_path: Path, stored_model: Path) -> None:
    text = stored_model.read_text().replace(FakeEngine().model_id, "another-engine")
    (tmp_path / "other.json").write_text(text)

    with running_server(tmp_path, FAKE_SERVER, VERIFIER_MODEL=str(tmp_path / "other.json")) as running:
        status = httpx.get(f"{running.url}/healthz", trust_env=False).status_code

    assert status == 503
    assert any("another-engine" in str(line.get("reason")) for line in running.log)


def test_a_slow_sender_does_not_keep_others_waiting(shared_server: Server) -> None:
    host, port = httpx.URL(shared_server.url).host, httpx.URL(shared_server.url).port
    with socket.create_connection((host, port or 80)) as slow:
        slow.sendall(b"POST /verify HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n")
        slow.sendall(b"Content-Length: 100000\r\n\r\n--b\r\n")
        answers = [
            httpx.post(
                f"{shared_server.url}/verify", files={"image": ("a.png", striped("Me", 1))}, trust_env=False, timeout=30
            )
            for _ in range(6)
        ]

    assert {answer.status_code for answer in answers} == {200}


def test_a_chunk_without_its_size_is_a_bad_request(shared_server: Server) -> None:
    host, port = httpx.URL(shared_server.url).host, httpx.URL(shared_server.url).port
    with socket.create_connection((host, port or 80), timeout=20) as sender:
        sender.sendall(b"POST /verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n")
        sender.sendall(b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")

        assert sender.recv(100).startswith(b"HTTP/1.1 400")


HALF_A_BODY = b"POST /verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\n"
HALF_A_BODY += b"Content-Length: 5000\r\n\r\n--B\r\nContent-Disposition: form-data; name=image; filename=a\r\n\r\nhalf"
SLOW = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"POST /verify HTTP/1.1\r\nHost: localhost\r\n", id="half-a-header"),
    pytest.param(b"\r\n\r\n\r\n\r\n", id="empty-lines"),
    pytest.param(HALF_A_BODY, id="half-a-body"),
]


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory, stored_model: Path) -> Iterator[Server]:
    """One process of two threads that waits a second for a header and one and a half for a body."""
    few = {"HURRIED": "1", "VERIFIER_WORKERS": "1", "VERIFIER_THREADS": "2", "VERIFIER_MODEL": str(stored_model)}
    with running_server(tmp_path_factory.mktemp("hurried"), FAKE_SERVER, **few) as running:
        yield running


def connected(server: Server) -> socket.socket:
    address = httpx.URL(server.url)
    return socket.create_connection((address.host, address.port or 0), timeout=30)


@pytest.mark.parametrize("beginning", SLOW)
def test_slow_callers_keep_nobody_out(hurried: Server, beginning: bytes) -> None:
    with ExitStack() as callers:
        slow = [callers.enter_context(connected(hurried)) for _ in range(24 if beginning != HALF_A_BODY else 6)]
        for caller in slow:
            with suppress(OSError):  # it had to make room
                caller.sendall(beginning)
        began = time.monotonic()

        health = httpx.get(f"{hurried.url}/healthz", trust_env=False, timeout=30)
        health_s = time.monotonic() - began
        image = {"image": ("a.png", striped("Me", 1))}
        answer = httpx.post(f"{hurried.url}/verify", files=image, trust_env=False, timeout=60)

    assert (health.status_code, answer.status_code) == (200, 200)
    assert health_s < 1


@pytest.mark.parametrize("beginning", SLOW)
def test_what_does_not_come_in_time_is_left_however_it_is_dripped(hurried: Server, beginning: bytes) -> None:
    with connected(hurried) as caller:
        caller.sendall(beginning)
        began = time.monotonic()

        with suppress(OSError):
            while time.monotonic() - began < 20:
                caller.sendall(b"x" if beginning else b"")
                time.sleep(0.05)
                caller.setblocking(False)
                with suppress(BlockingIOError):
                    if not caller.recv(4096):
                        break
                caller.settimeout(30)

    assert time.monotonic() - began < 10


def test_half_a_request_does_not_outlive_the_grace_of_a_stop(tmp_path: Path, stored_model: Path) -> None:
    few = {"VERIFIER_WORKERS": "1", "VERIFIER_GRACEFUL_TIMEOUT_S": "2", "VERIFIER_MODEL": str(stored_model)}
    with running_server(tmp_path, FAKE_SERVER, **few) as server, connected(server) as body, connected(server) as header:
        body.sendall(HALF_A_BODY)
        header.sendall(b"GET / HTTP/1.1\r\n")
        time.sleep(0.3)
        began = time.monotonic()

        assert server.stop() == 0

    assert time.monotonic() - began < 10
