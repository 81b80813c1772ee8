"""DetectFaces and IndexFaces with attributes beyond the default ones: which members, and what they say when unknown."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest

from rekognition_local.engine.faces.attributes import FaceTraits
from rekognition_local.operations.faces import MEMBERS
from rekognition_local.protocol.wire import json_model
from tests.rekognition_local.conftest import FakeServer
from tests.rekognition_local.fakes import Scene, descriptor, face, picture

SELFIE = (160, 120)
IMAGE = {"Bytes": picture(*SELFIE)}
KNOWN = FaceTraits({"chinBottom": (0.3, 0.5)}, eyes_open=0.9, mouth_open=0.2, eye_yaw=12.0, eye_pitch=-3.0)
DEFAULT = {"BoundingBox", "Landmarks", "Pose", "Quality", "Confidence"}


def detail(fake: FakeServer, *attributes: str, traits: FaceTraits | None = None, **where: float) -> dict[str, Any]:
    fake.engine.scenes[SELFIE] = Scene([face(**where)], [descriptor(1)], traits=traits or FaceTraits())
    (found,) = fake.rekognition.detect_faces(Image=IMAGE, Attributes=list(attributes))["FaceDetails"]
    return dict(found)


@pytest.mark.parametrize("attributes", [("ALL",), ("DEFAULT", "ALL"), ("ALL", "SMILE")])
def test_all_is_every_member_of_the_model(fake: FakeServer, attributes: tuple[str, ...]) -> None:
    assert detail(fake, *attributes).keys() == set(json_model()["shapes"]["FaceDetail"]["members"])


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_one_attribute_is_its_member_beside_the_default_ones(fake: FakeServer, name: str) -> None:
    assert detail(fake, name).keys() == DEFAULT | {MEMBERS[name]}


def test_the_models_attributes_are_the_known_ones() -> None:
    assert set(json_model()["shapes"]["Attribute"]["enum"]) == {"DEFAULT", "ALL", *MEMBERS}


def test_what_is_not_known_is_neutral(fake: FakeServer) -> None:
    found = detail(fake, "ALL")

    assert found["AgeRange"] == {"Low": 0, "High": 100}
    assert found["Gender"] == {"Value": "Female", "Confidence": 50}
    assert {emotion["Confidence"] for emotion in found["Emotions"]} == {12.5}
    assert len({emotion["Type"] for emotion in found["Emotions"]}) == 8
    for name in ("Smile", "Eyeglasses", "Sunglasses", "Beard", "Mustache", "EyesOpen", "MouthOpen", "FaceOccluded"):
        assert found[name] == {"Value": False, "Confidence": 50}, name
    assert found["EyeDirection"] == {"Yaw": 0, "Pitch": 0, "Confidence": 50}
    assert len(found["Landmarks"]) == 5


def test_what_the_mesh_tells_is_answered_with_its_certainty(fake: FakeServer) -> None:
    found = detail(fake, "ALL", traits=KNOWN)

    assert found["EyesOpen"] == {"Value": True, "Confidence": pytest.approx(90)}
    assert found["MouthOpen"] == {"Value": False, "Confidence": pytest.approx(80)}
    assert found["EyeDirection"] == {"Yaw": 12, "Pitch": -3, "Confidence": pytest.approx(90)}
    assert found["Landmarks"][-1] == {"Type": "chinBottom", "X": pytest.approx(0.3), "Y": 0.5}


def test_more_landmarks_come_only_with_all(fake: FakeServer) -> None:
    assert len(detail(fake, "EYES_OPEN", traits=KNOWN)["Landmarks"]) == 5


@pytest.mark.parametrize(
    ("left", "is_occluded"), [(0.2, False), (-0.02, False), (-0.15, True), (0.85, True)], ids=str
)  # of a face 0.3 wide: 7 % and half of it lie outside
def test_a_face_that_the_border_cuts_is_occluded(fake: FakeServer, left: float, is_occluded: bool) -> None:
    found = detail(fake, "FACE_OCCLUDED", left=left)["FaceOccluded"]

    assert found["Value"] is is_occluded
    assert found["Confidence"] == (pytest.approx(75, abs=0.1) if is_occluded else 50)


def test_indexed_faces_are_told_as_asked_for(fake: FakeServer) -> None:
    fake.engine.scenes[SELFIE] = Scene([face()], [descriptor(1)], traits=KNOWN)
    fake.rekognition.create_collection(CollectionId="office")

    by_default = fake.rekognition.index_faces(CollectionId="office", Image=IMAGE)
    with_all = fake.rekognition.index_faces(CollectionId="office", Image=IMAGE, DetectionAttributes=["ALL"])

    assert by_default["FaceRecords"][0]["FaceDetail"].keys() == DEFAULT
    assert with_all["FaceRecords"][0]["FaceDetail"]["EyesOpen"]["Value"] is True


# --- the documented examples ------------------------------------------------------------------------------------------

EXAMPLES = json.loads(
    (Path(botocore.__file__).parent / "data/rekognition/2016-06-27/examples-1.json").read_text(encoding="utf-8")
)["examples"]


def members(value: Any, path: str = "") -> Iterator[str]:
    """Every member of a reply by its path; what lists hold is one."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"{path}.{name}"
            yield from members(member, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from members(item, path)


@pytest.fixture
def answered(fake: FakeServer) -> dict[str, Any]:
    """The replies of the operations that botocore documents by examples, with two similar faces in a collection."""
    ann, twin = descriptor(1), descriptor(1)
    group = (320, 240)
    fake.engine.scenes[SELFIE] = Scene([face()], [ann])
    fake.engine.scenes[group] = Scene([face(0.3, 0.0), face(0.2, 0.5)], [ann, twin])
    rekognition, images = fake.rekognition, {"Image": {"Bytes": picture(*group)}}
    replies = {"CreateCollection": rekognition.create_collection(CollectionId="office")}
    replies["IndexFaces"] = rekognition.index_faces(CollectionId="office", ExternalImageId="group", **images)
    first, second = (record["Face"]["FaceId"] for record in replies["IndexFaces"]["FaceRecords"])
    replies |= {
        "CompareFaces": rekognition.compare_faces(SourceImage=IMAGE, TargetImage=images["Image"]),
        "DetectFaces": rekognition.detect_faces(Image=IMAGE),
        "DetectLabels": rekognition.detect_labels(Image=IMAGE),
        "ListCollections": rekognition.list_collections(),
        "ListFaces": rekognition.list_faces(CollectionId="office"),
        "SearchFaces": rekognition.search_faces(CollectionId="office", FaceId=first),
        "SearchFacesByImage": rekognition.search_faces_by_image(CollectionId="office", Image=IMAGE),
        "DeleteFaces": rekognition.delete_faces(CollectionId="office", FaceIds=[second]),
    }
    replies["DeleteCollection"] = rekognition.delete_collection(CollectionId="office")
    return replies


def test_no_member_of_a_documented_example_is_missing(answered: dict[str, Any]) -> None:
    documented = {name: set(members([example["output"] for example in found])) for name, found in EXAMPLES.items()}

    missing = {
        name: found
        - set(members(answered[name]))
        # A correction of orientation is null in the service's answers of today: images are turned by their EXIF.
        - {".OrientationCorrection", ".SourceImageOrientationCorrection", ".TargetImageOrientationCorrection"}
        for name, found in documented.items()
    }

    assert documented.keys() == answered.keys()
    assert all(not found for found in missing.values()), missing
