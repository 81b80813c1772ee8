"""What the verifier's tests share: a model trained on painted photographs by the fake engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from person_verifier.training.assessment import ThresholdRule
from person_verifier.training.project import VerifierProject
from tests.person_verifier.fakes import FakeEngine, write_photos


@contextmanager
def no_progress(step: str, total: int) -> Iterator[Callable[[], None]]:
    yield lambda: None


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> VerifierProject:
    """A whole training run; not to be changed."""
    folder = tmp_path_factory.mktemp("verifier")
    project = VerifierProject(write_photos(folder / "data"), folder, FakeEngine(), no_progress)
    project.train(ThresholdRule(0.75), "me-verifier-v1")
    return project


@pytest.fixture(scope="session")
def stored_model(trained: VerifierProject) -> Path:
    return trained.model_path


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """(512, 512, 3) RGB."""
    return np.asarray(skimage.data.astronaut())  # type: ignore[no-untyped-call]  # skimage types none of its samples


@pytest.fixture(scope="session")
def hopper() -> NDArray[np.uint8]:
    """Grace Hopper, (600, 512, 3) RGB."""
    path = Path(str(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    return np.asarray(Image.open(path).convert("RGB"))
