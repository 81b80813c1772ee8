"""What the preparation of pictures costs: accuracy, machine readable zones, colours of a wide gamut.

    make bench-preparation FACE_DATA=...

- pairs: every development pair of two photographs, each photograph as it is and prepared, at both thresholds.
- zones: drawn passports in photographs of 24 megapixels, from small to large: how many zones are read from the document
  cut out of the original, and from the photograph prepared to some longest sides.
- gamut: photographs rewritten in Display P3: how far the similarity of a pair moves when the colours are converted, and
  when the profile is ignored.
"""

import csv
import json
import os
import random
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path

import boto3
import numpy as np
from botocore.config import Config
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFilter

from face_validation.client.image_preparation import JPEG_QUALITY, LONGEST_SIDE, prepare
from face_validation.local.samples.documents import drawn
from face_validation.local.samples.questions import sample_jpeg
from face_validation.local.stack import LocalStack
from face_validation_function.documents.document import read_document
from face_validation_function.integrations.rekognition_service import RekognitionService
from rekognition_local.engine import Engine
from tests.fakes import file_of
from tests.odd_files import display_p3

PHONE = (5712, 4284)
WIDTHS = (800, 1100, 1400, 1800, 2400, 3200)  # of the document, in pixels of the original
SIDES = (2048, LONGEST_SIDE, 4096)
SCENES = 3  # of each width
THRESHOLDS = (80, 99)
GAMUT_PAIRS = 100

Descriptor = NDArray[np.float32]
Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in ratios of the image."""


class Descriptors:
    """The largest face of each photograph, described once; None where none is found."""

    def __init__(self) -> None:
        self._engine = Engine.load()
        self.as_it_is = cache(lambda path: self.of(path.read_bytes()))
        self.prepared = cache(lambda path: self.of(prepare(path.read_bytes()).content))

    def of(self, content: bytes) -> Descriptor | None:
        pixels = np.asarray(Image.open(BytesIO(content)).convert("RGB"))
        faces = self._engine.detect(pixels)
        return self._engine.embed(pixels, faces[:1])[0] if faces else None

    def similarity(self, one: Descriptor | None, other: Descriptor | None) -> float:
        """Percent; 0 where a face is missing, which is not a match."""
        if one is None or other is None:
            return 0.0
        return float(self._engine.similarity(one[None], other[None])[0, 0])


def photograph_pairs(data: Path) -> Iterator[tuple[Path, Path, bool]]:
    """Two photographs of faces, and whether they show one person."""
    with (data / "cases.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["type"] == "FACE_TO_FACE" and row["expected"] in {"match", "no_match"}:
                yield data / row["source"], data / row["target"], row["expected"] == "match"


def pairs(data: Path, faces: Descriptors) -> Mapping[str, object]:
    """Right decisions of all, as it is and prepared, and how far similarities move."""
    found = []
    for source, target, is_one_person in photograph_pairs(data):
        plain = faces.similarity(faces.as_it_is(source), faces.as_it_is(target))
        ready = faces.similarity(faces.prepared(source), faces.prepared(target))
        found.append((plain, ready, is_one_person))
    plain_scores, prepared_scores, is_match = (np.array(column) for column in zip(*found, strict=True))
    moved = np.abs(plain_scores - prepared_scores)
    return {
        "pairs": len(found),
        "right": {
            f"{name} at {threshold}": int(((scores >= threshold) == is_match).sum())
            for threshold in THRESHOLDS
            for name, scores in (("as it is", plain_scores), ("prepared", prepared_scores))
        },
        "moved": {"mean": float(moved.mean()), "99 %": float(np.quantile(moved, 0.99))},
    }


def photograph_of_passport(width: int, chance: random.Random) -> tuple[Image.Image, Box]:
    """A phone's photograph of a table with a passport on it, and where that is: ratios, with a border of 5 %."""
    portrait = Image.open(BytesIO(sample_jpeg("collins")))
    page = drawn("passport", portrait)
    page = page.resize((width, round(width * page.height / page.width)), Image.Resampling.LANCZOS)
    page = page.convert("RGBA").rotate(chance.uniform(-4, 4), Image.Resampling.BICUBIC, expand=True)
    table = Image.effect_noise((PHONE[0] // 8, PHONE[1] // 8), 24).convert("RGB").resize(PHONE)
    border = round(0.05 * width)
    left, top = (chance.randint(border, whole - part - border) for whole, part in zip(PHONE, page.size, strict=True))
    table.paste(page, (left, top), page)
    right, bottom = left + page.width + border, top + page.height + border
    box = ((left - border) / PHONE[0], (top - border) / PHONE[1], right / PHONE[0], bottom / PHONE[1])
    return table.filter(ImageFilter.GaussianBlur(0.8)), box


def is_read(rekognition: RekognitionService, photograph: bytes, box: Box) -> bool:
    """Whether the zone is read, every check digit right, from the part of a photograph that the service cuts out."""
    image = Image.open(BytesIO(photograph))
    left, top, right, bottom = box
    part = image.crop((left * image.width, top * image.height, right * image.width, bottom * image.height))
    reading = read_document(rekognition.detect_text(file_of(part, quality=JPEG_QUALITY)), date(2026, 1, 1))
    return reading.readable and not reading.has_wrong_digit


def zones() -> Mapping[str, Mapping[int, int]]:
    """How many of SCENES zones are read, by what is sent and by the document's width."""
    found: dict[str, dict[int, int]] = {}
    with LocalStack(log_level="ERROR") as stack:
        client = boto3.client(
            "rekognition", endpoint_url=stack.info.rekognition_endpoint, config=Config(read_timeout=300)
        )
        for width in WIDTHS:
            chance = random.Random(width)
            for _ in range(SCENES):
                taken, box = photograph_of_passport(width, chance)
                photograph = file_of(taken, quality=JPEG_QUALITY)
                sent = {"original": photograph}
                sent |= {f"longest side {side}": prepare(photograph, longest_side=side).content for side in SIDES}
                for name, content in sent.items():
                    by_width = found.setdefault(name, dict.fromkeys(WIDTHS, 0))
                    by_width[width] += is_read(RekognitionService(client), content, box)
    return found


def gamut(data: Path, faces: Descriptors) -> Mapping[str, Mapping[str, float]]:
    """How far the similarity of a pair moves when its first photograph comes in Display P3."""
    profile = ImageCms.ImageCmsProfile(BytesIO(display_p3()))
    moved: dict[str, list[float]] = {"converted": [], "profile ignored": []}
    chosen = random.Random(1).sample(list(photograph_pairs(data)), GAMUT_PAIRS)
    for source, target, _ in chosen:
        other = faces.prepared(target)
        wide = ImageCms.profileToProfile(
            Image.open(source).convert("RGB"), ImageCms.createProfile("sRGB"), profile, outputMode="RGB"
        )
        assert wide is not None
        wide.info = {}  # it carries the profile, which the file without it must not
        own = faces.similarity(faces.prepared(source), other)
        files = {"converted": file_of(wide, "PNG", icc_profile=display_p3()), "profile ignored": file_of(wide, "PNG")}
        for name, file in files.items():
            moved[name].append(abs(faces.similarity(faces.of(prepare(file).content), other) - own))
    return {name: {"mean": float(np.mean(by)), "largest": float(np.max(by))} for name, by in moved.items()}


def main() -> None:
    """Print each part's figures, and one line of JSON."""
    data, faces = Path(os.environ["FACE_DATA"]), Descriptors()
    parts = {"pairs": lambda: pairs(data, faces), "gamut": lambda: gamut(data, faces), "zones": zones}
    figures = {}
    for name, measure in parts.items():
        figures[name] = measure()
        print(name, json.dumps(figures[name], indent=1), flush=True)
    print(json.dumps({"benchmark": "preparation", **figures}))


if __name__ == "__main__":
    main()
