"""Image bytes in, verdict out: the stored verifier with the engine it belongs to."""

import fcntl
import tempfile
import threading
import weakref
from dataclasses import dataclass

import numpy as np

from person_verifier.dataset.faces import KEPT_SIDE_PX, descriptor
from person_verifier.training.model import VerifierModel
from person_verifier.training.regression import Classifier
from rekognition_local.engine import Engine
from rekognition_local.engine.images import ImageFile

LARGE_PIXELS = 4096 * 4096


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an image shows the person: `score` is the probability (0-1), `is_me` says that it reaches `threshold`."""

    is_me: bool
    score: float
    threshold: float


class Verifier:
    """A verifier ready to answer; safe to call from several threads, of which one at a time is served."""

    def __init__(self, engine: Engine, model: VerifierModel) -> None:
        """Join both; raises ModelError where the model was trained on descriptors of another embedding model."""
        no_faces = engine.embed(np.zeros((1, 1, 3), np.uint8), [])
        model.require_engine(engine.model_id, no_faces.shape[1])
        self.model_version = model.model_version
        self._engine = engine
        self._classifier: Classifier = model.classifier
        self._threshold = model.threshold
        # One decoded image in memory at a time, whatever number of requests wait: a core does one at a time anyway.
        self._turn = threading.Lock()
        # Workers are forked later and share the file; its lock is a process's own and ends with the process.
        self._turn_of_workers = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as this object lives
        weakref.finalize(self, self._turn_of_workers.close)

    def judge(self, image_bytes: bytes) -> Verdict:
        """Judge the largest face of a JPEG or PNG; raises an ImageError for a bad image, NoFaceError without a face."""
        with self._turn:
            file = ImageFile(image_bytes)
            is_large = file.width * file.height > LARGE_PIXELS  # it takes 50 to 250 MB: one at a time among all workers
            if is_large:
                fcntl.lockf(self._turn_of_workers, fcntl.LOCK_EX)
            try:
                vector = descriptor(self._engine, file.pixels(KEPT_SIDE_PX))
            finally:
                if is_large:
                    fcntl.lockf(self._turn_of_workers, fcntl.LOCK_UN)
        score = float(self._classifier.scores(vector[None])[0])
        return Verdict(score >= self._threshold, score, self._threshold)
