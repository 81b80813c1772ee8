"""What two workers take together, whatever large files come at once: measured in a process tree of its own."""

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.face_engines import OURS
from benchmarks.verifier import made_up_model
from tests.fakes import file_of
from tests.person_verifier.fakes import png
from tests.person_verifier.serving import Server, running_server
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="no /proc: the memory of a process cannot be read"),
]

# docs/verifier.md promises a gigabyte.
MOST_MB = 1000
AT_ONCE = 12


def palette() -> bytes:
    """5 kB of file."""
    return file_of(Image.new("P", (7000, 7000), 0), "PNG", transparency=0)


def many_colours() -> bytes:
    """Four bytes for each pixel, the most that a decoded image has."""
    return file_of(Image.new("RGBA", (7000, 7000), (9, 9, 9, 99)), "PNG", compress_level=1)


def wide() -> bytes:
    """Of few rows, so that any number of whole rows is much of the image."""
    return file_of(Image.new("RGB", (600_000, 80)), "PNG", compress_level=1, transparency=(0, 0, 0))


def progressive() -> bytes:
    return file_of(Image.new("RGB", (5700, 5700)), "JPEG", progressive=True, subsampling=0)


def just_not_large() -> bytes:
    """Decoded by both workers at once."""
    return file_of(Image.new("RGBA", (4096, 4096), (9, 9, 9, 99)), "PNG", compress_level=1)


def incompressible() -> bytes:
    """Almost 15 MB, the largest file that is taken."""
    pixels = np.random.default_rng(0).integers(0, 256, (2200, 2200, 3), np.uint8)
    return file_of(Image.fromarray(pixels), "PNG", compress_level=0)


@pytest.mark.long
def test_two_workers_stay_under_a_gigabyte_whatever_is_sent_and_give_it_back(
    tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    made_up_model(OURS).save(tmp_path / "verifier.json")
    command = ["-c", "from face_validation.cli.verifier import app; app()", "serve", "--workers", "2"]
    files = [made() for made in (palette, many_colours, wide, progressive, just_not_large, incompressible)]
    photo = png(astronaut)
    with running_server(tmp_path, command, VERIFIER_MODEL=str(tmp_path / "verifier.json")) as server:
        # All threads of both workers have had a photo: what each of them keeps is counted.
        assert ask_together(server, [photo] * 48)[0] == {200}
        used = memory_mb(server)

        statuses, peak = ask_together(server, [*files, *[palette()] * 4, incompressible(), *files])

        assert statuses == {422}  # no face
        assert peak < MOST_MB
        until(lambda: memory_mb(server) < used + 100)


def ask_together(server: Server, files: list[bytes]) -> tuple[set[int], float]:
    """The statuses of all answers, and the most memory that was seen meanwhile in MB."""

    def ask(file: bytes) -> int:
        return httpx.post(f"{server.url}/verify", files={"image": file}, timeout=200, trust_env=False).status_code

    peak = 0.0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = [pool.submit(ask, file) for file in files]
        while not all(answer.done() for answer in answers):
            peak = max(peak, memory_mb(server))
            time.sleep(0.05)
    return {answer.result() for answer in answers}, peak


def memory_mb(server: Server) -> float:
    """What the server and its workers hold together; what they share counts once (PSS)."""
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in (server.process.pid, *server.workers())]
    return sum(int(re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[0]) for rollup in rollups) / 1024
