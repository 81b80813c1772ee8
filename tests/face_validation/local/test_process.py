"""`face-validation local` is ready soon, and leaves nothing behind however it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.waiting import until

pytestmark = pytest.mark.slow

ADDRESSES = ("api_url", "s3_endpoint", "rekognition_endpoint")


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    info = folder / "stack.json"
    command = [sys.executable, "-m", "face_validation.cli.app", "local", "--port", "0", "--info", str(info), *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "FACE_VALIDATION_STACK": str(folder / "running.json")}
    with (folder / "printed.txt").open("w") as printed:
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT, text=True, env=environment)
        try:
            until(lambda: info.exists() or process.poll() is not None)
            assert info.exists(), (folder / "printed.txt").read_text()
            yield process, json.loads(info.read_text())
        finally:
            process.kill()
            process.wait()


def is_listening(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((address.hostname, address.port)) == 0


def children_of(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for children in lists for child in children.read_text().split()]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a stack has printed when it is ready, and its info; the PATH has no command `face-validation`."""
    folder = tmp_path_factory.mktemp("ready")
    printed = folder / "printed.txt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder))
        with running(folder) as (_, info):
            patch.undo()
            until(lambda: "Ready after" in printed.read_text())
            yield printed.read_text(), info


def test_the_command_it_prints_is_one_that_this_shell_finds(ready: tuple[str, dict[str, Any]]) -> None:
    printed, _ = ready

    [line] = [line for line in printed.splitlines() if "face-validation validate" in line]

    assert Path(line.split()[0]).is_file()


def test_the_printed_commands_run_as_they_are(ready: tuple[str, dict[str, Any]]) -> None:
    printed, info = ready
    commands = printed[printed.index("export API_URL=") : printed.index("With pictures of your own")]

    answer = subprocess.run(["sh", "-c", commands], capture_output=True, text=True, timeout=60)

    assert json.loads(answer.stdout)["matched"] is True, answer.stderr
    assert httpx.get(info["api_url"].replace("/dev", "/healthz")).json()["model_loaded"] is True


def test_a_log_level_that_does_not_exist_is_refused_at_once() -> None:
    command = [sys.executable, "-m", "face_validation.cli.app", "local", "--port", "0", "--log-level", "LOUD"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)

    assert done.returncode == 3
    assert "LOUD" in done.stderr


@pytest.mark.parametrize(
    "ending",
    [signal.SIGINT, *(pytest.param(ending, marks=pytest.mark.long) for ending in (signal.SIGTERM, signal.SIGHUP))],
    ids=lambda ending: ending.name,
)
def test_a_signal_ends_everything_in_order(tmp_path: Path, ending: signal.Signals) -> None:
    with running(tmp_path) as (process, info):
        assert all(is_listening(info[name]) for name in ADDRESSES)

        process.send_signal(ending)

        assert process.wait(45) == 0
        assert not any(is_listening(info[name]) for name in ADDRESSES)
        assert not (tmp_path / "stack.json").exists()
        assert (tmp_path / "printed.txt").read_text().rstrip().endswith("Stopped.")


def test_not_even_a_kill_leaves_a_process_or_a_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with running(tmp_path) as (process, info):
        process.kill()
        process.wait()

        until(lambda: not any(is_listening(info[name]) for name in ADDRESSES))
        assert not list(temporary.glob("face-validation-*"))


@pytest.mark.long
def test_health_is_503_once_the_face_engine_is_gone_and_the_stack_still_ends_in_order(tmp_path: Path) -> None:
    with running(tmp_path) as (process, info):
        (engine,) = children_of(process.pid)

        os.kill(engine, signal.SIGKILL)

        until(lambda: not is_listening(info["rekognition_endpoint"]))
        health = httpx.get(info["api_url"].replace("/dev", "/healthz"))
        assert (health.status_code, health.json()) == (503, {"status": "unhealthy", "model_loaded": False})
        process.send_signal(signal.SIGTERM)
        assert process.wait(45) == 0


def test_a_port_that_is_taken_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        ran = subprocess.run(
            [sys.executable, "-m", "face_validation.cli.app", "local", "--port", port],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=Path.cwd(),
        )

    assert ran.returncode == 1
    assert port in ran.stderr
    assert "--port 0" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("arguments", [("local", "--port", "0", "--info"), ("demo", "--out")])
def test_a_file_that_cannot_be_written_is_named_in_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    taken = tmp_path / "taken"
    taken.touch()

    ran = subprocess.run(
        [sys.executable, "-m", "face_validation.cli.app", *arguments, str(taken / "inner")],
        capture_output=True,
        text=True,
        timeout=90,
    )

    assert ran.returncode == 1
    assert str(taken) in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_stack_in_the_background_is_found_by_later_commands_and_stopped(tmp_path: Path) -> None:
    running = tmp_path / "state" / "running.json"
    environment = {**os.environ, "FACE_VALIDATION_STACK": str(running), "FACE_VALIDATION_PROFILES": os.devnull}

    def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "face_validation.cli.app", *arguments],
            capture_output=True,
            text=True,
            timeout=200,
            env=environment,
        )

    try:
        started = command("local", "--background", "--port", "0")
        assert started.returncode == 0, started.stderr
        info = json.loads(running.read_text())
        second = command("local", "--background", "--port", "0")
        people = command("people")
    finally:
        stopped = command("stop")

    assert running.with_name("stack.log").stat().st_mode & 0o077 == 0
    assert info["api_url"] in started.stdout
    assert (second.returncode, "runs already" in second.stderr) == (1, True)
    assert (people.returncode, "the local stack on this machine" in people.stderr) == (0, True)
    assert info["api_url"] in stopped.stdout
    assert not running.exists()
    assert not is_listening(info["api_url"])
    assert "No local stack is running" in command("stop").stdout
