"""DetectLabels: the few labels that faces and text can honestly give, in Rekognition's taxonomy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from rekognition_local.engine.documents.documents import DocumentReading
from rekognition_local.engine.faces.detection import DetectedFace
from rekognition_local.operations.faces import bounding_box, percent
from rekognition_local.operations.service import MAX_FACES, Service
from rekognition_local.protocol.wire import ServiceError

LABEL_MODEL_VERSION = "3.0"  # whose taxonomy, parents, aliases and categories these are
MAX_LABELS = 1000
MIN_CONFIDENCE = 55.0


@dataclass(frozen=True, slots=True)
class Label:
    """A label's place in the taxonomy; `parents` are all its ancestors."""

    category: str
    parents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


_DOCUMENTS, _PEOPLE = "Text and Documents", "Person Description"

# As the service answered (label model 3.0) for photographs of a driving licence and of a face. "Passport" stands beside
# "Driving License" in the published list of labels.
TAXONOMY: Mapping[str, Label] = MappingProxyType(
    {
        "Text": Label(_DOCUMENTS),
        "Document": Label(_DOCUMENTS, ("Text",)),
        "Id Cards": Label(_DOCUMENTS, ("Document", "Text")),
        "Driving License": Label(_DOCUMENTS, ("Document", "Id Cards", "Text"), ("License",)),
        "Passport": Label(_DOCUMENTS, ("Document", "Id Cards", "Text")),
        "Person": Label(_PEOPLE, (), ("Human",)),
        "Head": Label(_PEOPLE, ("Person",)),
        "Face": Label(_PEOPLE, ("Head", "Person")),
    }
)

# How far beyond a face's box the label's box reaches, in widths of the face to each side, in its heights up and down: a
# head has hair and ears, an upper body is three heads high and as wide as its shoulders.
_REACH: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {"Face": (0, 0, 0), "Head": (0.15, 0.35, 0.1), "Person": (1.0, 0.35, 2.5)}
)


def detect_labels(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DetectLabels for GENERAL_LABELS; IMAGE_PROPERTIES is not built."""
    if "IMAGE_PROPERTIES" in request.get("Features", []):
        raise ServiceError("NotImplementedException", "The feature IMAGE_PROPERTIES of DetectLabels is not built here.")
    least = request.get("MinConfidence", MIN_CONFIDENCE)
    most = min(request.get("MaxLabels", MAX_LABELS), MAX_LABELS)
    filters = request.get("Settings", {}).get("GeneralLabels", {})

    image = service.images.read(request["Image"]).pixels
    faces = service.engine.detect(image)[:MAX_FACES]
    reading = service.engine.read_documents(image, faces)

    labels = [
        label for label in labels_of(faces, reading) if label["Confidence"] >= least and _admits(filters, label["Name"])
    ]
    return {"Labels": labels[:most], "LabelModelVersion": LABEL_MODEL_VERSION}


def labels_of(faces: Sequence[DetectedFace], reading: DocumentReading) -> list[dict[str, Any]]:
    """The model's `Label` structures, most certain first; every ancestor is at least as certain as its child.

    Documents have Instances, and so have people: of these the face alone is found, and the boxes of head and upper body
    are made of it, by a body's usual proportions.
    """
    confidences: dict[str, float] = {}
    for name, confidence in _evidence(faces, reading):
        for label in (name, *TAXONOMY[name].parents):
            confidences[label] = max(confidence, confidences.get(label, 0.0))
    ranked = sorted(confidences.items(), key=lambda item: item[1], reverse=True)
    return [
        {
            "Name": name,
            "Confidence": percent(confidence),
            "Instances": _instances(name, faces, reading),
            "Parents": [{"Name": parent} for parent in TAXONOMY[name].parents],
            "Aliases": [{"Name": alias} for alias in TAXONOMY[name].aliases],
            "Categories": [{"Name": TAXONOMY[name].category}],
        }
        for name, confidence in ranked
        if confidence > 0
    ]


def _evidence(faces: Sequence[DetectedFace], reading: DocumentReading) -> Iterator[tuple[str, float]]:
    if faces:
        yield "Face", max(face.confidence for face in faces)
    yield from (("Text", reading.text), ("Document", reading.document), ("Id Cards", reading.id_cards))
    yield from ((document.label, document.confidence) for document in reading.documents)


def _instances(name: str, faces: Sequence[DetectedFace], reading: DocumentReading) -> list[dict[str, Any]]:
    found = [(bounding_box(document), document.confidence) for document in reading.documents if document.label == name]
    if name in _REACH:
        found = [(_grown(face, *_REACH[name]), face.confidence) for face in faces]
    return [{"BoundingBox": box, "Confidence": percent(confidence)} for box, confidence in found]


def _grown(face: DetectedFace, aside: float, above: float, below: float) -> dict[str, float]:
    """The face's box, larger by these parts of its own size, as far as the image goes."""
    left, right = (np.clip((face.left - aside * face.width, face.left + (1 + aside) * face.width), 0, 1)).tolist()
    top, bottom = (np.clip((face.top - above * face.height, face.top + (1 + below) * face.height), 0, 1)).tolist()
    return {"Width": right - left, "Height": bottom - top, "Left": left, "Top": top}


def _admits(filters: Mapping[str, Sequence[str]], name: str) -> bool:
    """Whether Settings.GeneralLabels include a label by name or category (nothing said: all) and do not exclude it."""

    def names_it(kind: str) -> bool:
        categories = filters.get(f"LabelCategory{kind}Filters", ())
        return name in filters.get(f"Label{kind}Filters", ()) or TAXONOMY[name].category in categories

    includes_all = not filters.get("LabelInclusionFilters") and not filters.get("LabelCategoryInclusionFilters")
    return (includes_all or names_it("Inclusion")) and not names_it("Exclusion")
