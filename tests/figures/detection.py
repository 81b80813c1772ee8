"""How many faces are found, kind by kind, and how many finds are not a face of the drawing.

    FACE_DATA=... python -m tests.figures.detection

Every ninth development photograph is drawn in each way. A face counts as found when its five points lie where the
drawing puts them, on average within half of the distance of its eyes: so one that is found upside down is missed.
"""

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from rekognition_local.engine import DetectedFace, Engine, images

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

GROUP, ROWS = (902, 894), 4
GREY = (128, 128, 128)


@dataclass(frozen=True, slots=True)
class Photograph:
    """Pixels, and of its most prominent face the points (5, 2) and the height, in pixels."""

    pixels: Pixels
    points: Floats
    face_height: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture of one kind and the points (5, 2) of each face in it."""

    kind: str
    pixels: Pixels
    faces: Sequence[Floats]


def photographs(data: Path, engine: Engine) -> list[Photograph]:
    """Every ninth development photograph, with its most central face of those at least half as large as the largest."""
    paths = sorted([*(data / "faces").glob("*/*/*.jpg"), *(data / "identities").glob("*/*.jpg")])
    found = []
    for path in paths[::9]:
        pixels = images.decode(path.read_bytes())
        faces = engine.detect(pixels)
        large = [face for face in faces if face.height > 0.5 * faces[0].height]
        if large:
            central = min(large, key=lambda face: abs(face.left + face.width / 2 - 0.5))
            height, width = pixels.shape[:2]
            points = central.landmarks.astype(np.float64) * (width, height)
            found.append(Photograph(pixels, points, central.height * height))
    return found


def moved(photo: Photograph, matrix: Floats, size: tuple[int, int]) -> tuple[Pixels, Floats]:
    """The photograph on a grey canvas (width, height) by an affine map (2, 3), and where its face's points then lie."""
    scale = float(np.hypot(matrix[0, 0], matrix[0, 1]))
    pixels, before = photo.pixels, 1.0
    while scale * 2 < 1:  # halved first: a large step would alias
        pixels, before, scale = cv2.pyrDown(pixels).astype(np.uint8), before * 2, scale * 2
    placed = matrix * (before, before, 1)
    drawn = cv2.warpAffine(pixels, placed, size, borderMode=cv2.BORDER_CONSTANT, borderValue=GREY)
    return drawn.astype(np.uint8), photo.points @ matrix[:, :2].T + matrix[:, 2]


def about_centre(photo: Photograph, degrees: float, scale: float, size: tuple[int, int] | None = None) -> Drawn:
    """Turned and scaled about its centre, on a canvas of its own size or another."""
    height, width = photo.pixels.shape[:2]
    size = (width, height) if size is None else size
    matrix = np.array(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale), np.float64)
    matrix[:, 2] += np.array(size) / 2 - (width / 2, height / 2)
    pixels, points = moved(photo, matrix, size)
    return Drawn("", pixels, [points])


def compressed(pixels: Pixels) -> Pixels:
    """As a JPEG of quality 60 has it."""
    file = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def group(photos: Sequence[Photograph], chosen: random.Random, least: float, most: float) -> Drawn:
    """Sixteen faces of 40 to 60 px, leaning by so many degrees to either side, on a smooth background."""
    width, height = GROUP
    corners = np.array([[[chosen.randrange(256) for _ in range(3)] for _ in range(2)] for _ in range(2)], np.uint8)
    canvas = cv2.resize(corners, GROUP, interpolation=cv2.INTER_LINEAR).astype(np.float64)
    faces = []
    for place, photo in enumerate(chosen.sample(list(photos), ROWS * ROWS)):
        degrees = chosen.choice((-1, 1)) * chosen.uniform(least, most)
        scale = chosen.uniform(40, 60) / photo.face_height
        centre = (width * (place % ROWS + 0.5) / ROWS, height * (place // ROWS + 0.5) / ROWS)
        middle = photo.points.mean(axis=0)
        matrix = np.array(cv2.getRotationMatrix2D(middle.tolist(), degrees, scale), np.float64)
        matrix[:, 2] += np.array(centre) - middle
        pixels, points = moved(photo, matrix, GROUP)
        inside = moved(replace(photo, pixels=np.full_like(photo.pixels, 255)), matrix, GROUP)[0]
        mask = np.zeros(GROUP[::-1], np.float64)
        cv2.circle(mask, (round(centre[0]), round(centre[1])), 75, 1.0, -1)
        mask = cv2.GaussianBlur(np.where(inside[..., 0] == 255, mask, 0), (0, 0), 2)[..., None]
        canvas = canvas * (1 - mask) + pixels * mask
        faces.append(points)
    return Drawn("", canvas.round().astype(np.uint8), faces)


def faceless(data: Path, photos: Sequence[Photograph], engine: Engine) -> Iterator[Drawn]:
    """Pictures without a face, and photographs whose faces are all blurred out."""
    for path in sorted((data / "hostile" / "no_face").iterdir()):
        yield Drawn("no face in the file", images.decode(path.read_bytes()), [])
    for photo in photos:
        pixels = photo.pixels.copy()
        height, width = pixels.shape[:2]
        for face in engine.detect(pixels):
            x, y, w, h = face.left * width, face.top * height, face.width * width, face.height * height
            part = pixels[max(0, int(y - h / 2)) : int(y + 1.5 * h), max(0, int(x - w / 2)) : int(x + 1.5 * w)]
            part[:] = cv2.GaussianBlur(part, (0, 0), max(h / 4, 1))
        yield Drawn("faces blurred out", pixels, [])


def drawings(data: Path, photos: Sequence[Photograph], engine: Engine) -> Iterator[Drawn]:
    """All pictures, kind by kind."""
    for photo in photos:
        for turns in (1, 2, 3):
            height, width = photo.pixels.shape[:2]
            size = (width, height) if turns == 2 else (height, width)
            yield replace(about_centre(photo, 90.0 * turns, 1, size), kind=f"turned {90 * turns} degrees")
        for degrees in (30, 45, 60):
            yield replace(about_centre(photo, degrees, 1), kind=f"tilted {degrees} degrees")
        yield replace(about_centre(photo, 0, 16 / photo.face_height, (640, 640)), kind="16 px in 640 px")
        for side in (40, 100):
            scale = side / photo.face_height
            size = (max(80, round(scale * photo.pixels.shape[1])), max(80, round(scale * photo.pixels.shape[0])))
            drawn = about_centre(photo, 0, scale, size)
            yield replace(drawn, kind=f"{side} px, JPEG 60", pixels=compressed(drawn.pixels))
    chosen = random.Random(1)
    for least, most in ((0, 10), (30, 45)):
        for _ in range(20):
            yield replace(group(photos, chosen, least, most), kind=f"groups, 40-60 px, leaning {least}-{most} degrees")
    yield from faceless(data, photos, engine)


def is_at(face: DetectedFace, points: Floats, size: tuple[int, int]) -> bool:
    """Whether a detected face is the one with these points."""
    away = np.linalg.norm(face.landmarks * np.array(size) - points, axis=1).mean()
    return bool(away < np.linalg.norm(points[1] - points[0]) / 2)


def main() -> None:
    """Print how many faces of each kind there are, how many were found, and how many finds are not a face there."""
    data = Path(os.environ["FACE_DATA"])
    engine = Engine.load()
    photos = photographs(data, engine)
    counts: dict[str, list[int]] = {}
    for drawn in drawings(data, photos, engine):
        size = (drawn.pixels.shape[1], drawn.pixels.shape[0])
        found = engine.detect(drawn.pixels)
        there, seen, others = counts.setdefault(drawn.kind, [0, 0, 0])
        hits = sum(any(is_at(face, points, size) for face in found) for points in drawn.faces)
        strangers = sum(not any(is_at(face, points, size) for points in drawn.faces) for face in found)
        counts[drawn.kind] = [there + len(drawn.faces), seen + hits, others + strangers]
    table = Table("kind", "faces", "found", "others")
    for kind, numbers in counts.items():
        table.add_row(kind, *map(str, numbers))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
