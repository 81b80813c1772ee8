"""`evaluate --all-pairs` by the engine of this machine: faces are described and compared without a request each."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_validation.cli.evaluated_service import code_digest
from face_validation.cli.output import progress_of
from face_validation.evaluation.report.summary import Summary, summarise_all_pairs
from face_validation.evaluation.runs.all_pairs import run_all_pairs
from face_validation.evaluation.runs.cases import Photograph
from face_validation_function.faces import BoundingBox, Face, most_prominent
from rekognition_local.engine import Engine, images


def all_pairs_by_engine(
    photographs: list[Photograph], photos: Path, out: Path, threshold: float, **how: Any
) -> Summary:
    """The summary of a run; `how` as `run_all_pairs` takes it."""
    engine = Engine.load()

    def describe(photo: Path) -> NDArray[np.float32] | None:
        image = images.decode(photo.read_bytes())
        found = engine.detect(image)
        update(advance=1)
        if not found:
            return None
        faces = [Face(BoundingBox(face.left, face.top, face.width, face.height), face.confidence) for face in found]
        descriptor: NDArray[np.float32] = engine.embed(image, [found[most_prominent(faces, central=True)]])[0]
        return descriptor

    service = f"engine {engine.model_id}, code {code_digest()}"
    with progress_of("describing", len(photographs)) as update:
        run, all_pairs = run_all_pairs(photographs, photos, out, describe, engine.similarity, service=service, **how)
    return summarise_all_pairs(run, all_pairs, threshold)
