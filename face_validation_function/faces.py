"""The vocabulary of the service: boxes, faces, documents and what a comparison found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A rectangle in ratios of the image's size, origin top left; may reach past 0 and 1.

    Source: docs.aws.amazon.com/rekognition/latest/APIReference/API_BoundingBox.html
    """

    left: float
    top: float
    width: float
    height: float


WHOLE_IMAGE = BoundingBox(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Face:
    """A face that was found: where, and how sure the detector is (0-100)."""

    box: BoundingBox
    confidence: float


@dataclass(frozen=True, slots=True)
class Document:
    """An official document that was recognised: its label, confidence (0-100) and best instance."""

    label: str
    confidence: float
    box: BoundingBox = WHOLE_IMAGE


@dataclass(frozen=True, slots=True)
class Side:
    """What was seen in one image (source or target). Boxes are ratios of the upright, uncropped image.

    `width` and `height` are pixels after EXIF rotation; `compared` is the index in `faces` of the face that was compared.
    """

    width: int
    height: int
    faces: tuple[Face, ...]
    compared: int
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer to one request: similarity in percent (0-100, unrounded) beside the threshold asked for."""

    similarity: float
    threshold: float
    source: Side
    target: Side

    @property
    def is_match(self) -> bool:
        """Whether both are the same person, by the threshold."""
        return self.similarity >= self.threshold
