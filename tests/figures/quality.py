"""Which quality measure is worth asking for: errors against rejection, on FACE_DATA's people.

    make bench-quality FACE_DATA=...

Every pair of two photographs of one person is a match. For each measure the pairs whose worse face scores lowest are
rejected, 0 to 30 % of them, and the share of the rest that is missed (FNMR) is printed: a measure that is worth asking
for lowers it. The threshold is the one of 0.1 % false matches over all pairs of two persons. "photographs" are as they
came; in "degraded" one of the two is blurred, darkened, made smaller or lit from one side, at random.
"""

import itertools
import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from rich.console import Console
from rich.table import Table

from face_validation_function.faces import BoundingBox, Face, Landmarks, Pose
from face_validation_function.quality.measures import SCALES, Quality
from face_validation_function.quality.pixels import face_quality
from rekognition_local.engine import Engine

REJECTED = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
TARGET_FMR = 0.001


@dataclass(frozen=True, slots=True)
class Sample:
    """One photograph's most prominent face: whose it is, its descriptor (d,) and its measures."""

    person: str
    descriptor: NDArray[np.float32]
    quality: Quality


def photographs(data: Path) -> dict[str, list[Path]]:
    """The development photographs by person, of everyone with two at least."""
    people: dict[str, list[Path]] = {}
    for path in sorted((data / "faces").glob("*/*/*.jpg")):
        people.setdefault(path.parent.name, []).append(path)
    return {person: paths for person, paths in people.items() if len(paths) > 1}


def degraded(image: Image.Image, chance: random.Random) -> Image.Image:
    """The photograph under one degradation of a random strength."""
    kind, strength = chance.choice(("blur", "dark", "small", "one-sided")), chance.random()
    width, height = image.size
    if kind == "blur":
        return image.filter(ImageFilter.GaussianBlur(1 + 5 * strength * width / 250))
    if kind == "dark":
        return ImageEnhance.Brightness(image).enhance(0.5 - 0.46 * strength)
    if kind == "small":
        scale = 0.5 - 0.35 * strength
        return image.resize((max(32, round(width * scale)), max(32, round(height * scale))), Image.Resampling.BOX)
    ramp = Image.linear_gradient("L").rotate(90).resize(image.size).point(lambda level: int(255 - strength * level))
    return Image.composite(image, Image.new("RGB", image.size), ramp)


def sample(engine: Engine, person: str, image: Image.Image) -> Sample | None:
    """The image's largest face; None where none is found."""
    pixels = np.asarray(image)
    faces = engine.detect(pixels)
    if not faces:
        return None
    found = faces[0]
    turned = engine.attributes(pixels, found)
    points = [(float(x), float(y)) for x, y in found.landmarks]
    box = BoundingBox(found.left, found.top, found.width, found.height)
    face = Face(box, found.confidence, Landmarks(*points), Pose(turned.roll, turned.yaw, turned.pitch))
    return Sample(person, engine.embed(pixels, [found])[0], face_quality(image, face))


def pairs(firsts: Sequence[Sample], seconds: Sequence[Sample]) -> Iterator[tuple[int, int]]:
    """Indices of two photographs of one person."""
    for i, j in itertools.product(range(len(firsts)), range(len(seconds))):
        if firsts[i].person == seconds[j].person and firsts[i] is not seconds[j] and (firsts is not seconds or i < j):
            yield i, j


def curves(engine: Engine, firsts: Sequence[Sample], seconds: Sequence[Sample]) -> Mapping[str, Sequence[float]]:
    """FNMR at each share rejected, by measure; "random" is the one to beat."""
    scores = engine.similarity(
        np.stack([one.descriptor for one in firsts]), np.stack([one.descriptor for one in seconds])
    )
    people = np.array([one.person for one in firsts]), np.array([one.person for one in seconds])
    threshold = float(np.quantile(scores[people[0][:, None] != people[1][None, :]], 1 - TARGET_FMR))
    matches = list(pairs(firsts, seconds))
    missed = np.array([scores[i, j] < threshold for i, j in matches])
    found: dict[str, Sequence[float]] = {}
    for measure in SCALES:
        worse = np.array([min(firsts[i].quality[measure].score, seconds[j].quality[measure].score) for i, j in matches])
        order = np.argsort(-worse, kind="stable")
        found[measure] = [float(missed[order[: round(len(order) * (1 - share))]].mean()) for share in REJECTED]
    found["pairs, misses"] = [float(len(matches)), float(missed.sum())]
    return found


def main() -> None:
    """Print one table a set, and one line of JSON."""
    engine, chance = Engine.load(), random.Random(1)
    plain: list[Sample] = []
    worse: list[Sample] = []
    for person, paths in photographs(Path(os.environ["FACE_DATA"])).items():
        for path in paths[:6]:
            image = Image.open(path).convert("RGB")
            plain += filter(None, [sample(engine, person, image)])
            worse += filter(None, [sample(engine, person, degraded(image, chance))])
    console = Console()
    figures = {}
    for name, seconds in (("photographs", plain), ("degraded", worse)):
        figures[name] = found = curves(engine, plain, seconds)
        count, misses = found["pairs, misses"]
        table = Table("measure", *(f"{share:.0%}" for share in REJECTED))
        table.title = f"{name}: {count:.0f} pairs, {misses:.0f} missed; FNMR in percent by share rejected"
        for measure in SCALES:
            table.add_row(measure, *(f"{100 * rate:.2f}" for rate in found[measure]))
        console.print(table)
    print(json.dumps({"benchmark": "quality", "rejected": REJECTED, **figures}))


if __name__ == "__main__":
    main()
