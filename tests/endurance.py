"""Whether the servers last: answers and memory under load, slow callers, kills and stops. Bounded in time.

    python -m tests.endurance [load] [slow] [kills] [stops] --minutes 6 --clients 24 --kills 45

load: every answer must be the one that the same question had alone; memory at the start, the middle and the end.
slow: callers who send nothing, half a header or half a body, more than there are places; health must be answered.
kills: rekognition_local --data is killed while faces are indexed; every face that was answered must be there again.
stops: SIGTERM and SIGINT under load; every request whose connection was accepted must be answered.
"""

import argparse
import base64
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import EndpointConnectionError

from benchmarks.face_engines import OURS
from benchmarks.verifier import made_up_model, photographs
from face_validation.client import FaceValidationClient
from face_validation.client.errors import ConnectionFailedError, FaceValidationError
from face_validation.client.profiles import Connection
from face_validation.local.aws.moto_services import aws_client
from face_validation.local.samples.questions import SAMPLES, sample_jpeg

PHASES = ("load", "slow", "kills", "stops")
_HEADER = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
HALF = {"nothing": b"", "half a header": _HEADER, "half a body": _HEADER + b"Content-Length: 99\r\n\r\n{"}


def main() -> None:
    """Run the phases that are named, or all; one line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phases", nargs="*", metavar="PHASE", help=f"{', '.join(PHASES)}; by default all of them")
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--kills", type=int, default=45)
    asked = parser.parse_args()
    if unknown := set(asked.phases) - set(PHASES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; the phases are {', '.join(PHASES)}")
    run: dict[str, Callable[[], dict[str, Any]]] = {
        "load": lambda: load(asked.clients, asked.minutes * 60),
        "slow": slow,
        "kills": lambda: kills(asked.kills),
        "stops": lambda: stops(asked.clients),
    }
    for phase in asked.phases or PHASES:
        found = run[phase]()
        say({"phase": phase, **found})


def say(found: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def load(clients: int, seconds: float) -> dict[str, Any]:
    """Questions with known answers, and people who come and go, by `clients` at once for so long."""
    with stack() as (process, info), Connection.resolve(str(info)).client(attempts=1) as client:
        alone = [answer(client, number) for number in range(len(SAMPLES))]
        for question, told in zip(SAMPLES, alone, strict=True):
            if told.startswith("{") == (question.expected == "refusal"):
                raise SystemExit(f"Alone, {question.name} is not answered as expected: {told}")
        outcomes: Counter[str] = Counter()
        memory = [memory_mb(process.pid)]
        ends = time.monotonic() + seconds

        def ask(seed: int) -> None:
            choose = random.Random(seed)
            while time.monotonic() < ends:
                number = choose.randrange(len(SAMPLES) + 1)
                if number == len(SAMPLES):
                    outcomes[come_and_go(client, f"Person {seed}")] += 1
                else:
                    said = answer(client, number)
                    outcomes["right" if said == alone[number] else f"not as alone: {said[:60]}"] += 1

        def sample() -> None:
            for _ in range(2):
                time.sleep(seconds / 2 - 1)
                memory.append(memory_mb(process.pid))

        sampling = threading.Thread(target=sample)
        sampling.start()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(ask, range(clients)))
        sampling.join()
    return {"clients": clients, "seconds": seconds, "outcomes": outcomes, "memory_mb_start_middle_end": memory}


def answer(client: FaceValidationClient, number: int) -> str:
    """What a sample question is answered, without its id."""
    sample = SAMPLES[number]
    try:
        source = sample_jpeg(sample.source) if sample.source else None
        found = client.validate_files(source, sample_jpeg(sample.target), sample.type).to_answer()
    except Exception as error:  # noqa: BLE001 - whatever happens is an outcome, to be compared with that of the question alone
        return f"{type(error).__name__}: {getattr(error, 'details', error)}"
    return json.dumps({name: value for name, value in found.items() if name != "id_request"}, sort_keys=True)


def come_and_go(client: FaceValidationClient, name: str) -> str:
    """Enrol, find and erase somebody; what became of it."""
    try:
        client.people.enrol(sample_jpeg("hopper"), name)
        client.people.erase_person(name)
    except Exception as error:  # noqa: BLE001 - as above
        return f"people: {type(error).__name__}"
    return "people: right"


def slow() -> dict[str, Any]:
    """Health at every server while 300 callers send nothing, half a header or half a body: the longest wait, in s."""
    waits: dict[str, float] = {}
    with stack() as (_, info), verifier() as (_, verifier_url):
        where = json.loads(info.read_text())
        servers = {
            "gateway": (where["api_url"].rpartition("/")[0], "/healthz"),
            "rekognition": (where["rekognition_endpoint"], "/healthz"),
            "s3": (where["s3_endpoint"], "/"),
            "verifier": (verifier_url, "/healthz"),
        }
        for (server, (url, path)), (kind, sent) in itertools.product(servers.items(), HALF.items()):
            with ExitStack() as callers:
                for _ in range(300):
                    with suppress(OSError):
                        callers.enter_context(connected(url)).sendall(sent)
                began = time.monotonic()
                status = httpx.get(f"{url}{path}", trust_env=False, timeout=60).status_code
                waits[f"{server}, {kind}"] = round(time.monotonic() - began, 2) if status == 200 else float("nan")
    return {"health_s": waits}


def kills(times: int) -> dict[str, Any]:
    """Kill the server `times` times while faces are indexed; how many answered faces were lost."""
    lost, kept = 0, set[str]()
    photo = sample_jpeg("hopper")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(times):
            process, endpoint = rekognition(Path(folder), "--data", f"{folder}/data")
            client = aws_client("rekognition", endpoint)
            if number == 0:
                client.create_collection(CollectionId="kept")
            found = {face["FaceId"] for face in listed(client)}
            lost += len(kept - found)
            killer = threading.Timer(random.uniform(0.5, 4), process.kill)
            killer.start()
            with suppress(Exception):
                while True:
                    indexed = client.index_faces(
                        CollectionId="kept", Image={"Bytes": photo}, ExternalImageId=str(len(kept))
                    )
                    kept |= {record["Face"]["FaceId"] for record in indexed["FaceRecords"]}
            killer.join()
            process.wait(60)
    return {"kills": times, "faces_answered": len(kept), "faces_lost": lost}


def listed(client: Any) -> Iterator[dict[str, Any]]:
    """Every face of the collection."""
    for page in client.get_paginator("list_faces").paginate(CollectionId="kept"):
        yield from page["Faces"]


def stops(clients: int) -> dict[str, Any]:
    """Stop each server by each signal under load: seconds to the end, exit code, and what became of the requests."""
    found = {}
    question = {"Host": "localhost", "X-Amz-Target": "RekognitionService.DetectFaces"}
    body = json.dumps({"Image": {"Bytes": base64.b64encode(sample_jpeg("hopper")).decode()}})
    photo = photographs()[0]
    for by in (signal.SIGTERM, signal.SIGINT):
        with tempfile.TemporaryDirectory() as folder:
            process, endpoint = rekognition(Path(folder))
            ask = lambda http: http.post(endpoint, content=body, headers=question).status_code  # noqa: B023, E731
            found[f"rekognition {by.name}"] = stopped(process, by, ask, clients)
            say(found)
        with verifier() as (process, url):
            ask = lambda http: http.post(f"{url}/verify", files={"image": ("a.jpg", photo)}).status_code  # noqa: E731
            found[f"verifier {by.name}"] = stopped(process, by, ask, clients)
            say(found)
        with stack() as (process, info), Connection.resolve(str(info)).client(attempts=1) as client:
            found[f"stack {by.name}"] = stopped(process, by, partial(validated, client), clients)
            say(found)
    return found


def validated(client: FaceValidationClient, _: httpx.Client) -> int:
    """The status of one validation; httpx's error when its connection failed."""
    try:
        client.validate_files(sample_jpeg("hopper"), sample_jpeg("hopper-again"), "FACE_TO_FACE")
    except ConnectionFailedError as error:
        if isinstance(error.__cause__, EndpointConnectionError):  # S3's door is shut, too
            raise httpx.ConnectError(str(error)) from None
        raise error.__cause__ or error from None
    except FaceValidationError as error:
        return error.status or 0
    return 200


def stopped(process: "subprocess.Popen[bytes]", by: int, ask: Callable[[httpx.Client], int], clients: int) -> Any:
    """Ask by `clients` at once, give the signal, and count what became of every request."""
    outcomes: Counter[str] = Counter()
    told = threading.Event()

    def keep_asking(_: int) -> None:
        with httpx.Client(trust_env=False, timeout=60) as http:
            while True:
                try:
                    outcomes[str(ask(http))] += 1
                except httpx.ConnectError:
                    return
                except httpx.HTTPError as error:
                    outcomes[f"{type(error).__name__} after the signal: {told.is_set()}"] += 1
                    return
                if told.is_set() and process.poll() is not None:
                    return

    with ThreadPoolExecutor(clients) as pool:
        asking = [pool.submit(keep_asking, number) for number in range(clients)]
        time.sleep(5)
        told.set()
        began = time.monotonic()
        process.send_signal(by)
        code = process.wait(90)
        took = round(time.monotonic() - began, 1)
        for one in asking:
            one.result(90)
    return {"seconds": took, "code": code, "outcomes": outcomes}


@contextmanager
def stack() -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """`face-validation local` as a process, with its info file."""
    with tempfile.TemporaryDirectory() as folder:
        info = Path(folder) / "stack.json"
        command = ["-m", "face_validation.cli.app", "local", "--port", "0", "--info", str(info), "--log-level", "ERROR"]
        with running(command, lambda: info.exists()) as process:
            yield process, info


@contextmanager
def verifier() -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """The verifier of nobody as a process, with its address."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        made_up_model(OURS).save(Path(folder) / "verifier.json")
        url = f"http://127.0.0.1:{port}"
        command = [
            "-m",
            "face_validation.cli.app",
            "verifier",
            "serve",
            "--port",
            str(port),
            "--model",
            f"{folder}/verifier.json",
        ]
        with running(command, lambda: is_up(url)) as process:
            yield process, url


def rekognition(folder: Path, *arguments: str) -> tuple["subprocess.Popen[bytes]", str]:
    """`python -m rekognition_local` as a process, with its endpoint."""
    info = folder / "rekognition.json"
    info.unlink(missing_ok=True)  # of the run that was killed
    command = [sys.executable, "-m", "rekognition_local", "--port", "0", "--info", str(info), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until(lambda: info.exists() or process.poll() is not None)
    return process, str(json.loads(info.read_text())["endpoint"])


@contextmanager
def running(command: list[str], ready: Callable[[], bool]) -> Iterator["subprocess.Popen[bytes]"]:
    """Our own Python program as a process, once it is ready; ended at last."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    try:
        until(lambda: ready() or process.poll() is not None)
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()


def until(condition: Callable[[], bool]) -> None:
    """Wait for it, two minutes at most."""
    ends = time.monotonic() + 120
    while not condition() and time.monotonic() < ends:
        time.sleep(0.05)


def is_up(url: str) -> bool:
    """Whether health is answered."""
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
    return False


def connected(url: str) -> socket.socket:
    """A connection on which nothing was said yet."""
    address = httpx.URL(url)
    return socket.create_connection((address.host, address.port or 80), timeout=30)


def memory_mb(pid: int) -> dict[str, int]:
    """Resident memory of a process and of its children, by what they run."""
    children = [
        int(child) for tasks in Path(f"/proc/{pid}/task").glob("*/children") for child in tasks.read_text().split()
    ]
    return {
        "stack": _resident_mb(pid),
        **{Path(f"/proc/{child}/cmdline").read_text().split("\0")[2]: _resident_mb(child) for child in children},
    }


def _resident_mb(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


if __name__ == "__main__":
    main()
