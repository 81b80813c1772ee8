"""DetectText: every line of an image and the words in it, with their places."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.documents.lines import TextLine, words
from rekognition_local.operations.faces import percent
from rekognition_local.operations.service import Service
from rekognition_local.protocol.wire import invalid_parameters

TEXT_MODEL_VERSION = "3.0"
MAX_WORDS = 100  # docs.aws.amazon.com/rekognition/latest/dg/limits.html

Corners = NDArray[np.float64]


def detect_text(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DetectText: lines first, then words, each word with its line's id; of more than 100 words the largest.

    A filter on words leaves out the words that it refuses and the lines that keep none. A region keeps the words whose
    middle lies in it.
    """
    image = service.images.read(request["Image"])
    height, width = image.pixels.shape[:2]
    size = np.array([width, height], np.float64)
    filters = request.get("Filters", {})
    regions = [_region(region) for region in filters.get("RegionsOfInterest", [])]
    found = []
    for line in service.engine.read_text(image.pixels):
        kept = [word for word in words(line) if _passes(word, size, filters.get("WordFilter", {}), regions)]
        if kept:
            found.append((line, kept))
    parts = [word for _, kept in found for word in kept]
    largest = sorted(parts, key=lambda word: word.box.length * word.box.height, reverse=True)[:MAX_WORDS]
    found = [(line, some) for line, kept in found if (some := [word for word in kept if word in largest])]
    lines = [_detection(line, "LINE", id_, size) for id_, (line, _) in enumerate(found)]
    parted = [(parent, word) for parent, (_, kept) in enumerate(found) for word in kept]
    told = [
        {**_detection(word, "WORD", id_, size), "ParentId": parent}
        for id_, (parent, word) in enumerate(parted, len(lines))
    ]
    return {"TextDetections": [*lines, *told], "TextModelVersion": TEXT_MODEL_VERSION}


def _detection(line: TextLine, kind: str, id_: int, size: Corners) -> dict[str, Any]:
    corners = line.box.corners / size
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return {
        "DetectedText": line.text,
        "Type": kind,
        "Id": id_,
        "Confidence": percent(100 * line.confidence),
        "Geometry": {
            "BoundingBox": {"Width": right - left, "Height": bottom - top, "Left": left, "Top": top},
            "Polygon": [{"X": x, "Y": y} for x, y in corners.tolist()],
        },
    }


def _passes(word: TextLine, size: Corners, wanted: Mapping[str, float], regions: Sequence[NDArray[np.float32]]) -> bool:
    corners = word.box.corners / size
    width, height = corners.max(axis=0) - corners.min(axis=0)
    middle = corners.mean(axis=0).tolist()
    return (
        100 * word.confidence >= wanted.get("MinConfidence", 0.0)
        and width >= wanted.get("MinBoundingBoxWidth", 0.0)
        and height >= wanted.get("MinBoundingBoxHeight", 0.0)
        and (not regions or any(cv2.pointPolygonTest(region, middle, False) >= 0 for region in regions))
    )


def _region(region: Mapping[str, Any]) -> NDArray[np.float32]:
    """The corners (n, 2) of a region of interest, in ratios."""
    match region:
        case {"BoundingBox": box, **others} if "Polygon" not in others:
            left, top = box.get("Left", 0.0), box.get("Top", 0.0)
            right, bottom = left + box.get("Width", 0.0), top + box.get("Height", 0.0)
            return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
        case {"Polygon": points, **others} if "BoundingBox" not in others and len(points) > 2:
            return np.array([(point.get("X", 0.0), point.get("Y", 0.0)) for point in points], np.float32)
        case _:
            raise invalid_parameters(
                "A region of interest is either a BoundingBox or a Polygon of at least three points."
            )
