"""Collections over the wire: enrolling, listing, searching, users; the engine is told what to see."""

import re
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from rekognition_local.engine.faces.attributes import FaceAttributes
from rekognition_local.operations.faces import QualityBar
from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.service import Service
from rekognition_local.operations.users import mean_vector
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from rekognition_local.storage.storage_errors import StorageError
from tests.rekognition_local.conftest import FakeServer
from tests.rekognition_local.fakes import FakeEngine, FakeS3, Scene, descriptor, face, picture
from tests.rekognition_local.servers import client, serving

ANN, BOB, GROUP, EMPTY = (160, 120), (161, 120), (320, 240), (100, 100)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def image(size: tuple[int, int]) -> dict[str, Any]:
    return {"Bytes": picture(*size)}


def near(vector: Any, distance: float) -> Any:
    """A descriptor at a distance; the fake engine's similarity is 100 * (1 - distance)."""
    moved = vector.copy()
    moved[0] += distance
    return moved


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def office(fake: FakeServer) -> FakeServer:
    """A collection, and images of Ann, of Bob, and of three people of whom the largest is like Ann (90 %)."""
    ann, bob = descriptor(1), descriptor(2)
    fake.engine.scenes[ANN] = Scene([face(0.4)], [ann])
    fake.engine.scenes[BOB] = Scene([face(0.5)], [bob])
    fake.engine.scenes[GROUP] = Scene(
        [face(0.4, 0.0), face(0.3, 0.4), face(0.2, 0.7)], [near(ann, 0.0004), near(bob, 0.15), descriptor(3)]
    )
    fake.rekognition.create_collection(CollectionId="office")
    return fake


def indexed(office: FakeServer, size: tuple[int, int], **request: Any) -> list[str]:
    """The ids of the faces of an image, put into the collection."""
    answer = office.rekognition.index_faces(CollectionId="office", Image=image(size), **request)
    return [record["Face"]["FaceId"] for record in answer["FaceRecords"]]


# --- collections ------------------------------------------------------------------------------------------------------


def test_a_collection_is_made_described_and_deleted(fake: FakeServer) -> None:
    made = fake.rekognition.create_collection(CollectionId="a.b-C_1", Tags={"team": "blue"})
    described = fake.rekognition.describe_collection(CollectionId="a.b-C_1")

    assert made["StatusCode"] == 200
    assert made["CollectionArn"].endswith(":collection/a.b-C_1")
    assert described["FaceCount"] == described["UserCount"] == 0
    assert described["FaceModelVersion"] == made["FaceModelVersion"]
    assert described["CollectionARN"] == f"arn:{made['CollectionArn']}"
    assert described["CreationTimestamp"].year >= 2025
    assert fake.rekognition.delete_collection(CollectionId="a.b-C_1")["StatusCode"] == 200
    assert refusal(fake.rekognition.describe_collection, CollectionId="a.b-C_1") == "ResourceNotFoundException"


def test_names_of_collections_are_case_sensitive(fake: FakeServer) -> None:
    fake.rekognition.create_collection(CollectionId="People")
    fake.rekognition.create_collection(CollectionId="people")

    assert fake.rekognition.list_collections()["CollectionIds"] == ["People", "people"]


def test_a_collection_takes_its_faces_and_users_with_it(office: FakeServer) -> None:
    indexed(office, GROUP)
    office.rekognition.create_user(CollectionId="office", UserId="ann")

    office.rekognition.delete_collection(CollectionId="office")
    office.rekognition.create_collection(CollectionId="office")

    described = office.rekognition.describe_collection(CollectionId="office")
    assert (described["FaceCount"], described["UserCount"]) == (0, 0)
    assert office.rekognition.search_faces_by_image(CollectionId="office", Image=image(ANN))["FaceMatches"] == []


# --- IndexFaces -------------------------------------------------------------------------------------------------------


def test_every_face_of_an_image_is_indexed_largest_first(office: FakeServer) -> None:
    answer = office.rekognition.index_faces(CollectionId="office", Image=image(GROUP), ExternalImageId="party:1")

    records = answer["FaceRecords"]
    assert [record["Face"]["BoundingBox"]["Width"] for record in records] == pytest.approx([0.4, 0.3, 0.2])
    assert answer["UnindexedFaces"] == []
    assert len({record["Face"]["FaceId"] for record in records}) == 3
    assert len({record["Face"]["ImageId"] for record in records}) == 1
    assert all(UUID.fullmatch(record["Face"]["FaceId"]) for record in records)
    assert all(record["Face"]["ExternalImageId"] == "party:1" for record in records)
    assert all(record["Face"]["BoundingBox"] == record["FaceDetail"]["BoundingBox"] for record in records)
    assert office.rekognition.describe_collection(CollectionId="office")["FaceCount"] == 3


def test_an_image_without_a_face_is_an_empty_answer(office: FakeServer) -> None:
    answer = office.rekognition.index_faces(CollectionId="office", Image=image(EMPTY))

    assert answer["FaceRecords"] == answer["UnindexedFaces"] == []


@pytest.mark.parametrize("most", [1, 2, 3, 100, 5000])
def test_faces_beyond_the_most_are_told_with_the_reason(office: FakeServer, most: int) -> None:
    answer = office.rekognition.index_faces(CollectionId="office", Image=image(GROUP), MaxFaces=most)

    left_out = answer["UnindexedFaces"]
    assert len(answer["FaceRecords"]) == min(most, 3)
    assert len(left_out) == 3 - min(most, 3)
    assert all(face["Reasons"] == ["EXCEEDS_MAX_FACES"] for face in left_out)
    assert all(face["FaceDetail"]["BoundingBox"]["Width"] < 0.4 for face in left_out)


@pytest.mark.parametrize(
    ("attributes", "confidence", "reasons"),
    [
        (FaceAttributes(0, 80, 0, 60, 60), 99, ["EXTREME_POSE"]),
        (FaceAttributes(0, 0, 0, 1, 60), 99, ["LOW_BRIGHTNESS"]),
        (FaceAttributes(0, 0, 0, 60, 1), 99, ["LOW_SHARPNESS"]),
        (FaceAttributes(0, 0, 0, 60, 60), 70, ["LOW_CONFIDENCE"]),
        (FaceAttributes(0, 80, 0, 1, 60), 99, ["EXTREME_POSE", "LOW_BRIGHTNESS"]),
    ],
)
def test_poor_faces_are_left_out_by_default_and_indexed_when_no_quality_is_asked_for(
    office: FakeServer, attributes: FaceAttributes, confidence: float, reasons: list[str]
) -> None:
    office.engine.scenes[ANN] = Scene([face(0.4, confidence=confidence)], [descriptor(1)], attributes)

    answer = office.rekognition.index_faces(CollectionId="office", Image=image(ANN))

    assert answer["FaceRecords"] == []
    assert [face["Reasons"] for face in answer["UnindexedFaces"]] == [reasons]
    assert len(indexed(office, ANN, QualityFilter="NONE")) == 1


def test_a_face_of_few_pixels_is_left_out(office: FakeServer) -> None:
    office.engine.scenes[ANN] = Scene([face(0.1)], [descriptor(1)])  # 16 of 160 px

    answer = office.rekognition.index_faces(CollectionId="office", Image=image(ANN))

    assert [face["Reasons"] for face in answer["UnindexedFaces"]] == [["SMALL_BOUNDING_BOX"]]


def test_a_face_at_the_bar_is_good_enough_and_one_below_it_is_told_everything_that_is_wrong() -> None:
    bar = QualityBar(confidence=80, brightness=8, sharpness=3, turn=75, side_px=24)
    lying = FaceAttributes(roll=90, yaw=-75, pitch=75, brightness=8, sharpness=3)
    poor = FaceAttributes(roll=0, yaw=-75.1, pitch=0, brightness=7.9, sharpness=2.9)

    # 24 and 21.6 px wide, half as high: the longer side counts.
    assert bar.reasons(face(0.1, confidence=80), lying, (240, 120)) == []
    assert bar.reasons(face(0.09, confidence=79.9), poor, (240, 120)) == [
        "EXTREME_POSE",
        "LOW_BRIGHTNESS",
        "LOW_SHARPNESS",
        "LOW_CONFIDENCE",
        "SMALL_BOUNDING_BOX",
    ]


def test_the_same_image_with_the_same_external_id_is_not_kept_twice(office: FakeServer) -> None:
    first = indexed(office, GROUP, ExternalImageId="party")
    again = indexed(office, GROUP, ExternalImageId="party")
    renamed = indexed(office, GROUP, ExternalImageId="picnic")
    unnamed = [indexed(office, GROUP), indexed(office, GROUP)]

    assert first == again
    assert len({*first, *renamed, *unnamed[0], *unnamed[1]}) == 12


def test_the_same_image_indexed_at_once_by_many_is_kept_once(office: FakeServer) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: indexed(office, GROUP, ExternalImageId="party"), range(16)))

    assert len({tuple(answer) for answer in answers}) == 1
    assert office.rekognition.describe_collection(CollectionId="office")["FaceCount"] == 3


# --- ListFaces, DeleteFaces -------------------------------------------------------------------------------------------


def test_faces_are_listed_as_they_were_indexed(office: FakeServer) -> None:
    answer = office.rekognition.index_faces(CollectionId="office", Image=image(GROUP), ExternalImageId="party")

    listed = office.rekognition.list_faces(CollectionId="office")

    assert listed["Faces"] == [record["Face"] for record in answer["FaceRecords"]]
    assert listed["FaceModelVersion"] == answer["FaceModelVersion"]
    assert "NextToken" not in listed


def test_faces_are_listed_by_id_and_by_user(office: FakeServer) -> None:
    ann, bob, third = indexed(office, GROUP)
    office.rekognition.create_user(CollectionId="office", UserId="ann")
    office.rekognition.associate_faces(CollectionId="office", UserId="ann", FaceIds=[ann])

    def listed(**request: Any) -> list[str]:
        return [face["FaceId"] for face in office.rekognition.list_faces(CollectionId="office", **request)["Faces"]]

    assert listed(FaceIds=[third, ann, "01234567-89ab-cdef-0123-456789abcdef"]) == [ann, third]
    assert listed(UserId="ann") == [ann]
    assert listed(UserId="ann", FaceIds=[bob]) == []
    assert office.rekognition.list_faces(CollectionId="office", UserId="ann")["Faces"][0]["UserId"] == "ann"
    unknown = refusal(office.rekognition.list_faces, CollectionId="office", UserId="nobody")
    assert unknown == "ResourceNotFoundException"


def test_deleted_faces_are_found_no_more(office: FakeServer) -> None:
    ann, bob, third = indexed(office, GROUP)
    office.rekognition.search_faces_by_image(CollectionId="office", Image=image(ANN))  # the vectors are in memory now
    missing = "01234567-89ab-cdef-0123-456789abcdef"

    answer = office.rekognition.delete_faces(CollectionId="office", FaceIds=[ann, missing, third, ann])

    assert answer["DeletedFaces"] == [ann, third]
    assert answer["UnsuccessfulFaceDeletions"] == [{"FaceId": missing, "Reasons": ["FACE_NOT_FOUND"]}]
    assert [face["FaceId"] for face in office.rekognition.list_faces(CollectionId="office")["Faces"]] == [bob]
    assert office.rekognition.search_faces_by_image(CollectionId="office", Image=image(ANN))["FaceMatches"] == []


def test_a_users_face_is_not_deleted_before_it_is_disassociated(office: FakeServer) -> None:
    (ann,) = indexed(office, ANN)
    office.rekognition.create_user(CollectionId="office", UserId="ann")
    office.rekognition.associate_faces(CollectionId="office", UserId="ann", FaceIds=[ann])

    kept = office.rekognition.delete_faces(CollectionId="office", FaceIds=[ann])
    office.rekognition.disassociate_faces(CollectionId="office", UserId="ann", FaceIds=[ann])
    deleted = office.rekognition.delete_faces(CollectionId="office", FaceIds=[ann])

    assert kept["DeletedFaces"] == []
    assert kept["UnsuccessfulFaceDeletions"] == [
        {"FaceId": ann, "UserId": "ann", "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]}
    ]
    assert deleted["DeletedFaces"] == [ann]


# --- SearchFaces, SearchFacesByImage ----------------------------------------------------------------------------------


def test_a_search_finds_the_similar_faces_most_similar_first(office: FakeServer) -> None:
    (ann,) = indexed(office, ANN)
    ann_like, *_ = indexed(office, GROUP)

    answer = office.rekognition.search_faces_by_image(CollectionId="office", Image=image(ANN))

    assert [match["Face"]["FaceId"] for match in answer["FaceMatches"]] == [ann, ann_like]
    assert [match["Similarity"] for match in answer["FaceMatches"]] == pytest.approx([100, 83.328], abs=1e-2)
    assert answer["SearchedFaceBoundingBox"]["Width"] == pytest.approx(0.4)
    assert answer["SearchedFaceConfidence"] == 99.5


def test_the_largest_face_of_the_image_is_searched_for(office: FakeServer) -> None:
    (ann,) = indexed(office, ANN)
    indexed(office, BOB)

    answer = office.rekognition.search_faces_by_image(CollectionId="office", Image=image(GROUP))

    assert [match["Face"]["FaceId"] for match in answer["FaceMatches"]] == [ann]


@pytest.mark.parametrize(("threshold", "found"), [(None, 2), (0, 4), (83.3, 2), (83.4, 1), (100, 1)])
def test_faces_below_the_threshold_are_no_matches(office: FakeServer, threshold: float | None, found: int) -> None:
    indexed(office, ANN)
    indexed(office, GROUP)
    wanted = {} if threshold is None else {"FaceMatchThreshold": threshold}

    answer = office.rekognition.search_faces_by_image(CollectionId="office", Image=image(ANN), **wanted)

    assert len(answer["FaceMatches"]) == found


@pytest.mark.parametrize("most", [1, 2, 4, 4096])
def test_no_more_than_the_most_are_found(office: FakeServer, most: int) -> None:
    (ann,) = indexed(office, ANN)
    indexed(office, GROUP)
    wanted = {"FaceMatchThreshold": 0, "MaxFaces": most}

    by_image = office.rekognition.search_faces_by_image(CollectionId="office", Image=image(ANN), **wanted)
    by_face = office.rekognition.search_faces(CollectionId="office", FaceId=ann, **wanted)

    assert len(by_image["FaceMatches"]) == min(most, 4)
    assert len(by_face["FaceMatches"]) == min(most, 3)


def test_no_more_than_the_most_are_found_among_faces_that_are_all_the_same(office: FakeServer) -> None:
    same = [face_id for _ in range(3) for face_id in indexed(office, ANN)]

    answers = [office.rekognition.search_faces(CollectionId="office", FaceId=face_id, MaxFaces=1) for face_id in same]

    assert [len(answer["FaceMatches"]) for answer in answers] == [1, 1, 1]


def test_a_face_does_not_find_itself(office: FakeServer) -> None:
    (ann,) = indexed(office, ANN)
    ann_like, *_ = indexed(office, GROUP)

    answer = office.rekognition.search_faces(CollectionId="office", FaceId=ann)

    assert answer["SearchedFaceId"] == ann
    assert [match["Face"]["FaceId"] for match in answer["FaceMatches"]] == [ann_like]


def test_a_search_in_an_empty_collection_finds_nobody(office: FakeServer) -> None:
    assert office.rekognition.search_faces_by_image(CollectionId="office", Image=image(ANN))["FaceMatches"] == []


def test_collections_do_not_see_each_other(office: FakeServer) -> None:
    (ann,) = indexed(office, ANN)
    office.rekognition.create_collection(CollectionId="home")

    assert office.rekognition.search_faces_by_image(CollectionId="home", Image=image(ANN))["FaceMatches"] == []
    for search in (office.rekognition.search_faces, office.rekognition.search_users):
        assert refusal(search, CollectionId="home", FaceId=ann) == "InvalidParameterException"


def test_an_image_without_a_good_enough_face_cannot_be_searched(office: FakeServer) -> None:
    office.engine.scenes[BOB].attributes = FaceAttributes(0, 80, 0, 60, 60)
    search = office.rekognition.search_faces_by_image

    assert refusal(search, CollectionId="office", Image=image(EMPTY)) == "InvalidParameterException"
    assert refusal(search, CollectionId="office", Image=image(BOB), QualityFilter="LOW") == "InvalidParameterException"
    assert search(CollectionId="office", Image=image(BOB))["FaceMatches"] == []


# --- users ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ann(office: FakeServer) -> tuple[FakeServer, str, str, str]:
    """A user of two faces, and a face of Bob."""
    (first,) = indexed(office, ANN)
    second, bob, _ = indexed(office, GROUP)
    office.rekognition.create_user(CollectionId="office", UserId="ann")
    office.rekognition.associate_faces(CollectionId="office", UserId="ann", FaceIds=[first, second])
    return office, first, second, bob


def test_a_user_becomes_active_with_a_face_and_is_created_again_without(office: FakeServer) -> None:
    (first,) = indexed(office, ANN)
    faces = {"CollectionId": "office", "UserId": "ann", "FaceIds": [first]}
    users = []

    office.rekognition.create_user(CollectionId="office", UserId="ann")
    users += office.rekognition.list_users(CollectionId="office")["Users"]
    assert office.rekognition.associate_faces(**faces)["UserStatus"] == "ACTIVE"
    users += office.rekognition.list_users(CollectionId="office")["Users"]
    assert office.rekognition.disassociate_faces(**faces)["UserStatus"] == "CREATED"
    users += office.rekognition.list_users(CollectionId="office")["Users"]

    assert users == [{"UserId": "ann", "UserStatus": status} for status in ("CREATED", "ACTIVE", "CREATED")]


def test_faces_that_cannot_be_associated_are_told_with_the_reason(ann: tuple[FakeServer, str, str, str]) -> None:
    office, first, _, bob = ann
    (other,) = indexed(office, BOB)
    office.rekognition.create_user(CollectionId="office", UserId="bob")
    office.rekognition.associate_faces(CollectionId="office", UserId="bob", FaceIds=[other])
    missing = "01234567-89ab-cdef-0123-456789abcdef"

    answer = office.rekognition.associate_faces(
        CollectionId="office", UserId="ann", FaceIds=[first, other, missing, bob, bob]
    )

    unlike, *others = sorted(
        answer["UnsuccessfulFaceAssociations"], key=lambda failure: failure["Reasons"][0] != "LOW_MATCH_CONFIDENCE"
    )
    assert answer["AssociatedFaces"] == []
    assert unlike.pop("Confidence") < 75
    assert unlike == {"FaceId": bob, "UserId": "ann", "Reasons": ["LOW_MATCH_CONFIDENCE"]}
    assert others == [
        {"FaceId": other, "UserId": "bob", "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]},
        {"FaceId": missing, "Reasons": ["FACE_NOT_FOUND"]},
    ]


@pytest.mark.parametrize(("threshold", "is_taken"), [(None, False), (75, False), (0, True)])
def test_a_face_unlike_the_user_is_taken_only_below_the_threshold(
    ann: tuple[FakeServer, str, str, str], threshold: float | None, is_taken: bool
) -> None:
    office, _, _, bob = ann
    wanted = {} if threshold is None else {"UserMatchThreshold": threshold}

    answer = office.rekognition.associate_faces(CollectionId="office", UserId="ann", FaceIds=[bob], **wanted)

    assert answer["AssociatedFaces"] == ([{"FaceId": bob}] if is_taken else [])


def test_of_many_faces_those_like_the_user_are_taken(office: FakeServer) -> None:
    (first,) = indexed(office, ANN)
    groups = [indexed(office, GROUP) for _ in range(4)]
    everybody = [face_id for group in groups for face_id in group]
    office.rekognition.create_user(CollectionId="office", UserId="ann")
    office.rekognition.associate_faces(CollectionId="office", UserId="ann", FaceIds=[first])

    answer = office.rekognition.associate_faces(CollectionId="office", UserId="ann", FaceIds=everybody)

    assert [face["FaceId"] for face in answer["AssociatedFaces"]] == [like_ann for like_ann, *_ in groups]


def test_faces_that_cannot_be_disassociated_are_told_with_the_reason(ann: tuple[FakeServer, str, str, str]) -> None:
    office, first, second, bob = ann
    office.rekognition.create_user(CollectionId="office", UserId="bob")
    office.rekognition.associate_faces(CollectionId="office", UserId="bob", FaceIds=[bob])
    (nobodys,) = indexed(office, BOB)
    missing = "01234567-89ab-cdef-0123-456789abcdef"

    answer = office.rekognition.disassociate_faces(
        CollectionId="office", UserId="ann", FaceIds=[first, bob, missing, nobodys]
    )

    assert answer["DisassociatedFaces"] == [{"FaceId": first}]
    assert answer["UnsuccessfulFaceDisassociations"] == [
        {"FaceId": bob, "UserId": "bob", "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]},
        {"FaceId": missing, "Reasons": ["FACE_NOT_FOUND"]},
    ]
    assert answer["UserStatus"] == "ACTIVE"
    listed = office.rekognition.list_faces(CollectionId="office", UserId="ann")["Faces"]
    assert [face["FaceId"] for face in listed] == [second]


def test_a_deleted_user_leaves_its_faces_behind(ann: tuple[FakeServer, str, str, str]) -> None:
    office, first, _, bob = ann
    office.rekognition.create_user(CollectionId="office", UserId="bob")
    office.rekognition.associate_faces(CollectionId="office", UserId="bob", FaceIds=[bob])
    office.rekognition.search_users(CollectionId="office", FaceId=first)  # the vectors are in memory now

    office.rekognition.delete_user(CollectionId="office", UserId="ann")

    assert [user["UserId"] for user in office.rekognition.list_users(CollectionId="office")["Users"]] == ["bob"]
    assert office.rekognition.search_users(CollectionId="office", FaceId=first)["UserMatches"] == []
    assert the_user_like(office, ANN) == "bob"
    faces = office.rekognition.list_faces(CollectionId="office")["Faces"]
    assert [face.get("UserId") for face in faces if face["FaceId"] != bob] == [None] * 3
    assert refusal(office.rekognition.delete_user, CollectionId="office", UserId="ann") == "ResourceNotFoundException"


def test_users_are_found_by_face_by_image_and_by_user(ann: tuple[FakeServer, str, str, str]) -> None:
    office, first, *_ = ann
    (twin,) = indexed(office, ANN)
    office.rekognition.create_user(CollectionId="office", UserId="twin")
    office.rekognition.associate_faces(CollectionId="office", UserId="twin", FaceIds=[twin])

    by_face = office.rekognition.search_users(CollectionId="office", FaceId=first)
    by_user = office.rekognition.search_users(CollectionId="office", UserId="ann")
    by_image = office.rekognition.search_users_by_image(CollectionId="office", Image=image(GROUP))

    assert by_face["SearchedFace"] == {"FaceId": first}
    assert [match["User"]["UserId"] for match in by_face["UserMatches"]] == ["twin", "ann"]
    assert [match["Similarity"] for match in by_face["UserMatches"]] == pytest.approx([100, 91.02], abs=0.1)
    assert by_user["SearchedUser"] == {"UserId": "ann"}
    assert [match["User"] for match in by_user["UserMatches"]] == [{"UserId": "twin", "UserStatus": "ACTIVE"}]
    assert [match["User"]["UserId"] for match in by_image["UserMatches"]] == ["ann", "twin"]
    assert by_image["SearchedFace"]["FaceDetail"]["BoundingBox"]["Width"] == pytest.approx(0.4)
    assert [face["Reasons"] for face in by_image["UnsearchedFaces"]] == [["FACE_NOT_LARGEST"]] * 2


def test_a_users_vector_follows_its_faces(ann: tuple[FakeServer, str, str, str]) -> None:
    office, first, second, _ = ann

    def similarity() -> float:
        found = office.rekognition.search_users(CollectionId="office", FaceId=first, UserMatchThreshold=0)
        return float(found["UserMatches"][0]["Similarity"])

    with_both = similarity()
    office.rekognition.disassociate_faces(CollectionId="office", UserId="ann", FaceIds=[second])
    alone = similarity()
    office.rekognition.associate_faces(CollectionId="office", UserId="ann", FaceIds=[second])

    assert alone == 100
    assert similarity() == with_both == pytest.approx(91.02, abs=0.1)
    assert the_user_like(office, ANN) == "ann"


def the_user_like(office: FakeServer, size: tuple[int, int]) -> str:
    found = office.rekognition.search_users_by_image(
        CollectionId="office", Image=image(size), MaxUsers=1, UserMatchThreshold=0
    )
    (match,) = found["UserMatches"]
    return str(match["User"]["UserId"])


def test_an_image_without_a_face_finds_no_user_and_says_no_searched_face(office: FakeServer) -> None:
    answer = office.rekognition.search_users_by_image(CollectionId="office", Image=image(EMPTY))

    assert answer["UserMatches"] == answer["UnsearchedFaces"] == []
    assert "SearchedFace" not in answer


def test_a_face_that_is_not_good_enough_is_not_searched_among_users_and_told_with_the_reason(
    ann: tuple[FakeServer, str, str, str],
) -> None:
    office, *_ = ann
    office.engine.scenes[ANN].attributes = FaceAttributes(0, 80, 0, 60, 60)

    answer = office.rekognition.search_users_by_image(CollectionId="office", Image=image(ANN), QualityFilter="LOW")

    assert answer["UserMatches"] == []
    assert "SearchedFace" not in answer
    assert [face["Reasons"] for face in answer["UnsearchedFaces"]] == [["EXTREME_POSE"]]


def test_a_user_without_faces_finds_nobody(ann: tuple[FakeServer, str, str, str]) -> None:
    office, *_ = ann
    office.rekognition.create_user(CollectionId="office", UserId="new")

    assert office.rekognition.search_users(CollectionId="office", UserId="new")["UserMatches"] == []


@pytest.mark.parametrize("most", [1, 2, 500])
def test_no_more_users_than_the_most_are_found(office: FakeServer, most: int) -> None:
    for name in ("a", "b", "c"):
        (same,) = indexed(office, ANN)
        office.rekognition.create_user(CollectionId="office", UserId=name)
        office.rekognition.associate_faces(CollectionId="office", UserId=name, FaceIds=[same])

    by_face = office.rekognition.search_users(CollectionId="office", FaceId=same, MaxUsers=most)
    by_user = office.rekognition.search_users(CollectionId="office", UserId="a", MaxUsers=most)

    assert len(by_face["UserMatches"]) == min(most, 3)
    assert len(by_user["UserMatches"]) == min(most, 2)


def test_a_users_vector_is_the_mean_brought_back_to_length_one_where_theirs_is() -> None:
    unit = np.array([[1, 0], [0, 1]], np.float32)

    np.testing.assert_allclose(mean_vector(unit), [0.5**0.5, 0.5**0.5], rtol=1e-6)
    np.testing.assert_allclose(mean_vector(2 * unit), [1, 1], rtol=1e-6)
    np.testing.assert_array_equal(mean_vector(np.array([[1, 0], [-1, 0]], np.float32)), [0, 0])


# --- idempotency and conflicts ----------------------------------------------------------------------------------------


def test_a_repeated_request_is_done_once_and_answered_alike(office: FakeServer) -> None:
    (first,) = indexed(office, ANN)
    for _ in range(2):
        office.rekognition.create_user(CollectionId="office", UserId="ann", ClientRequestToken="make")
    answers = [
        office.rekognition.associate_faces(
            CollectionId="office", UserId="ann", FaceIds=[first], ClientRequestToken="join"
        )
        for _ in range(2)
    ]
    for _ in range(2):
        office.rekognition.delete_user(CollectionId="office", UserId="ann", ClientRequestToken="end")

    assert [answer["AssociatedFaces"] for answer in answers] == [[{"FaceId": first}]] * 2
    assert office.rekognition.list_users(CollectionId="office")["Users"] == []


def test_a_refused_request_is_not_remembered(office: FakeServer) -> None:
    request = {"CollectionId": "later", "UserId": "ann", "ClientRequestToken": "refused-once"}
    assert refusal(office.rekognition.create_user, **request) == "ResourceNotFoundException"
    office.rekognition.create_collection(CollectionId="later")

    office.rekognition.create_user(**request)

    assert len(office.rekognition.list_users(CollectionId="later")["Users"]) == 1


def test_many_at_once_with_one_token_do_it_once(office: FakeServer) -> None:
    def create(_: int) -> str:
        try:
            office.rekognition.create_user(CollectionId="office", UserId="ann", ClientRequestToken="one-token")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "done"

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(create, range(24)))

    assert "done" in answers
    assert answers <= {"done", "ConflictException"}
    assert len(office.rekognition.list_users(CollectionId="office")["Users"]) == 1


# --- the store --------------------------------------------------------------------------------------------------------


@pytest.fixture
def slow_engine() -> Iterator[tuple[FakeEngine, threading.Event, threading.Event]]:
    """An engine that stands still in `similarity` until it may go on."""
    reached, may_go_on = threading.Event(), threading.Event()

    class SlowEngine(FakeEngine):
        def similarity(self, probes: Any, references: Any) -> Any:
            reached.set()
            assert may_go_on.wait(20)
            return super().similarity(probes, references)

    yield SlowEngine(), reached, may_go_on
    may_go_on.set()


@pytest.mark.parametrize("operation", ["delete_user", "associate_faces", "disassociate_faces"])
def test_a_user_that_is_being_updated_is_a_conflict(
    slow_engine: tuple[FakeEngine, threading.Event, threading.Event], operation: str
) -> None:
    engine, reached, may_go_on = slow_engine
    engine.scenes[ANN] = Scene([face(0.4)], [descriptor(1)])
    gallery = Gallery(Store(None), engine)
    with serving(Service(engine, ImageSource(FakeS3({})), gallery)) as endpoint, ThreadPoolExecutor(1) as pool:
        rekognition = client(endpoint)
        rekognition.create_collection(CollectionId="office")
        rekognition.create_user(CollectionId="office", UserId="ann")
        ids = [
            rekognition.index_faces(CollectionId="office", Image=image(ANN))["FaceRecords"][0]["Face"]["FaceId"]
            for _ in range(2)
        ]
        rekognition.associate_faces(CollectionId="office", UserId="ann", FaceIds=ids[:1])
        request = {"CollectionId": "office", "UserId": "ann"}
        first = pool.submit(rekognition.associate_faces, **request, FaceIds=ids[1:])
        assert reached.wait(20)

        others = {} if operation == "delete_user" else {"FaceIds": ids[:1]}
        code = refusal(getattr(rekognition, operation), **request, **others)

        may_go_on.set()
        assert code == "ConflictException"
        assert first.result()["AssociatedFaces"] == [{"FaceId": ids[1]}]


def test_a_user_has_at_most_100_faces(fake: FakeServer) -> None:
    fake.engine.scenes[GROUP] = Scene([face(0.001 * size) for size in range(300, 199, -1)], [descriptor(1)] * 101)
    fake.rekognition.create_collection(CollectionId="office")
    fake.rekognition.create_user(CollectionId="office", UserId="ann")
    ids = [
        record["Face"]["FaceId"]
        for name in ("one", "other")
        for record in fake.rekognition.index_faces(
            CollectionId="office", Image=image(GROUP), ExternalImageId=name, MaxFaces=51
        )["FaceRecords"]
    ]
    faces = {"CollectionId": "office", "UserId": "ann"}

    fake.rekognition.associate_faces(**faces, FaceIds=ids[:100])

    assert refusal(fake.rekognition.associate_faces, **faces, FaceIds=ids[100:]) == "ServiceQuotaExceededException"


def test_vectors_of_another_recogniser_are_refused_with_the_reason(office: FakeServer) -> None:
    (ann,) = indexed(office, ANN)
    office.rekognition.create_collection(CollectionId="empty")
    office.engine.model_id = "fake-2"
    try:
        with pytest.raises(
            ClientError, match=r"fake-1; this server runs fake-2.*delete-collection --collection-id office"
        ):
            office.rekognition.search_faces_by_image(CollectionId="office", Image=image(ANN))
        by_face, by_image = {"CollectionId": "office", "FaceId": ann}, {"CollectionId": "office", "Image": image(ANN)}
        assert refusal(office.rekognition.index_faces, **by_image) == "InvalidParameterException"
        assert refusal(office.rekognition.search_faces, **by_face) == "InvalidParameterException"
        assert refusal(office.rekognition.search_users, **by_face) == "InvalidParameterException"
        assert refusal(office.rekognition.search_users_by_image, **by_image) == "InvalidParameterException"

        # What needs no comparison still works, and a collection without faces takes on the new recogniser.
        assert len(office.rekognition.list_faces(CollectionId="office")["Faces"]) == 1
        assert office.rekognition.delete_faces(CollectionId="office", FaceIds=[ann])["DeletedFaces"] == [ann]
        assert len(indexed(office, ANN)) == 1
        assert office.rekognition.search_faces_by_image(CollectionId="empty", Image=image(ANN))["FaceMatches"] == []
    finally:
        office.engine.model_id = "fake-1"


def test_searches_beside_changes_are_right(office: FakeServer) -> None:
    (ann,) = indexed(office, ANN)

    def change(_: int) -> None:
        ids = indexed(office, BOB)
        office.rekognition.delete_faces(CollectionId="office", FaceIds=ids)

    def search(_: int) -> list[str]:
        found = office.rekognition.search_faces_by_image(CollectionId="office", Image=image(ANN))
        return [match["Face"]["FaceId"] for match in found["FaceMatches"]]

    with ThreadPoolExecutor(4) as changing, ThreadPoolExecutor(4) as searching:
        changes = [changing.submit(change, number) for number in range(20)]
        searches = [searching.submit(search, number) for number in range(40)]

        assert all(found.result() == [ann] for found in searches)
        for done in changes:
            done.result()
    assert office.rekognition.describe_collection(CollectionId="office")["FaceCount"] == 1


def test_a_folder_has_one_server(tmp_path: Any) -> None:
    first = Store(tmp_path)
    with pytest.raises(StorageError, match=f"Another server works on {tmp_path}"):
        Store(tmp_path)

    first.close()
    Store(tmp_path).close()


def test_a_change_that_cannot_be_written_is_undone_and_the_next_one_goes_on() -> None:
    store = Store(None)

    def change() -> None:
        with store.transaction():
            store.rows("PRAGMA defer_foreign_keys = ON")  # so that it is the commit that fails, as on a full disk
            store.rows("INSERT INTO users (collection, user_id) VALUES (1, 'of no collection')")

    with pytest.raises(sqlite3.IntegrityError):
        change()
    with store.transaction():
        pass

    assert store.rows("SELECT user_id FROM users") == []
    store.close()


def test_what_fails_half_way_leaves_nothing_behind(tmp_path: Any) -> None:
    store = Store(tmp_path)
    insert = "INSERT INTO collections (collection_id, created, model_id, region) VALUES (?, 0, 'm', 'r')"

    def fail_half_way() -> None:
        with store.transaction():
            store.rows(insert, "a")
            with store.transaction():
                store.rows(insert, "b")
            store.rows(insert, "a")

    with pytest.raises(sqlite3.IntegrityError):
        fail_half_way()

    assert store.rows("SELECT * FROM collections") == []
    store.close()
