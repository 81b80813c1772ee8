"""Stores for enrolled people that one test module has to itself, and what its events find there."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from local.environment import function_settings
from local.people import PeopleStores
from local.samples import sample_files
from local.stack import LocalStack, aws_client

EVENTS = sorted((Path(__file__).parents[1] / "events" / "people").glob("*.json"))
REST_EVENTS = [path for path in EVENTS if not path.stem.startswith("s3_")]
# Key in the faces bucket -> the sample shown, and the name in its metadata.
PHOTOS: dict[str, tuple[str, str | None]] = {
    "photos/collins.jpg": ("samples/collins.jpg", None),
    "photos/no-face.jpg": ("samples/no-face.jpg", None),
    "index/collins.jpg": ("samples/collins.jpg", "Eileen Collins"),
    "index/Grace Hopper/photo (1) ü.jpg": ("samples/hopper.jpg", "Grace Hopper"),
    "index/nameless.jpg": ("samples/hopper.jpg", None),
    "index/no-face.jpg": ("samples/no-face.jpg", "Nobody"),
}


@contextmanager
def people_stores(stack: LocalStack) -> Iterator[PeopleStores]:
    """A faces bucket with `PHOTOS`, and an empty table, queue and collection; this process's variables name them.

    Nothing carries their events to the indexing function: the test does.
    """
    s3 = aws_client("s3", stack.info.s3_endpoint)
    rekognition = aws_client("rekognition", stack.info.rekognition_endpoint)
    run = secrets.token_hex(4)
    stores = PeopleStores.create(
        run,
        s3=s3,
        dynamodb=aws_client("dynamodb", stack.info.s3_endpoint),
        sqs=aws_client("sqs", stack.info.s3_endpoint),
        rekognition=rekognition,
    )
    stores = replace(stores, collection_id=f"events-{run}")
    rekognition.create_collection(CollectionId=stores.collection_id)
    samples = sample_files()
    for key, (sample, name) in PHOTOS.items():
        s3.put_object(
            Bucket=stores.faces_bucket, Key=key, Body=samples[sample], Metadata={"fullname": name} if name else {}
        )
    for key, image in samples.items():
        stack.put_image("target", key, image)
    variables = {
        **function_settings(stack.info.source_bucket, stack.info.target_bucket, "WARNING"),
        **stores.settings(),
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield stores
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        rekognition.delete_collection(CollectionId=stores.collection_id)
