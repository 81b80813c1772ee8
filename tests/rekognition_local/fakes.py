"""A face engine that sees what the test tells it to see, and an S3 that holds what the test puts there."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from botocore.exceptions import ClientError
from numpy.typing import NDArray
from PIL import Image

from rekognition_local.engine import Engine
from rekognition_local.engine.documents.documents import DocumentReading
from rekognition_local.engine.documents.lines import TextLine
from rekognition_local.engine.faces.attributes import FaceAttributes, FaceTraits
from rekognition_local.engine.faces.detection import DetectedFace

FRONTAL = FaceAttributes(roll=1.5, yaw=-3.0, pitch=4.0, brightness=60.0, sharpness=70.0)


def face(side: float = 0.3, left: float = 0.2, top: float = 0.1, confidence: float = 99.5) -> DetectedFace:
    """A face whose five points lie within its box."""
    points = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    landmarks = np.array([(left + x * side, top + y * side) for x, y in points], np.float32)
    return DetectedFace(left, top, side, side, confidence, landmarks)


def descriptor(seed: int, size: int = 8) -> NDArray[np.float32]:
    """A random direction: descriptors of different seeds do not match."""
    vector = np.random.default_rng(seed).normal(size=size)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@dataclass
class Scene:
    """What is to be seen in an image: faces (largest first) with a descriptor each, a document reading, and text."""

    faces: list[DetectedFace] = field(default_factory=list)
    descriptors: list[NDArray[np.float32]] = field(default_factory=list)
    attributes: FaceAttributes = FRONTAL
    traits: FaceTraits = field(default_factory=FaceTraits)
    reading: DocumentReading = field(default_factory=DocumentReading)
    lines: list[TextLine] = field(default_factory=list)


@dataclass
class FakeEngine(Engine):
    """Knows images by their size in pixels (width, height); an image that it does not know is empty."""

    scenes: dict[tuple[int, int], Scene] = field(default_factory=dict)
    model_id: str = "fake-1"
    seen: list[tuple[int, int]] = field(default_factory=list)
    traits_read: int = 0

    def _scene(self, image: NDArray[np.uint8]) -> Scene:
        return self.scenes.get((image.shape[1], image.shape[0]), Scene())

    def detect(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        self.seen.append((image.shape[1], image.shape[0]))
        return self._scene(image).faces

    def attributes(self, image: NDArray[np.uint8], face: DetectedFace) -> FaceAttributes:
        return self._scene(image).attributes

    def traits(self, image: NDArray[np.uint8], face: DetectedFace) -> FaceTraits:
        self.traits_read += 1
        return self._scene(image).traits

    def embed(self, image: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        scene = self._scene(image)
        known = {id(seen): row for seen, row in zip(scene.faces, scene.descriptors, strict=True)}
        return np.array([known[id(face)] for face in faces], np.float32)

    def similarity(self, probes: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float64]:
        distances = np.linalg.norm(probes[:, None].astype(np.float64) - references[None].astype(np.float64), axis=2)
        return np.asarray(100 * np.maximum(0, 1 - distances), np.float64)

    def read_documents(self, image: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> DocumentReading:
        return self._scene(image).reading

    def read_text(self, image: NDArray[np.uint8]) -> list[TextLine]:
        return self._scene(image).lines


class FakeS3:
    """Objects by (bucket, key, version); what is missing answers as S3 does."""

    def __init__(self, objects: dict[tuple[str, str, str | None], bytes]) -> None:
        self._objects = objects
        self.opened: list[io.BytesIO] = []

    def get_object(self, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, object]:  # noqa: N803 (boto3's names)
        body = self._objects.get((Bucket, Key, VersionId))
        if body is None:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "The key does not exist."}}, "GetObject")
        self.opened.append(io.BytesIO(body))
        return {"ContentLength": len(body), "Body": self.opened[-1]}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803 (boto3's names)
        if Bucket == "closed":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "PutObject")
        self._objects[Bucket, Key, None] = Body


def picture(width: int = 160, height: int = 120, image_format: str = "PNG", mode: str = "RGB") -> bytes:
    """A drawn image file of that size."""
    return file_of(Image.new(mode, (width, height)), image_format)


def file_of(image: Image.Image, image_format: str = "JPEG", **options: Any) -> bytes:
    """An image as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()
