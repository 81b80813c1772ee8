"""1,500 mutated image files through every reader of ours: none may bring a 500, a hang or much memory.

Each file goes through POST /validation's handler as source (with stand-ins for S3 and Rekognition, so that whatever is
slow or fails is ours), through rekognition_local's decoder, and through the client's preparation. Deterministic.

    make bench-images ARGS='--files 1500 --seed 1'
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from pathlib import Path

import typer
from aws_lambda_powertools import Logger
from PIL import Image

from face_validation.client.errors import FaceValidationError
from face_validation.client.image_preparation import prepare
from face_validation.local.gateway.proxy_event import LambdaContext
from face_validation.local.samples.questions import eileen_collins, jpeg
from face_validation_function.faces import BoundingBox, Document, Face
from face_validation_function.integrations.rekognition_service import FaceMatch
from face_validation_function.integrations.s3_service import StoredPhoto
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.rest_function import RestFunction
from face_validation_function.settings import Settings
from rekognition_local.engine import images
from tests.fakes import NO_LIVENESS
from tests.image_mutations import mutated

SLOW_S = 10.0  # far above what any of these small files takes on a busy machine


class OneObject:
    """A bucket that has one object under every key but `target`."""

    def __init__(self) -> None:
        self.source = b""
        self._target = jpeg(eileen_collins().resize((200, 200)))

    def photo(self, bucket: str, key: str) -> StoredPhoto:
        """The object; the bucket does not matter."""
        del bucket
        return StoredPhoto(self._target if key == "target" else self.source, "1", None)


class OneFace:
    """A Rekognition that sees the same face and document in every file that a strict reader can open."""

    def detect_faces(self, image: bytes) -> list[Face]:
        """One face in the middle."""
        Image.open(BytesIO(image)).load()
        return [Face(BoundingBox(0.3, 0.3, 0.4, 0.4), 99.0)]

    def detect_labels(self, image: bytes) -> list[Document]:
        """One passport."""
        Image.open(BytesIO(image)).load()
        return [Document("Passport", 97.0, BoundingBox(0.1, 0.1, 0.8, 0.8))]

    def compare_faces(self, source: bytes, target: bytes) -> list[FaceMatch]:
        """A match in the middle."""
        for image in (source, target):
            if Image.open(BytesIO(image)).info.get("comment"):
                raise AssertionError("a comment was sent")
        return [FaceMatch(BoundingBox(0.0, 0.0, 1.0, 1.0), 97.0)]


@dataclass(slots=True)
class Figures:
    """What became of the files: outcomes by reader, the slowest one, and what must not be."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def add(self, reader: str, number: int, outcome: str, began: float, *, is_fault: bool = False) -> None:
        """Count one file at one reader."""
        took = time.perf_counter() - began
        self.slowest_s = max(self.slowest_s, took)
        self.outcomes[f"{reader}: {outcome}"] += 1
        if is_fault or took > SLOW_S:
            self.faults.append(f"file {number} at {reader}: {outcome} after {took:.1f} s")


def run(files: int, seed: int) -> Figures:
    """Every file through every reader."""
    figures, bucket = Figures(), OneObject()
    adapters = Adapters(
        settings=Settings("sources", "targets", "claims"),
        s3=bucket,  # type: ignore[arg-type]  # the stand-ins have the methods that the handler uses
        rekognition=OneFace(),  # type: ignore[arg-type]
        logger=Logger("campaign", level="CRITICAL"),
        liveness=NO_LIVENESS,
    )
    handler = RestFunction(OPERATIONS, lambda: adapters)
    for number, data in enumerate(mutated(files, seed)):
        bucket.source = data
        kind = ("FACE_TO_FACE", "ID_TO_FACE")[number % 2]
        began = time.perf_counter()
        body = json.dumps({"type": kind, "source_path": "source", "target_path": "target"})
        event = {"httpMethod": "POST", "resource": "/validation", "body": body, "isBase64Encoded": False}
        status = handler(event, LambdaContext(28.0))["statusCode"]
        is_fault = status not in {HTTPStatus.OK, HTTPStatus.UNPROCESSABLE_ENTITY}
        figures.add("validation", number, str(status), began, is_fault=is_fault)
        began = time.perf_counter()
        try:
            images.decode(data)
            figures.add("rekognition_local", number, "decoded", began)
        except images.ImageError as error:
            figures.add("rekognition_local", number, type(error).__name__, began)
        began = time.perf_counter()
        try:
            prepare(data)
            figures.add("client", number, "prepared", began)
        except FaceValidationError as error:
            figures.add("client", number, type(error).__name__, began)
    return figures


def main() -> None:
    """Run, print the figures, and end with 1 when a file did what it must not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    figures = run(options.files, options.seed)
    for outcome, number in sorted(figures.outcomes.items()):
        typer.echo(f"{number:6d}  {outcome}")
    typer.echo(f"slowest {figures.slowest_s:.2f} s, all {time.perf_counter() - began:.0f} s, peak {_peak_mb()}")
    typer.echo("\n".join(figures.faults))
    sys.exit(1 if figures.faults else 0)


def _peak_mb() -> str:
    status = Path("/proc/self/status")
    if not status.exists():
        return "not known here"
    (peak_kb,) = re.findall(r"VmHWM:\s+(\d+)", status.read_text())
    return f"{int(peak_kb) // 1024} MB"


if __name__ == "__main__":
    main()
