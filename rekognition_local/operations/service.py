"""What every operation works with: the engine, the source of images, the gallery."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rekognition_local.engine import Engine
from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.liveness_sessions import LivenessSessions
from rekognition_local.storage.gallery import Gallery

MAX_FACES = 100  # "the 100 largest faces in the image": API_DetectFaces, API_CompareFaces, API_IndexFaces


@dataclass(frozen=True, slots=True)
class Service:
    """One running Rekognition: shared by all requests, safe under threads."""

    engine: Engine
    images: ImageSource
    gallery: Gallery
    liveness: LivenessSessions = field(default_factory=LivenessSessions)


Operation = Callable[[Service, dict[str, Any]], dict[str, Any]]
"""One of Rekognition's: the members of a request, as `validation.read_request` gives them -> those of the reply."""
