"""ID_IN_FACE on drawn scenes: the right portrait and the right face chosen, and the verdict at 80, per kind of scene.

    make bench-held FACE_DATA=...

Scenes are composed of FACE_DATA's composite documents and of photographs of the same person (match) and of others (no
match): the document beside the face, below it or behind the person, 25 to 60 % of the picture's width, tilted by up to
12 degrees. The rules were written while looking at the first half; the second half was drawn after the last change.
"""

import csv
import io
import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from PIL import Image
from rich.console import Console
from rich.table import Table

from face_validation.client import FaceValidationClient, FaceValidationError, ImageAnalysis, ValidationType
from face_validation.local.demo import client_of
from face_validation.local.stack import LocalStack
from tests.figures.scenes import Box, Place, Scene, held

SCENES_PER_HALF = 120
THRESHOLD = 80.0
SEEDS = {"first half": 1, "second half": 2}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One scene: what it shows, the right answer, and the kinds that it is counted under."""

    scene: Scene
    is_match: bool
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was answered to a scene; `similarity` is None where it was refused, with `refusal` for the reason."""

    drawn: Drawn
    similarity: float | None
    right_faces: bool
    refusal: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the verdict at the threshold is the right one; a refusal never is."""
        return self.similarity is not None and (self.similarity >= THRESHOLD) == self.drawn.is_match


def scenes(data: Path, seed: int) -> Iterator[Drawn]:
    """Scenes of one half, in an order that the seed decides."""
    with (data / "cases.csv").open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["type"] == "ID_TO_FACE" and row["note"].startswith("composite") and row["expected"] != "error"
        ]
    chance = random.Random(seed)
    for place in get_args(Place) * (SCENES_PER_HALF // 3):
        row = chance.choice(rows)
        width, tilt = chance.uniform(0.25, 0.6), chance.uniform(-12, 12)
        document, person = (Image.open(data / row[side]).convert("RGB") for side in ("source", "target"))
        scene = held(person, document, place, width=width, tilt=tilt, mirrored=chance.random() < 0.5)
        level = Path(row["source"]).stem.rsplit("__", 1)[-1]
        size = "width under 40 %" if width < 0.4 else "width from 40 %"
        yield Drawn(scene, row["expected"] == "match", (place, level, size, row["expected"]))


def judged(client: FaceValidationClient, drawn: Drawn) -> Judged:
    """One scene through the API."""
    file = io.BytesIO()
    drawn.scene.image.save(file, "JPEG", quality=90)
    try:
        answer = client.validate_files(
            None, file.getvalue(), ValidationType.ID_IN_FACE, threshold=THRESHOLD, include=["boxes", "reasons"]
        )
    except FaceValidationError as error:
        return Judged(drawn, None, right_faces=False, refusal=", ".join(error.reasons) or error.code)
    assert answer.boxes is not None
    portrait = lies_in(answer.boxes.source, drawn.scene.document)
    holder = lies_in(answer.boxes.target, drawn.scene.person) and not lies_in(answer.boxes.target, drawn.scene.document)
    return Judged(drawn, answer.similarity, right_faces=portrait and holder)


def lies_in(seen: ImageAnalysis, area: Box) -> bool:
    """Whether the middle of the compared face lies in an area of the image."""
    box = seen.faces[seen.compared].box
    x, y = (box.left + box.width / 2) * seen.width, (box.top + box.height / 2) * seen.height
    return area[0] <= x <= area[2] and area[1] <= y <= area[3]


def main() -> None:
    """Print a table for each half, and one line of JSON."""
    data, console, figures = Path(os.environ["FACE_DATA"]), Console(), {}
    with LocalStack() as stack, client_of(stack.info) as client:
        for half, seed in SEEDS.items():
            results = [judged(client, drawn) for drawn in scenes(data, seed)]
            kinds = defaultdict(list)
            for result in results:
                for kind in ("all", *result.drawn.kinds):
                    kinds[kind].append(result)
            table = Table("scenes", "number", "answered", "right faces of those", f"right at {THRESHOLD:g}", title=half)
            for kind, some in kinds.items():
                answered = [result for result in some if result.similarity is not None]
                right_faces = sum(result.right_faces for result in answered)
                right = sum(result.is_right for result in some)
                figures[f"{half}, {kind}"] = [len(some), len(answered), right_faces, right]
                share = f"{right} ({right / len(some):.1%})"
                table.add_row(kind, str(len(some)), str(len(answered)), str(right_faces), share)
            console.print(table)
            console.print(dict(Counter(result.refusal for result in results if result.refusal)))
    print(json.dumps({"benchmark": "held documents", "columns": ["n", "answered", "faces", "right"], **figures}))


if __name__ == "__main__":
    main()
