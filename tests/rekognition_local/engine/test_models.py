"""Models come from installed packages, are the very files expected, and compute what their authors' code does."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rekognition_local.engine.weights import model_files, models
from rekognition_local.engine.weights.carriers import ModelError
from rekognition_local.engine.weights.dlib_weights import FullyConnected, Input, read_layers
from rekognition_local.engine.weights.graphs import resnet
from rekognition_local.engine.weights.models import Network
from tests.rekognition_local.photographs import sample


@pytest.mark.parametrize("content", [b"", b"no model"], ids=["empty", "text"])
def test_a_file_that_is_no_onnx_model_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(content)

    with pytest.raises(ModelError, match=r"cannot open .*mine\.onnx"):
        Network(path)


def _integer(value: int) -> bytes:
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def _text(value: str) -> bytes:
    return _integer(len(value)) + value.encode()


_REAL = _integer(1) + _integer(-1)
_TRAINING = b"110" + 3 * (_integer(2) + 4 * _integer(0))
_HEAD = _integer(1) + _text("loss_metric_2") + 2 * _REAL + _integer(1) + _integer(3) + _integer(2)
_IMAGE = _text("input_rgb_image_sized") + 3 * _REAL + 2 * _integer(300)


def test_dlibs_values_are_read_with_sign_exponent_and_byte_order() -> None:
    numbers = [1.5, -2.25]
    tensor = b"".join(map(_integer, (2, 1, 2, 1, 1))) + struct.pack("<2f", *numbers)
    connected = _text("fc_2") + _integer(2) + _integer(1) + tensor + 11 * _integer(0) + 4 * _REAL

    image, layer = read_layers(_HEAD + _IMAGE + connected + _TRAINING + _integer(1))

    assert image == Input((0.5, 0.5, 0.5), 300)
    assert isinstance(layer, FullyConnected)
    assert layer.weights.tolist() == [numbers]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (_HEAD + _IMAGE + _text("fc_2"), "ends in the middle"),
        (_integer(1) + _text("loss_mmod") + 2 * _REAL, "holds 'loss_mmod', not a face recognition network"),
        (_HEAD + _IMAGE + _text("dropout"), "layer 'dropout' that this network does not have"),
        (_HEAD + _IMAGE + _text("affine_") + _integer(1) + 4 * _integer(1), "version 1, 2 expected"),
    ],
    ids=["truncated", "another network", "unknown layer", "another version"],
)
def test_what_is_not_dlibs_face_network_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_layers(content)


def test_a_network_that_does_not_begin_with_its_image_is_refused() -> None:
    layers = read_layers(model_files.RESNET.content())

    with pytest.raises(ValueError, match="does not begin with its image"):
        resnet(layers[1:])


@pytest.mark.slow
def test_descriptors_equal_dlibs_own() -> None:
    dlib = pytest.importorskip("dlib")
    original = dlib.face_recognition_model_v1(str(model_files.RESNET.locate()))
    picture = sample("astronaut")
    chips = np.stack([picture[top : top + 150, left : left + 150] for top, left in ((40, 140), (0, 200), (200, 0))])

    ours = models.face_recogniser()(chips)[0]

    theirs = np.array([original.compute_face_descriptor(np.ascontiguousarray(chip)) for chip in chips])
    assert np.abs(ours - theirs).max() < 2e-6


@pytest.mark.slow
def test_packages_that_need_tensorflow_or_setuptools_are_never_imported() -> None:
    script = (
        "import sys; from rekognition_local.engine import Engine; Engine.load();"
        "print({'mtcnn', 'face_recognition_models', 'tensorflow', 'pkg_resources'} & set(sys.modules))"
    )

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "set()"
