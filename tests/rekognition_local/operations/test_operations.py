"""DetectFaces, CompareFaces, DetectLabels over the wire: bounds, defaults, errors; the engine is told what to see."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rekognition_local.engine.documents.documents import DetectedDocument, DocumentReading
from rekognition_local.engine.faces.attributes import FaceAttributes
from rekognition_local.operations.image_sources import MAX_S3_BYTES, ImageSource
from rekognition_local.protocol.wire import ServiceError
from tests.rekognition_local.conftest import FakeServer
from tests.rekognition_local.fakes import FakeS3, Scene, descriptor, face, picture

SELFIE, GROUP, CARD = (160, 120), (320, 240), (240, 150)


def image(size: tuple[int, int] = SELFIE) -> dict[str, Any]:
    return {"Bytes": picture(*size)}


def refusal(call: Any, **request: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return dict(caught.value.response["Error"])


# --- images -----------------------------------------------------------------------------------------------------------


def test_an_image_is_read_from_s3_with_its_version(fake: FakeServer) -> None:
    fake.engine.scenes[SELFIE] = Scene([face()], [descriptor(1)])
    fake.objects["photos", "me.png", None] = picture(*GROUP)
    fake.objects["photos", "me.png", "v1"] = picture(*SELFIE)
    location = {"Bucket": "photos", "Name": "me.png"}

    newest = fake.rekognition.detect_faces(Image={"S3Object": location})
    first = fake.rekognition.detect_faces(Image={"S3Object": {**location, "Version": "v1"}})

    assert len(newest["FaceDetails"]) == 0
    assert len(first["FaceDetails"]) == 1


def test_an_object_that_cannot_be_read_is_an_invalid_s3_object(fake: FakeServer) -> None:
    fake.objects["photos", "empty.png", None] = b""

    missing = refusal(fake.rekognition.detect_faces, Image={"S3Object": {"Bucket": "photos", "Name": "none.png"}})
    empty = refusal(fake.rekognition.detect_faces, Image={"S3Object": {"Bucket": "photos", "Name": "empty.png"}})
    unnamed = refusal(fake.rekognition.detect_faces, Image={"S3Object": {"Bucket": "photos"}})

    assert missing["Code"] == empty["Code"] == unnamed["Code"] == "InvalidS3ObjectException"
    assert missing["Message"].startswith("Unable to get object metadata from S3.")
    assert "empty" in empty["Message"]


@pytest.mark.parametrize(("size", "is_accepted"), [(15 * 1024 * 1024, True), (15 * 1024 * 1024 + 1, False)])
def test_fifteen_megabytes_are_the_most_that_is_read_from_s3(fake: FakeServer, size: int, is_accepted: bool) -> None:
    # Readers of PNG stop at its end: what follows makes the file large, not the image.
    fake.objects["photos", "large.png", None] = picture().ljust(size, b"\0")
    request = {"Image": {"S3Object": {"Bucket": "photos", "Name": "large.png"}}}

    if is_accepted:
        assert fake.rekognition.detect_faces(**request)["FaceDetails"] == []
    else:
        assert refusal(fake.rekognition.detect_faces, **request)["Code"] == "ImageTooLargeException"


def test_an_object_that_is_too_large_is_closed_unread() -> None:
    s3 = FakeS3({("photos", "large.png", None): bytes(MAX_S3_BYTES + 1)})

    with pytest.raises(ServiceError, match="15728641 bytes; the maximum is 15728640"):
        ImageSource(s3).read({"S3Object": {"Bucket": "photos", "Name": "large.png"}})

    assert s3.opened[0].closed


@pytest.mark.parametrize(
    "both_or_neither",
    [
        pytest.param({}, id="neither"),
        pytest.param({"Bytes": b"x", "S3Object": {"Bucket": "photos", "Name": "a"}}, id="both"),
    ],
)
def test_an_image_is_either_bytes_or_an_object(fake: FakeServer, both_or_neither: dict[str, Any]) -> None:
    assert refusal(fake.rekognition.detect_faces, Image=both_or_neither)["Code"] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(picture(79, 200), "InvalidParameterException", id="too-small"),
        pytest.param(picture(image_format="GIF"), "InvalidImageFormatException", id="gif"),
        pytest.param(picture()[:60], "InvalidImageFormatException", id="truncated"),
        pytest.param(b"\0", "InvalidImageFormatException", id="one-byte"),
        pytest.param(b"\0" * 5_242_881, "ValidationException", id="five-megabytes-and-one"),
    ],
)
@pytest.mark.parametrize("operation", ["detect_faces", "detect_labels"])
def test_what_is_no_image_is_refused_before_the_engine_sees_it(
    fake: FakeServer, operation: str, content: bytes, code: str
) -> None:
    assert refusal(getattr(fake.rekognition, operation), Image={"Bytes": content})["Code"] == code
    assert fake.engine.seen == []


# --- DetectFaces ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attributes", [None, [], ["DEFAULT"]])
def test_a_face_has_the_default_attributes_and_no_other_is_worked_out(
    fake: FakeServer, attributes: list[str] | None
) -> None:
    fake.engine.scenes[SELFIE] = Scene([face(0.3, 0.2, 0.1, 99.5)], [descriptor(1)])
    wanted = {} if attributes is None else {"Attributes": attributes}

    (found,) = fake.rekognition.detect_faces(Image=image(), **wanted)["FaceDetails"]

    assert found.keys() == {"BoundingBox", "Landmarks", "Pose", "Quality", "Confidence"}
    assert found["BoundingBox"] == pytest.approx({"Left": 0.2, "Top": 0.1, "Width": 0.3, "Height": 0.3})
    assert found["Pose"] == {"Roll": 1.5, "Yaw": -3.0, "Pitch": 4.0}
    assert found["Quality"] == {"Brightness": 60.0, "Sharpness": 70.0}
    assert found["Confidence"] == 99.5
    assert [mark["Type"] for mark in found["Landmarks"]] == ["eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose"]
    assert fake.engine.traits_read == 0
    left, right = found["Landmarks"][:2]
    assert left["X"] < right["X"]  # left as seen in the image, as the service has it


def test_no_face_is_an_empty_answer(fake: FakeServer) -> None:
    assert fake.rekognition.detect_faces(Image=image())["FaceDetails"] == []


def test_boxes_may_reach_past_the_image(fake: FakeServer) -> None:
    fake.engine.scenes[SELFIE] = Scene([face(1.4, -0.2, -0.1)], [descriptor(1)])

    (found,) = fake.rekognition.detect_faces(Image=image())["FaceDetails"]

    assert found["BoundingBox"] == pytest.approx({"Left": -0.2, "Top": -0.1, "Width": 1.4, "Height": 1.4})


def test_values_that_rounding_pushed_out_of_bounds_are_brought_back(fake: FakeServer) -> None:
    extreme = FaceAttributes(roll=180.00001, yaw=-90, pitch=0, brightness=100.00001, sharpness=-1e-9)
    fake.engine.scenes[SELFIE] = Scene([face(confidence=100.000004)], [descriptor(1)], extreme)

    (found,) = fake.rekognition.detect_faces(Image=image())["FaceDetails"]

    assert found["Confidence"] == found["Quality"]["Brightness"] == 100
    assert found["Quality"]["Sharpness"] == 0
    assert found["Pose"]["Roll"] == 180


def test_the_hundred_largest_faces_are_told(fake: FakeServer) -> None:
    crowd = [face(0.3 - place / 1000) for place in range(120)]
    fake.engine.scenes[GROUP] = Scene(crowd, [descriptor(place) for place in range(120)])

    found = fake.rekognition.detect_faces(Image=image(GROUP))["FaceDetails"]

    assert len(found) == 100
    assert found[0]["BoundingBox"]["Width"] == pytest.approx(0.3)


# --- CompareFaces -----------------------------------------------------------------------------------------------------


def near(vector: Any, distance: float) -> Any:
    """A descriptor at a distance; the fake engine's similarity is 100 * (1 - distance)."""
    moved = vector.copy()
    moved[0] += distance
    return moved


@pytest.fixture
def compared(fake: FakeServer) -> FakeServer:
    """Source: two faces; target: three, at 70 %, 95 % and 80 % of the source's larger one."""
    me, stranger = descriptor(1), descriptor(2)
    fake.engine.scenes[SELFIE] = Scene([face(0.4), face(0.1, confidence=91)], [me, stranger])
    fake.engine.scenes[GROUP] = Scene(
        [face(0.3, 0.0), face(0.2, 0.3), face(0.1, 0.6)], [near(me, 0.3), near(me, 0.05), near(me, 0.25)]
    )
    return fake


def test_the_sources_largest_face_is_compared_and_matches_come_most_similar_first(compared: FakeServer) -> None:
    answer = compared.rekognition.compare_faces(SourceImage=image(), TargetImage=image(GROUP), SimilarityThreshold=0)

    assert answer["SourceImageFace"] == {
        "BoundingBox": pytest.approx({"Left": 0.2, "Top": 0.1, "Width": 0.4, "Height": 0.4}),
        "Confidence": 99.5,
    }
    assert [match["Similarity"] for match in answer["FaceMatches"]] == pytest.approx([95, 75, 70], abs=1e-4)
    assert [match["Face"]["BoundingBox"]["Left"] for match in answer["FaceMatches"]] == pytest.approx([0.3, 0.6, 0.0])
    assert answer["UnmatchedFaces"] == []


@pytest.mark.parametrize(("threshold", "matches"), [(None, 1), (80, 1), (75.001, 1), (74.999, 2), (0, 3), (100, 0)])
def test_faces_below_the_threshold_are_unmatched_and_carry_no_score(
    compared: FakeServer, threshold: float | None, matches: int
) -> None:
    wanted = {} if threshold is None else {"SimilarityThreshold": threshold}

    answer = compared.rekognition.compare_faces(SourceImage=image(), TargetImage=image(GROUP), **wanted)

    assert len(answer["FaceMatches"]) == matches
    assert len(answer["UnmatchedFaces"]) == 3 - matches
    assert all("Similarity" not in face for face in answer["UnmatchedFaces"])


def test_a_similarity_at_the_threshold_is_a_match(fake: FakeServer) -> None:
    fake.engine.scenes[SELFIE] = Scene([face()], [descriptor(1)])

    answer = fake.rekognition.compare_faces(SourceImage=image(), TargetImage=image(), SimilarityThreshold=100)

    assert [match["Similarity"] for match in answer["FaceMatches"]] == [100]


@pytest.mark.parametrize(("source", "target"), [(CARD, SELFIE), (SELFIE, CARD), (CARD, CARD)])
def test_no_face_on_either_side_is_an_invalid_parameter(
    fake: FakeServer, source: tuple[int, int], target: tuple[int, int]
) -> None:
    fake.engine.scenes[SELFIE] = Scene([face()], [descriptor(1)])

    error = refusal(fake.rekognition.compare_faces, SourceImage=image(source), TargetImage=image(target))

    assert error["Code"] == "InvalidParameterException"
    assert ("SourceImage" if source == CARD else "TargetImage") in error["Message"]


@pytest.mark.parametrize(
    ("attributes", "confidence", "refused_by"),
    [
        pytest.param(FaceAttributes(0, 0, 0, 60, 60), 99, set(), id="good"),
        pytest.param(FaceAttributes(90, 0, 0, 60, 60), 99, set(), id="roll-does-not-matter"),
        pytest.param(FaceAttributes(0, -45, 0, 60, 60), 99, {"HIGH"}, id="turned"),
        pytest.param(FaceAttributes(0, 0, 60, 60, 60), 99, {"HIGH", "MEDIUM"}, id="looking-up"),
        pytest.param(FaceAttributes(0, 80, 0, 60, 60), 99, {"HIGH", "MEDIUM", "LOW", "AUTO"}, id="profile"),
        pytest.param(FaceAttributes(0, 0, 0, 20, 60), 99, {"HIGH"}, id="dim"),
        pytest.param(FaceAttributes(0, 0, 0, 2, 60), 99, {"HIGH", "MEDIUM", "LOW", "AUTO"}, id="black"),
        pytest.param(FaceAttributes(0, 0, 0, 60, 5), 99, {"HIGH", "MEDIUM"}, id="blurred"),
        pytest.param(FaceAttributes(0, 0, 0, 60, 60), 85, {"HIGH", "MEDIUM"}, id="unsure"),
    ],
)
@pytest.mark.parametrize("quality_filter", ["NONE", "AUTO", "LOW", "MEDIUM", "HIGH"])
def test_faces_below_the_quality_bar_are_not_compared(
    fake: FakeServer, attributes: FaceAttributes, confidence: float, refused_by: set[str], quality_filter: str
) -> None:
    fake.engine.scenes[GROUP] = Scene([face(0.5, confidence=confidence)], [descriptor(1)], attributes)
    request = {"SourceImage": image(GROUP), "TargetImage": image(GROUP), "QualityFilter": quality_filter}

    if quality_filter in refused_by:
        assert refusal(fake.rekognition.compare_faces, **request)["Code"] == "InvalidParameterException"
    else:
        assert fake.rekognition.compare_faces(**request)["FaceMatches"]


def test_no_quality_is_asked_for_by_default(fake: FakeServer) -> None:
    fake.engine.scenes[SELFIE] = Scene([face(confidence=80)], [descriptor(1)], FaceAttributes(0, 89, 0, 0, 0))

    assert fake.rekognition.compare_faces(SourceImage=image(), TargetImage=image())["FaceMatches"]


def test_the_sources_error_comes_first(fake: FakeServer) -> None:
    error = refusal(
        fake.rekognition.compare_faces, SourceImage={"Bytes": b"nothing"}, TargetImage={"Bytes": picture(10, 10)}
    )

    assert error["Code"] == "InvalidImageFormatException"


# --- DetectLabels -----------------------------------------------------------------------------------------------------

LICENCE = DocumentReading(
    documents=(DetectedDocument("Driving License", 93.2, 0.1, 0.2, 0.7, 0.5),),
    id_cards=93.2,
    document=98.7,
    text=99.9,
)


@pytest.fixture
def licence(fake: FakeServer) -> FakeServer:
    """A driving licence with its portrait."""
    fake.engine.scenes[CARD] = Scene([face(0.1, confidence=97)], [descriptor(1)], reading=LICENCE)
    return fake


def labels(fake: FakeServer, **request: Any) -> dict[str, Any]:
    found = fake.rekognition.detect_labels(Image=image(CARD), **request)
    return {label["Name"]: label for label in found["Labels"]}


def test_a_driving_licence_is_told_as_the_service_tells_it(licence: FakeServer) -> None:
    found = licence.rekognition.detect_labels(Image=image(CARD))

    assert found["LabelModelVersion"] == "3.0"
    by_name = {label["Name"]: label for label in found["Labels"]}
    assert by_name["Driving License"] == {
        "Name": "Driving License",
        "Confidence": pytest.approx(93.2),
        "Instances": [
            {
                "BoundingBox": pytest.approx({"Left": 0.1, "Top": 0.2, "Width": 0.7, "Height": 0.5}),
                "Confidence": pytest.approx(93.2),
            }
        ],
        "Parents": [{"Name": "Document"}, {"Name": "Id Cards"}, {"Name": "Text"}],
        "Aliases": [{"Name": "License"}],
        "Categories": [{"Name": "Text and Documents"}],
    }
    assert by_name["Id Cards"]["Instances"] == []
    assert by_name["Face"]["Parents"] == [{"Name": "Head"}, {"Name": "Person"}]
    assert by_name["Person"]["Aliases"] == [{"Name": "Human"}]


def test_people_have_the_boxes_of_face_head_and_upper_body_within_the_image(fake: FakeServer) -> None:
    there, cut = face(0.2, left=0.4, top=0.3, confidence=99), face(0.2, left=-0.1, top=0.7, confidence=97)
    fake.engine.scenes[CARD] = Scene([there, cut], [descriptor(1), descriptor(2)])

    boxes = {name: [one["BoundingBox"] for one in label["Instances"]] for name, label in labels(fake).items()}

    assert boxes["Face"][0] == pytest.approx({"Left": 0.4, "Top": 0.3, "Width": 0.2, "Height": 0.2})
    assert boxes["Head"][0] == pytest.approx({"Left": 0.37, "Top": 0.23, "Width": 0.26, "Height": 0.29})
    assert boxes["Person"][0] == pytest.approx({"Left": 0.2, "Top": 0.23, "Width": 0.6, "Height": 0.77})
    assert boxes["Person"][1] == pytest.approx({"Left": 0, "Top": 0.63, "Width": 0.3, "Height": 0.37})
    assert [one["Confidence"] for one in labels(fake)["Person"]["Instances"]] == pytest.approx([99, 97])


def test_labels_come_most_certain_first_with_every_ancestor(licence: FakeServer) -> None:
    found = licence.rekognition.detect_labels(Image=image(CARD))["Labels"]

    confidences = [label["Confidence"] for label in found]
    names = {label["Name"] for label in found}
    assert confidences == sorted(confidences, reverse=True)
    assert names == {"Text", "Document", "Id Cards", "Driving License", "Person", "Head", "Face"}
    assert all({parent["Name"] for parent in label["Parents"]} <= names for label in found)


def test_an_ancestor_is_at_least_as_certain_as_what_it_follows_from(fake: FakeServer) -> None:
    reading = DocumentReading((DetectedDocument("Passport", 90.0, 0, 0, 1, 1),), id_cards=0, document=20, text=30)
    fake.engine.scenes[CARD] = Scene(reading=reading)

    found = labels(fake)

    assert {name: label["Confidence"] for name, label in found.items()} == dict.fromkeys(
        ("Passport", "Document", "Id Cards", "Text"), 90.0
    )


def test_nothing_is_invented_for_an_empty_image(fake: FakeServer) -> None:
    assert labels(fake, MinConfidence=0) == {}


@pytest.mark.parametrize(
    ("least", "is_told"), [(None, True), (55, True), (93.2, True), (93.21, False), (0, True), (100, False)]
)
def test_labels_at_the_least_confidence_are_told(licence: FakeServer, least: float | None, is_told: bool) -> None:
    wanted = {} if least is None else {"MinConfidence": least}

    assert ("Driving License" in labels(licence, **wanted)) == is_told


@pytest.mark.parametrize(("confidence", "is_told"), [(54.99, False), (55.0, True)])
def test_the_least_confidence_is_55_by_default(fake: FakeServer, confidence: float, is_told: bool) -> None:
    reading = DocumentReading((DetectedDocument("Passport", confidence, 0, 0, 1, 1),))
    fake.engine.scenes[CARD] = Scene(reading=reading)

    assert ("Passport" in labels(fake)) == is_told


@pytest.mark.parametrize("most", [0, 1, 3, 1000, 5000])
def test_the_most_certain_labels_are_kept(licence: FakeServer, most: int) -> None:
    assert len(labels(licence, MaxLabels=most)) == min(most, 7)


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"LabelInclusionFilters": ["Passport", "Driving License"]}, {"Driving License"}),
        ({"LabelCategoryInclusionFilters": ["Person Description"]}, {"Person", "Head", "Face"}),
        (
            {"LabelInclusionFilters": ["Text"], "LabelCategoryInclusionFilters": ["Person Description"]},
            {"Text", "Person", "Head", "Face"},
        ),
        ({"LabelExclusionFilters": ["Text", "Person", "Head"]}, {"Face", "Document", "Id Cards", "Driving License"}),
        ({"LabelCategoryExclusionFilters": ["Text and Documents"]}, {"Person", "Head", "Face"}),
        (
            {"LabelCategoryInclusionFilters": ["Person Description"], "LabelExclusionFilters": ["Head"]},
            {"Person", "Face"},
        ),
        ({"LabelInclusionFilters": []}, {"Text", "Document", "Id Cards", "Driving License", "Person", "Head", "Face"}),
    ],
)
def test_filters_include_and_exclude(licence: FakeServer, filters: dict[str, list[str]], told: set[str]) -> None:
    assert set(labels(licence, Settings={"GeneralLabels": filters})) == told


def test_image_properties_are_refused_not_made_up(licence: FakeServer) -> None:
    error = refusal(licence.rekognition.detect_labels, Image=image(CARD), Features=["IMAGE_PROPERTIES"])

    assert error["Code"] == "NotImplementedException"
    assert "IMAGE_PROPERTIES" in error["Message"]


def test_general_labels_may_be_asked_for_by_name(licence: FakeServer) -> None:
    assert "Driving License" in labels(licence, Features=["GENERAL_LABELS"])
