"""DetectText over the wire: lines and words, their ids and places, filters, regions; the engine is told what to see."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from rekognition_local.engine.documents.lines import TextBox, TextLine, words
from tests.rekognition_local.conftest import FakeServer
from tests.rekognition_local.fakes import Scene, picture

SIZE = (400, 200)
IMAGE = {"Bytes": picture(*SIZE)}


def line(text: str, y: float = 50, height: float = 20, confidence: float = 0.9, angle: float = 0.0) -> TextLine:
    centres = tuple((place + 0.5) / len(text) for place in range(len(text)))
    box = TextBox(200, y, 10.0 * len(text), height, angle)
    return TextLine(box, text, confidence, centres, (confidence,) * len(text))


def asked(fake: FakeServer, *lines: TextLine, **filters: Any) -> list[dict[str, Any]]:
    fake.engine.scenes[SIZE] = Scene(lines=list(lines))
    options = {"Filters": filters} if filters else {}
    answer = fake.rekognition.detect_text(Image=IMAGE, **options)
    assert answer["TextModelVersion"] == "3.0"
    return list(answer["TextDetections"])


def told(detections: list[dict[str, Any]], kind: str) -> list[str]:
    return [found["DetectedText"] for found in detections if found["Type"] == kind]


def test_lines_come_first_and_each_word_names_its_line(fake: FakeServer) -> None:
    found = asked(fake, line("FAMILY NAME", 40), line("ERIKSSON", 80))

    assert [(one["DetectedText"], one["Type"], one["Id"], one.get("ParentId")) for one in found] == [
        ("FAMILY NAME", "LINE", 0, None),
        ("ERIKSSON", "LINE", 1, None),
        ("FAMILY", "WORD", 2, 0),
        ("NAME", "WORD", 3, 0),
        ("ERIKSSON", "WORD", 4, 1),
    ]
    assert found[0]["Confidence"] == pytest.approx(90)


def test_a_place_is_a_box_and_the_corners_from_the_reading_s_top_left(fake: FakeServer) -> None:
    whole, first, second = asked(fake, line("AB CD", 100))

    assert whole["Geometry"]["BoundingBox"] == pytest.approx(
        {"Left": 175 / 400, "Top": 90 / 200, "Width": 50 / 400, "Height": 20 / 200}
    )
    assert [tuple(point.values()) for point in whole["Geometry"]["Polygon"]] == [
        pytest.approx(corner) for corner in ((0.4375, 0.45), (0.5625, 0.45), (0.5625, 0.55), (0.4375, 0.55))
    ]
    assert first["Geometry"]["BoundingBox"]["Left"] == pytest.approx(0.4375)
    assert second["Geometry"]["BoundingBox"]["Left"] == pytest.approx((175 + 30) / 400)


def test_upside_down_text_has_its_first_corner_at_the_bottom_right(fake: FakeServer) -> None:
    found = asked(fake, line("ABCDE", 100, angle=180.0))

    assert tuple(found[0]["Geometry"]["Polygon"][0].values()) == pytest.approx((0.5625, 0.55))


@pytest.mark.parametrize(
    ("wanted", "words_left"),
    [
        ({"MinConfidence": 95}, ["SURE"]),
        ({"MinBoundingBoxHeight": 0.15}, ["TALL"]),
        ({"MinBoundingBoxWidth": 0.2}, ["LONGENOUGH"]),
    ],
)
def test_a_filter_leaves_out_words_and_the_lines_that_keep_none(
    fake: FakeServer, wanted: dict[str, float], words_left: list[str]
) -> None:
    found = asked(
        fake, line("SURE", 20, confidence=0.97), line("TALL", 60, height=40), line("LONGENOUGH", 150), WordFilter=wanted
    )

    assert told(found, "WORD") == told(found, "LINE") == words_left
    assert [one["Id"] for one in found] == [0, 1]


@pytest.mark.parametrize(
    "region",
    [
        pytest.param({"BoundingBox": {"Left": 0.0, "Top": 0.5, "Width": 1.0, "Height": 0.5}}, id="box"),
        pytest.param({"Polygon": [{"X": 0.0, "Y": 1.0}, {"X": 0.5, "Y": 0.3}, {"X": 1.0, "Y": 1.0}]}, id="polygon"),
    ],
)
def test_a_region_keeps_what_lies_in_it(fake: FakeServer, region: dict[str, Any]) -> None:
    found = asked(fake, line("ABOVE", 30), line("BELOW", 150), RegionsOfInterest=[region])

    assert told(found, "LINE") == ["BELOW"]


@pytest.mark.parametrize(
    "region", [{}, {"Polygon": [{"X": 0.0, "Y": 0.0}]}, {"BoundingBox": {"Left": 0.0}, "Polygon": [{"X": 0.1}] * 3}]
)
def test_a_region_is_a_box_or_a_polygon(fake: FakeServer, region: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        asked(fake, line("TEXT"), RegionsOfInterest=[region])

    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def test_of_more_than_a_hundred_words_the_largest_are_told(fake: FakeServer) -> None:
    small = [line("x y z", 2 * y, height=2) for y in range(60)]

    found = asked(fake, *small, line("LARGE", 150, height=40))

    assert len(told(found, "WORD")) == 100
    assert "LARGE" in told(found, "WORD")


def test_an_image_without_text_has_no_detections(fake: FakeServer) -> None:
    assert asked(fake) == []


@given(st.lists(st.text(st.sampled_from("AB<9"), min_size=1, max_size=8), min_size=1, max_size=5), st.floats(-90, 270))
def test_the_words_of_a_line_are_its_text_and_stand_along_it_without_overlap(parts: list[str], angle: float) -> None:
    whole = line(" ".join(parts), angle=angle)

    found = list(words(whole))

    assert [word.text for word in found] == parts
    turn = np.radians(angle)
    ends = [
        ((word.box.x - 200) * np.cos(turn) + (word.box.y - 50) * np.sin(turn), word.box.length / 2) for word in found
    ]
    assert all(one + half <= other - width + 1e-6 for (one, half), (other, width) in pairwise(ends))
    assert sum(word.box.length for word in found) <= whole.box.length + 1e-6
