"""How fast POST /verify answers a 1-megapixel photograph, beside the same server on the `face_recognition` library.

Latency on one core, one request after another, over HTTP on a kept connection; throughput on two workers and two
cores. The client runs on the other cores. The verifier's numbers are made up: they cost the same whoever the person is.

    make bench-verifier
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from benchmarks.face_engines import OURS, FaceRecognition
from benchmarks.measuring import PEER, milliseconds, peer_versions, show
from face_validation.local.samples.questions import eileen_collins, grace_hopper, jpeg
from person_verifier.training.model import VerifierModel
from rekognition_local.engine import Engine
from tests.person_verifier.serving import Server, running_server

TO_BEAT_MS = 28.7
CLIENT = partial(httpx.Client, timeout=60, trust_env=False)
PIXELS = 1_000_000
REQUESTS = {OURS: 300, PEER: 20}
CALLERS = 8


def main() -> None:
    """Measure both and print the table, then one line of JSON.

    Milliseconds a request are on one core, requests a second on two workers, memory is one worker's. `cpu_ms` is the
    worker's processor time for one request: it tells more than the clock where the machine is busy.
    """
    peers, photos = peer_versions(), photographs()
    rows = [
        {"engine": engine, **latency(engine, photos), "requests_per_s": round(throughput(engine, photos), 2)}
        for engine in (OURS, *peers)
    ]
    show("verifier", "POST /verify, 1 megapixel", rows, to_beat_ms=TO_BEAT_MS, peers=peers)


def photographs() -> list[bytes]:
    """Two portraits as JPEGs of about one megapixel."""
    files = []
    for photo in (eileen_collins(), grace_hopper()):
        scale = (PIXELS / (photo.width * photo.height)) ** 0.5
        size = (round(photo.width * scale), round(photo.height * scale))
        files.append(jpeg(photo.resize(size, Image.Resampling.LANCZOS), quality=90))
    return files


def latency(engine: str, photos: list[bytes]) -> dict[str, float]:
    """p50, p99 and processor time in ms of one request after another, on one core, and the worker's memory in MB."""
    with serving(engine, workers=1, cores=1) as server, CLIENT() as http:
        for photo in islice(cycle(photos), 6):
            ask(http, server.url, photo)
        before, _ = worker_usage(server)
        took = [milliseconds(ask, http, server.url, photo) for photo in islice(cycle(photos), REQUESTS[engine])]
        after, memory = worker_usage(server)
    p50, p99 = np.percentile(took, [50, 99]).tolist()
    figures = {"p50_ms": p50, "p99_ms": p99, "cpu_ms": (after - before) / len(took), "worker_mb": memory}
    return {name: round(value, 2) for name, value in figures.items()}


def throughput(engine: str, photos: list[bytes]) -> float:
    """Requests a second that two workers on two cores answer to several callers."""
    count = REQUESTS[engine] * 2
    with serving(engine, workers=2, cores=2) as server, CLIENT() as http, ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(lambda photo: ask(http, server.url, photo), islice(cycle(photos), 16)))
        began = time.perf_counter()
        list(callers.map(lambda photo: ask(http, server.url, photo), islice(cycle(photos), count)))
        return count / (time.perf_counter() - began)


def ask(http: httpx.Client, url: str, photo: bytes) -> None:
    """Wait for the whole answer."""
    http.post(f"{url}/verify", files={"image": ("photo.jpg", photo, "image/jpeg")}).raise_for_status()


@contextmanager
def serving(engine: str, workers: int, cores: int) -> Iterator[Server]:
    """A server with this engine on the last `cores` cores, this process on the others."""
    every = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "verifier.json"
        made_up_model(engine).save(model)
        os.sched_setaffinity(0, every[-cores:])  # the server inherits it
        command = ["-W", "ignore", "-m", "benchmarks.verifier", engine]
        try:
            with running_server(
                Path(folder), command, VERIFIER_MODEL=str(model), VERIFIER_WORKERS=str(workers)
            ) as server:
                os.sched_setaffinity(0, every[:-cores] or every)
                yield server
        finally:
            os.sched_setaffinity(0, every)


def made_up_model(engine: str) -> VerifierModel:
    """A verifier of nobody, of the right size."""
    noise = np.random.default_rng(0)
    size = 128 if engine != OURS else Engine.load().embed(np.zeros((1, 1, 3), np.uint8), []).shape[1]
    texts = ("model_version", "created", "threshold_rule", "data_sha256", "recipe_sha256")
    made_up = {
        **dict.fromkeys(texts, "benchmark"),
        **dict.fromkeys(("photos_of_me", "photos_of_others", "c", "intercept"), 0),
        **{name: noise.normal(0, 0.1, size + 1).tolist() for name in ("mean", "coefficients")},
        "embedding_model": Engine.load().model_id if engine == OURS else PEER,
        "threshold": 0.75,
        "person": noise.normal(0, 0.1, size).tolist(),
        "scale": [0.1] * (size + 1),
    }
    return VerifierModel.model_validate(made_up)


def worker_usage(server: Server) -> tuple[float, float]:
    """Processor time in ms and resident memory in MB of the server's first worker, what it shares included."""
    worker = server.workers()[0]
    fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    ticks, pages = int(fields[11]) + int(fields[12]), int(fields[21])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def serve_one(engine: str) -> None:
    """The child process: the verifier's own server with the engine asked for."""
    from person_verifier.serving.server import serve
    from person_verifier.serving.settings import ServerSettings

    serve(Engine.load if engine == OURS else FaceRecognition, ServerSettings.from_environment())


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve_one(sys.argv[1])
    else:
        main()
