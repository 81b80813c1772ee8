"""Which official documents an image shows, as Rekognition's DetectLabels would name them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class FaceInImage(Protocol):
    """What a found face must tell: its box in ratios of the image's size (`engine.DetectedFace` does)."""

    @property
    def left(self) -> float: ...  # noqa: D102
    @property
    def top(self) -> float: ...  # noqa: D102
    @property
    def width(self) -> float: ...  # noqa: D102
    @property
    def height(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class DetectedDocument:
    """One document: Rekognition's label, confidence in percent (0-100), and its box in ratios of the image (clipped to 0..1)."""

    label: str
    confidence: float
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """What the text of an image says about documents; confidences in percent (0-100), 0 where there is nothing.

    `documents` are the official documents, best first, at most one per label. `id_cards`, `document` and `text` are the
    confidences of Rekognition's more general labels of those names; `text_lines` counts lines of text, `text_share` is the part
    of the image (0-1) that they cover.
    """

    documents: tuple[DetectedDocument, ...] = ()
    id_cards: float = 0.0
    document: float = 0.0
    text: float = 0.0
    text_lines: int = 0
    text_share: float = 0.0


class DocumentReader:
    """Text recognition and the rules over it; models are loaded once, on `load` or on first use, and shared by threads."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    def load(self) -> None:
        """Load the models now rather than at the first image."""

    def read(self, image: NDArray[np.uint8], faces: Sequence[FaceInImage]) -> DocumentReading:
        """Documents in an upright image, (h, w, 3) RGB 0-255, in which `faces` were found."""
        return DocumentReading()
