"""The operations that are built, by their name in the model."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from rekognition_local.faces import compare_faces, detect_faces
from rekognition_local.labels import detect_labels
from rekognition_local.service import Service

Operation = Callable[[Service, dict[str, Any]], dict[str, Any]]

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "CompareFaces": compare_faces,
        "DetectFaces": detect_faces,
        "DetectLabels": detect_labels,
    }
)
