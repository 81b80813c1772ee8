"""The engine as a library: faces in order, pose and quality, threads, and models of the user's own."""

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save
from PIL import Image

from rekognition_local.engine import DetectedFace, Engine
from rekognition_local.engine.faces.recognition import ArcFaceRecogniser
from rekognition_local.engine.faces.yunet import YuNet
from rekognition_local.engine.weights.model_files import ModelError
from rekognition_local.engine.weights.models import Network
from tests.rekognition_local.photographs import Picture, grace_hopper, sample


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load()


@pytest.fixture(scope="module")
def hopper() -> Picture:
    return grace_hopper()


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recogniser that knows a face by the mean of each channel."""
    return _onnx(
        tmp_path_factory.mktemp("models") / "embedder.onnx",
        ["n", 3, 112, 112],
        [
            helper.make_node("GlobalAveragePool", ["image"], ["means"]),
            helper.make_node("Flatten", ["means"], ["descriptor"]),
        ],
        {"descriptor": ["n", 3]},
    )


def _onnx(
    path: Path,
    shape: list[int | str],
    nodes: list[Any],
    outputs: dict[str, list[int | str]],
    constants: list[Any] | None = None,
) -> Path:
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in outputs.items()],
        constants or [],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def _bright_cell_detector(path: Path, height: int | str, width: int | str) -> Path:
    """Laid out as YuNet: a face, 4 x 4 cells large, about every white 8 px cell; nothing at the other strides."""
    nodes: list[Any] = []
    constants: list[Any] = []
    outputs: dict[str, list[int | str]] = {}
    for stride in (8, 16, 32):
        pooled = f"mean_{stride}"
        nodes.append(
            helper.make_node("AveragePool", ["image"], [pooled], kernel_shape=[stride] * 2, strides=[stride] * 2)
        )
        for kind, size in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            name = f"{kind}_{stride}"
            scored = stride == 8 and size == 1
            kernel = np.full((size, 3, 1, 1), 1 / (3 * 255) if scored else 0, np.float32)
            bias = {
                "bbox": np.array([0.5, 0.5, np.log(4), np.log(4)]),
                "kps": np.array([0, 0, 1, 0, 0.5, 0.5, 0, 1, 1, 1]),
            }.get(kind, np.zeros(1))
            constants += [
                numpy_helper.from_array(kernel, f"{name}_kernel"),
                numpy_helper.from_array(bias.astype(np.float32), f"{name}_bias"),
                numpy_helper.from_array(np.array([1, -1, size], np.int64), f"{name}_shape"),
            ]
            nodes += [
                helper.make_node("Conv", [pooled, f"{name}_kernel", f"{name}_bias"], [f"{name}_planes"]),
                helper.make_node("Transpose", [f"{name}_planes"], [f"{name}_cells"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{name}_cells", f"{name}_shape"], [name]),
            ]
            outputs[name] = [1, f"cells_{stride}", size]
    return _onnx(path, [1, 3, height, width], nodes, outputs, constants)


def _face(image: Picture) -> DetectedFace:
    """A face in the middle of an image, level and looking ahead."""
    points = np.array([(0.4, 0.4), (0.6, 0.4), (0.5, 0.507), (0.42, 0.6), (0.58, 0.6)], np.float32)
    return DetectedFace(0.3, 0.25, 0.4, 0.5, 99.0, points)


@pytest.mark.slow
def test_the_largest_face_comes_first(engine: Engine, hopper: Picture) -> None:
    page = np.full((700, 900, 3), 200, np.uint8)
    page[50 : 50 + 300, 20 : 20 + 256] = np.array(Image.fromarray(hopper).resize((256, 300)))
    page[50 : 50 + 600, 380 : 380 + 512] = hopper

    large, small = engine.detect(page)

    assert large.width > 1.5 * small.width
    assert large.left > 0.4 > small.left
    assert large.confidence > 98


@pytest.mark.slow
def test_places_are_ratios_of_the_image(engine: Engine, hopper: Picture) -> None:
    face = engine.detect(hopper)[0]

    assert 0.3 < face.left < face.left + face.width < 0.75
    assert 0.15 < face.top < face.top + face.height < 0.65
    assert np.all((face.landmarks[:, 0] > face.left) & (face.landmarks[:, 0] < face.left + face.width))


@pytest.mark.slow
def test_threads_get_the_answers_of_one_thread(engine: Engine, hopper: Picture) -> None:
    pictures = [hopper, sample("astronaut"), np.ascontiguousarray(hopper[:, ::-1]), sample("chelsea")] * 6

    def describe(picture: Picture) -> NDArray[np.float32]:
        return engine.embed(picture, engine.detect(picture))

    alone = [describe(picture) for picture in pictures[:4]] * 6
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(describe, pictures))

    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [-20, 15])
def test_roll_is_positive_when_the_head_leans_clockwise(engine: Engine, hopper: Picture, degrees: int) -> None:
    upright = engine.attributes(hopper, engine.detect(hopper)[0]).roll
    # Pillow turns counterclockwise.
    leaning = np.array(Image.fromarray(hopper).rotate(-degrees, Image.Resampling.BICUBIC))

    roll = engine.attributes(leaning, engine.detect(leaning)[0]).roll

    assert roll - upright == pytest.approx(degrees, abs=4)


@pytest.mark.slow
def test_the_mirror_image_turns_the_other_way(engine: Engine) -> None:
    picture = sample("astronaut")
    mirrored = np.ascontiguousarray(picture[:, ::-1])

    pose = engine.attributes(picture, engine.detect(picture)[0])
    mirrored_pose = engine.attributes(mirrored, engine.detect(mirrored)[0])

    assert mirrored_pose.yaw == pytest.approx(-pose.yaw, abs=5)
    assert mirrored_pose.roll == pytest.approx(-pose.roll, abs=3)
    assert mirrored_pose.pitch == pytest.approx(pose.pitch, abs=5)


# Points, pose and sizes of answers that Rekognition gave and their owners published; the image's shape is that which
# makes the boxes as tall as the service makes them.
@pytest.mark.parametrize(
    ("points", "shape", "pose"),
    [
        pytest.param(
            [(0.5429, 0.2679), (0.6390, 0.2613), (0.6236, 0.3428), (0.5544, 0.4420), (0.6344, 0.4356)],
            (1000, 1750),
            (1.0, 26.3, 8.6),
            id="turned to the image's right",
        ),
        pytest.param(
            [(0.4610, 0.2172), (0.5221, 0.2113), (0.4973, 0.2525), (0.4707, 0.3088), (0.5216, 0.3038)],
            (1000, 1420),
            (-2.9, 3.6, 17.8),
            id="looking up",
        ),
        pytest.param(
            [(0.0686, 0.3084), (0.1040, 0.3006), (0.0967, 0.3408), (0.0752, 0.3811), (0.1074, 0.3741)],
            (1080, 1920),
            (-8.8, 20.3, -1.0),
            id="leaning counterclockwise",
        ),
    ],
)
@pytest.mark.slow
def test_pose_agrees_with_the_service(
    engine: Engine, points: list[tuple[float, float]], shape: tuple[int, int], pose: tuple[float, ...]
) -> None:
    face = DetectedFace(0.0, 0.0, 1.0, 1.0, 99.0, np.array(points, np.float32))

    found = engine.attributes(np.zeros((*shape, 3), np.uint8), face)

    assert (found.roll, found.yaw, found.pitch) == pytest.approx(pose, abs=6)


@pytest.mark.slow
def test_quality_tells_light_from_dark_and_sharp_from_blurred(engine: Engine, hopper: Picture) -> None:
    face = engine.detect(hopper)[0]
    blurred = np.array(Image.fromarray(hopper).resize((64, 75)).resize((512, 600)))

    normal, dark, soft = (engine.attributes(image, face) for image in (hopper, hopper // 3, blurred))

    assert 0 <= dark.brightness < normal.brightness - 20 <= 80
    assert 0 <= soft.sharpness < normal.sharpness - 20 <= 80


@pytest.mark.slow
def test_a_box_outside_the_image_has_no_quality(engine: Engine, hopper: Picture) -> None:
    outside = DetectedFace(1.2, 0.1, 0.3, 0.3, 90.0, np.zeros((5, 2), np.float32))

    attributes = engine.attributes(hopper, outside)

    assert (attributes.brightness, attributes.sharpness) == (0.0, 0.0)


@pytest.mark.slow
def test_a_recogniser_of_the_users_own_replaces_the_built_in_one(
    engine: Engine, embedder: Path, hopper: Picture
) -> None:
    mine = Engine.load(recogniser=ArcFaceRecogniser(embedder))

    descriptors = mine.embed(hopper, mine.detect(hopper))

    assert mine.model_id != engine.model_id
    assert descriptors.shape == (1, 3)
    assert np.linalg.norm(descriptors) == pytest.approx(1, abs=1e-5)
    assert mine.similarity(descriptors, descriptors)[0, 0] > 99


def test_an_embedder_sees_normalised_pixels_in_the_channel_order_it_was_trained_on(embedder: Path) -> None:
    red = np.zeros((200, 200, 3), np.uint8)
    red[..., 0] = 255
    points = _face(red).landmarks[None] * 200

    rgb = ArcFaceRecogniser(embedder).embed(red, points)
    bgr = ArcFaceRecogniser(embedder, channels="BGR").embed(red, points)

    assert rgb[0] == pytest.approx(np.array([1, -1, -1]) / np.sqrt(3), abs=1e-5)
    assert bgr[0] == pytest.approx(np.array([-1, -1, 1]) / np.sqrt(3), abs=1e-5)


def test_an_embedders_calibration_is_a_setting(embedder: Path) -> None:
    probe, reference = np.array([[1.0, 0, 0]], np.float32), np.array([[0.5, np.sqrt(0.75), 0]], np.float32)

    usual = ArcFaceRecogniser(embedder).similarity(probe, reference)[0, 0]
    strict = ArcFaceRecogniser(embedder, middle=0.5, slope=10).similarity(probe, reference)[0, 0]

    assert usual > 99
    assert strict == pytest.approx(50)


def test_an_embedder_knows_its_width_without_any_face(embedder: Path) -> None:
    assert ArcFaceRecogniser(embedder).embed(
        np.zeros((80, 80, 3), np.uint8), np.empty((0, 5, 2), np.float32)
    ).shape == (0, 3)


def test_a_recogniser_of_another_shape_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["means"]),
        helper.make_node("Flatten", ["means"], ["out"]),
    ]
    other = _onnx(tmp_path / "other.onnx", ["n", 3, 160, 160], nodes, {"out": ["n", 3]})

    with pytest.raises(ModelError, match=r"an embedder must map \(n, 3, 112, 112\) to \(n, d\)"):
        ArcFaceRecogniser(other)


@pytest.mark.parametrize("size", [("height", "width"), (128, 128)], ids=["any size", "fixed size"])
def test_a_detector_of_the_users_own_finds_in_pixels_of_the_image(
    tmp_path: Path, size: tuple[int | str, int | str]
) -> None:
    detector = YuNet(Network(_bright_cell_detector(tmp_path / "detector.onnx", *size)), "mine")
    image = np.zeros((64, 128, 3), np.uint8)
    image[16:24, 40:48] = 255  # the cell in row 2, column 5

    found = detector.detect(image)

    assert found.boxes.round().tolist() == [[28, 4, 60, 36]]
    assert found.points[0].round().tolist() == [[40, 16], [48, 16], [44, 20], [40, 24], [48, 24]]
    assert found.scores[0] == pytest.approx(1, abs=0.01)


@pytest.mark.slow
def test_a_detector_of_the_users_own_replaces_the_built_in_one(tmp_path: Path) -> None:
    engine = Engine.load(_bright_cell_detector(tmp_path / "detector.onnx", "height", "width"))
    image = np.zeros((256, 256, 3), np.uint8)
    image[64:72, 128:136] = 255

    face = engine.detect(image)[0]

    assert (face.left, face.top) == pytest.approx(((132 - 16) / 256, (68 - 16) / 256), abs=0.01)
    assert engine.embed(image, [face]).shape == (1, 256)


def test_a_detector_with_other_outputs_is_refused(embedder: Path) -> None:
    with pytest.raises(ModelError, match=r"lacks the outputs .*bbox_8.* must be laid out as YuNet"):
        YuNet(Network(embedder), "mine")


@pytest.mark.slow
def test_most_development_pairs_are_decided_right_at_80(engine: Engine, face_data: Path) -> None:
    with (face_data / "cases.csv").open(newline="") as file:
        cases = [case for case in csv.DictReader(file) if case["note"].startswith(("lfw", "web"))]
    chosen = [case for case in cases if case["expected"] != "error"][::12]

    def descriptor(path: str) -> NDArray[np.float32]:
        with Image.open(face_data / path) as image:
            picture = np.array(image.convert("RGB"))
        faces = sorted(engine.detect(picture), key=lambda face: abs(face.left + face.width / 2 - 0.5))
        return engine.embed(picture, faces[:1])

    right = [
        (engine.similarity(descriptor(case["source"]), descriptor(case["target"]))[0, 0] >= 80)
        == (case["expected"] == "match")
        for case in chosen
    ]

    assert len(right) > 60
    assert np.mean(right) >= 0.95
