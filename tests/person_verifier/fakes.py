"""A face engine that reads people from painted stripes, and the photographs that it can read."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rekognition_local.engine import DetectedFace, Engine

STRIPES = 8
SIDE = 96
FACE = np.array([[0.35, 0.4], [0.65, 0.4], [0.5, 0.55], [0.4, 0.7], [0.6, 0.7]], np.float32)


class FakeEngine(Engine):
    """One face in every photograph that is not black, two in one with a white first pixel; counts what it is asked."""

    def __init__(self, model_id: str = "stripes-v1") -> None:
        self.model_id = model_id
        self.detected = 0
        self.embedded = 0

    def detect(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        self.detected += 1
        if not image.any():
            return []
        faces = [DetectedFace(0.2, 0.2, 0.6, 0.6, 99.0, FACE)]
        if image[0, 0].min() == 255:
            faces.append(DetectedFace(0.0, 0.0, 0.2, 0.2, 99.0, FACE * np.float32(0.2)))
        return faces

    def embed(self, image: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        if not faces:
            return np.empty((0, STRIPES), np.float32)
        self.embedded += 1
        stripes = image[8:-8].mean(axis=(0, 2)).reshape(STRIPES, -1).mean(axis=1) / 255
        return np.repeat(stripes[None].astype(np.float32), len(faces), axis=0)

    def similarity(self, probes: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float64]:
        distances = np.linalg.norm(probes[:, None] - references[None], axis=2).astype(np.float64)
        similarity: NDArray[np.float64] = 100 / (1 + np.exp(28 * (distances - 0.4)))
        return similarity


def striped(person: str, shot: int, *, two_faces: bool = False) -> bytes:
    """A PNG of a person's stripes; every shot has shades and a texture of its own."""
    stripes = _generator(person).uniform(0.15, 0.85, STRIPES)
    noise = _generator(f"{person} {shot}")
    stripes = np.clip(stripes + noise.normal(0, 0.03, STRIPES), 0.05, 0.95)
    pixels = np.repeat(stripes, SIDE // STRIPES)[None, :, None] * 255
    pixels = pixels + noise.normal(0, 25, (SIDE // 8, SIDE // 8, 1)).repeat(8, 0).repeat(8, 1)
    image = np.broadcast_to(np.clip(pixels, 1, 254), (SIDE, SIDE, 3)).astype(np.uint8).copy()
    if two_faces:
        image[:8, :8] = 255
    return png(image)


def png(image: NDArray[np.uint8]) -> bytes:
    """(h, w, 3) RGB -> a PNG file's bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_photos(folder: Path, me: int = 24, others: int = 60) -> Path:
    """`me` shots of one person and `others` photographs, two a person, in the layout that training reads."""
    for kind in ("me", "not_me"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for shot in range(me):
        (folder / "me" / f"IMG_{shot:04}.png").write_bytes(striped("Me", shot))
    for number in range(others):
        name = f"Person{number // 2:03}_{number % 2:04}.png"
        (folder / "not_me" / name).write_bytes(striped(f"Person{number // 2}", number % 2))
    return folder


def _generator(text: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))
