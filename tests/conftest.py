"""What the tests of every package share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from face_validation.local.stack import LocalStack

# A slow machine is not a failure: what is tested is behaviour, and speed has its own benchmarks.
settings.register_profile("behaviour", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("behaviour")


@pytest.fixture(autouse=True, scope="session")
def _no_aws_of_the_developer() -> Iterator[None]:
    """Tests never reach a developer's own AWS account: no profile, no instance metadata, a region of our own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_CONFIG_FILE", os.devnull)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    patch.setenv("AWS_ACCESS_KEY_ID", "local")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    yield
    patch.undo()


@pytest.fixture(scope="session")
def local_stack() -> Iterator[LocalStack]:
    """The whole stack with real models, one for each test process; for tests marked slow."""
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def face_data() -> Path:
    """The labelled development images, whose folder FACE_DATA names."""
    folder = os.environ.get("FACE_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("FACE_DATA does not name the folder of development images: accuracy and hostile files not tested")
    return Path(folder).resolve()
