"""Collections of the real server: real faces, a killed process, and what erasing leaves on the disk."""

import os
import signal
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError
from PIL import Image

from tests.rekognition_local.fakes import file_of
from tests.rekognition_local.servers import client, process

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(scope="module")
def photographs(astronaut: Image.Image, hopper: Image.Image) -> dict[str, list[bytes]]:
    """Two people; of each, a photograph and a darker, smaller, tilted one."""

    def other(image: Image.Image) -> Image.Image:
        darker = Image.eval(image, lambda value: int(value * 0.7)).rotate(7)
        return darker.resize((image.width * 2 // 3, image.height * 2 // 3))

    return {
        "collins": [file_of(astronaut), file_of(other(astronaut))],
        "hopper": [file_of(hopper), file_of(other(hopper))],
    }


@pytest.mark.aws_verified
def test_people_are_found_again_by_another_photograph(rekognition: Any, photographs: dict[str, list[bytes]]) -> None:
    rekognition.create_collection(CollectionId="people-found-again")
    try:
        for name, (first, _) in photographs.items():
            indexed = rekognition.index_faces(
                CollectionId="people-found-again", Image={"Bytes": first}, ExternalImageId=name, MaxFaces=1
            )
            assert len(indexed["FaceRecords"]) == 1

        for name, (_, second) in photographs.items():
            found = rekognition.search_faces_by_image(CollectionId="people-found-again", Image={"Bytes": second})
            assert [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]] == [name]
            assert found["FaceMatches"][0]["Similarity"] > 95
    finally:
        rekognition.delete_collection(CollectionId="people-found-again")


def test_what_was_answered_survives_a_killed_process(tmp_path: Path, photographs: dict[str, list[bytes]]) -> None:
    """The server is killed while requests are on their way; whatever it had answered must be there again."""
    data = ["--data", str(tmp_path / "data")]
    answered: list[str] = []

    def index(endpoint: str) -> None:
        rekognition = client(endpoint)
        try:
            while True:
                found = rekognition.index_faces(
                    CollectionId="people", Image={"Bytes": photographs["collins"][1]}, MaxFaces=1
                )
                answered.append(found["FaceRecords"][0]["Face"]["FaceId"])
        except (HTTPClientError, EndpointConnectionError):
            return  # killed

    with process(tmp_path, data) as (server, endpoint):
        rekognition = client(endpoint)
        rekognition.create_collection(CollectionId="people")
        rekognition.create_user(CollectionId="people", UserId="collins", ClientRequestToken="once")
        threads = [threading.Thread(target=index, args=(endpoint,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        while len(answered) < 10:
            threads[0].join(0.05)
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        for thread in threads:
            thread.join()

    with process(tmp_path, data) as (_, endpoint):
        rekognition = client(endpoint)
        pages = rekognition.get_paginator("list_faces").paginate(CollectionId="people")
        listed = [face["FaceId"] for page in pages for face in page["Faces"]]
        found = rekognition.search_faces_by_image(
            CollectionId="people", Image={"Bytes": photographs["collins"][0]}, MaxFaces=4096
        )
        rekognition.create_user(CollectionId="people", UserId="collins", ClientRequestToken="once")  # remembered

    assert set(answered) <= set(listed)
    assert {match["Face"]["FaceId"] for match in found["FaceMatches"]} == set(listed)


def test_erased_faces_leave_no_vector_on_the_disk(tmp_path: Path, photographs: dict[str, list[bytes]]) -> None:
    folder = tmp_path / "data"
    with process(tmp_path, ["--data", str(folder)]) as (_, endpoint):
        rekognition = client(endpoint)
        rekognition.create_collection(CollectionId="people")
        ids = [
            rekognition.index_faces(CollectionId="people", Image={"Bytes": first}, ExternalImageId=name, MaxFaces=1)[
                "FaceRecords"
            ][0]["Face"]["FaceId"]
            for name, (first, _) in photographs.items()
        ]
        users = {"CollectionId": "people", "UserId": "user-of-collins"}
        rekognition.create_user(**users)
        rekognition.associate_faces(**users, FaceIds=[ids[0]])
        reader = sqlite3.connect(f"file:{folder / 'collections.sqlite3'}?mode=ro", uri=True)
        vectors = [vector for (vector,) in reader.execute("SELECT vector FROM faces ORDER BY number")]
        ((user_vector,),) = reader.execute("SELECT vector FROM user_vectors")
        reader.close()
        assert all(is_on_disk(folder, trace) for trace in (*vectors, user_vector, ids[0].encode(), b"collins"))
        assert {file.stat().st_mode & 0o077 for file in folder.glob("collections.*")} == {0}

        rekognition.disassociate_faces(**users, FaceIds=[ids[0]])
        rekognition.delete_user(**users)
        after_user = [is_on_disk(folder, trace) for trace in (b"user-of-collins", vectors[0])]

        rekognition.delete_faces(CollectionId="people", FaceIds=ids[:1])
        after_one = [is_on_disk(folder, trace) for trace in (vectors[0], ids[0].encode(), b"collins", vectors[1])]
        rekognition.delete_collection(CollectionId="people")
        after_all = [is_on_disk(folder, trace) for trace in (*vectors, ids[1].encode(), b"hopper")]

    assert after_user == [False, True]
    assert after_one == [False, False, False, True]
    assert after_all == [False] * 4


def is_on_disk(folder: Path, trace: bytes) -> bool:
    return any(trace in file.read_bytes() for file in folder.iterdir())


def test_a_folder_that_another_server_has_is_refused(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    with (
        process(tmp_path, data),
        pytest.raises(AssertionError, match="did not start"),
        process(tmp_path / "data", data),
    ):
        pass


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    with process(tmp_path) as (_, endpoint):
        client(endpoint).create_collection(CollectionId="people")
    with process(tmp_path) as (_, endpoint):
        rekognition = client(endpoint)

        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            rekognition.describe_collection(CollectionId="people")
