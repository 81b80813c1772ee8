"""The face engine: finds, describes and compares faces, and reads documents. Usable alone."""

from rekognition_local.engine.engine import Engine, EngineSettings

__all__ = ["Engine", "EngineSettings"]
