"""Every hostile file, as source and as target, is answered as its row says: no 5xx, no hang, never a gigabyte."""

import csv
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from face_validation.local.samples.questions import sample_jpeg
from tests.fakes import file_of, opened
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.long]

MAX_RSS_KB = 1024 * 1024
# A safety net under the machine, far above what is allowed: address space counts mapped libraries too.
MAX_ADDRESS_SPACE = 12 * 1024**3
ANSWER_S = 29.0
REFUSALS = {"InvalidS3ObjectError", "ImageTooLargeError", "ImageValidationError"}


@dataclass(frozen=True, slots=True)
class Served:
    """The local stack in a process of its own, so that its memory is its own."""

    pid: int
    info: dict[str, str]

    def peak_kb(self) -> dict[str, int]:
        """The largest resident size so far of the stack's process and of its children, by pid and name."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        peaks = {}
        for pid in [str(self.pid), *children]:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            peaks[f"{pid} {status['Name'].strip()}"] = int(status["VmHWM"].split()[0])
        return peaks


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    info = tmp_path_factory.mktemp("stack") / "info.json"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "face_validation.cli.app",
            "local",
            "--port",
            "0",
            "--info",
            str(info),
            "--log-level",
            "ERROR",
        ],
        stdout=subprocess.DEVNULL,
    )
    resource.prlimit(process.pid, resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    try:
        until(lambda: info.exists() or process.poll() is not None)
        assert info.exists(), "the local stack ended before it was ready"
        yield Served(process.pid, json.loads(info.read_text()))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def rows(face_data: Path) -> list[dict[str, str]]:
    with (face_data / "hostile" / "hostile.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def put(served: Served, side: str, key: str, data: bytes) -> None:
    s3 = boto3.client("s3", endpoint_url=served.info["s3_endpoint"])
    s3.put_object(Bucket=served.info[f"{side}_bucket"], Key=key, Body=data)


def token_of(served: Served) -> str:
    asked = {"grant_type": "client_credentials", "scope": "face-detection/read face-detection/write"}
    client = {name: served.info[name] for name in ("client_id", "client_secret")}
    token: str = httpx.post(served.info["token_url"], data=asked | client).json()["access_token"]
    return token


def validated(served: Served, token: str, side: str, key: str, kind: str) -> httpx.Response:
    paths = {"source_path": "good.jpg", "target_path": "good.jpg", f"{side}_path": key}
    return asked(served, token, {"type": kind, **paths})


def asked(served: Served, token: str, question: dict[str, Any]) -> httpx.Response:
    return httpx.post(
        f"{served.info['api_url']}/validation",
        json=question,
        headers={"Authorization": f"Bearer {token}"},
        timeout=ANSWER_S,
    )


def verdict(side: str, row: dict[str, str], response: httpx.Response) -> str | None:
    """What is wrong with an answer, None when it is as its row expects."""
    body: dict[str, Any] = response.json()
    where = f"{row['file']} as {side}, expected {row['expected']}: {response.status_code} {body}"
    if response.status_code == 200:
        good = "ok" in row["expected"].split("_or_") or row["expected"].startswith("faces=")
        return None if good else where
    error = body["error"]
    if response.status_code >= 500 or error["code"] not in REFUSALS:
        return where
    named = error["details"].startswith(f"{side}, ") or error["details"].startswith("compare_faces")
    if row["expected"] == "ok" or row["expected"].startswith("faces=") or not named:
        return where
    if error["code"] == "ImageTooLargeError" and "limit" not in error["details"]:
        return f"{where} (no limit told)"
    return None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("side", ["source", "target"])
def test_every_hostile_file_gets_what_its_row_expects_on_either_side(
    face_data: Path, served: Served, side: str
) -> None:
    token = token_of(served)
    for bucket in ("source", "target"):
        put(served, bucket, "good.jpg", sample_jpeg("collins"))
    questions = rows(face_data)
    for row in questions:
        put(served, side, row["file"], (face_data / row["file"]).read_bytes())

    def ask(row: dict[str, str]) -> str | None:
        return verdict(side, row, validated(served, token, side, row["file"], "FACE_TO_FACE"))

    with ThreadPoolExecutor(2) as pool:
        wrong = [answer for answer in pool.map(ask, questions) if answer]

    assert questions
    assert not wrong, "\n".join(wrong)
    peaks = served.peak_kb()
    assert max(peaks.values()) < MAX_RSS_KB, peaks


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("side", "question"),
    [
        pytest.param(
            "source",
            {"type": "ID_TO_FACE", "target_path": "good.jpg", "include": ["boxes", "reasons", "quality", "document"]},
            id="every-part-of-an-answer",
        ),
        pytest.param("target", {"type": "ID_IN_FACE", "include": ["reasons", "quality"]}, id="held-by-a-person"),
    ],
)
def test_no_hostile_file_as_a_document_brings_a_5xx_or_a_hang(
    face_data: Path, served: Served, side: str, question: dict[str, Any]
) -> None:
    token = token_of(served)
    put(served, "target", "good.jpg", sample_jpeg("collins"))
    files = [row["file"] for row in rows(face_data)]
    for file in files:
        put(served, side, file, (face_data / file).read_bytes())

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda file: asked(served, token, {**question, f"{side}_path": file}), files))

    refused = {file: answer.json() for file, answer in zip(files, answers, strict=True) if answer.status_code != 200}
    assert {answer.status_code for answer in answers} <= {200, 422}
    assert {answer["error"]["code"] for answer in refused.values()} <= REFUSALS
    assert max(served.peak_kb().values()) < MAX_RSS_KB, served.peak_kb()


def test_ten_pairs_of_the_largest_images_at_once_stay_within_two_gigabytes(served: Served) -> None:
    """16 megapixels on both sides of each of ten items; the deployed function's memory is chosen for it."""
    photograph = opened(sample_jpeg("collins")).resize((4096, 4096))
    for side in ("source", "target"):
        put(served, side, "big.jpg", file_of(photograph, quality=80))
    item = {"type": "FACE_TO_FACE", "source_path": "big.jpg", "target_path": "big.jpg"}

    response = httpx.post(
        f"{served.info['api_url']}/validation",
        json=[item] * 10,
        headers={"Authorization": f"Bearer {token_of(served)}"},
        timeout=ANSWER_S,
    )

    assert [answer["matched"] for answer in response.json()] == [True] * 10
    assert max(served.peak_kb().values()) < 2 * MAX_RSS_KB, served.peak_kb()
