"""What the tests of the wire share: a server with a fake engine, and the real one or AWS itself."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import matplotlib
import pytest
import skimage.data
from PIL import Image

from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.service import Service
from rekognition_local.server.answers import Answers
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from tests.rekognition_local.fakes import FakeEngine, FakeS3
from tests.rekognition_local.servers import client, process, serving


@dataclass
class FakeServer:
    """A server over the wire whose engine sees what the test says."""

    engine: FakeEngine
    objects: dict[tuple[str, str, str | None], bytes]
    faults: Answers
    gallery: Gallery
    endpoint: str
    rekognition: Any


@pytest.fixture(scope="module")
def _running() -> Iterator[FakeServer]:
    engine, faults = FakeEngine(), Answers()
    objects: dict[tuple[str, str, str | None], bytes] = {}
    gallery = Gallery(Store(None), engine)
    with serving(Service(engine, ImageSource(FakeS3(objects)), gallery), faults=faults) as endpoint:
        yield FakeServer(engine, objects, faults, gallery, endpoint, client(endpoint))


@pytest.fixture
def fake(_running: FakeServer) -> FakeServer:
    """The module's server with nothing in it."""
    _running.engine.scenes.clear()
    _running.engine.seen.clear()
    _running.engine.traits_read = 0
    _running.objects.clear()
    _running.faults.reset()
    for table in ("collections", "answers"):
        _running.gallery.store.rows(f"DELETE FROM {table}")
    return _running


@pytest.fixture(scope="session")
def rekognition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """This server with its real models and an S3 that is not there, or AWS where REKOGNITION_AWS_VERIFIED is set."""
    if os.environ.get("REKOGNITION_AWS_VERIFIED"):
        yield boto3.client("rekognition")
        return
    with process(tmp_path_factory.mktemp("rekognition"), ["--s3-endpoint", "http://127.0.0.1:1"]) as (_, endpoint):
        yield client(endpoint)


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """A photograph of one person, 512 px, public domain."""
    return Image.open(f"{skimage.data.data_dir}/astronaut.png").convert("RGB")


@pytest.fixture(scope="session")
def hopper() -> Image.Image:
    """A photograph of another person, public domain."""
    return Image.open(matplotlib.get_data_path() + "/sample_data/grace_hopper.jpg").convert("RGB")
