"""The face engine: finds, describes and compares faces, and reads documents. Usable alone."""

from rekognition_local.engine.engine import Engine
from rekognition_local.engine.faces.detection import DetectedFace

__all__ = ["DetectedFace", "Engine"]
