"""Builds ONNX graphs, and that of MTCNN's output network from its weights."""

import io
from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]

_OPSET, _IR_VERSION = 17, 8
_OWN_DOMAIN = "com.microsoft"  # of onnxruntime's own operators


def multiplies_bytes() -> bool:
    """Whether the processor sums products of bytes exactly (VNNI, or ARM's dot product); older ones cut sums off."""
    return not {"AVX512_ICL", "ASIMDDP"}.isdisjoint(np.show_config(mode="dicts")["SIMD Extensions"]["found"])


class Graph:
    """An ONNX graph under construction: every step returns the name of its result."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def constant(self, value: NDArray[np.float32] | NDArray[np.int64] | NDArray[np.int8]) -> str:
        """A constant of the graph."""
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def step(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One operator of ONNX on earlier results."""
        name = f"{operator}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def prelu(self, tensor: str, slopes: Floats) -> str:
        """Returns x where it is positive, slope * x elsewhere; slopes (channels,).

        Written as slope * x + max(0, (1 - slope) * x), the products as convolutions of one channel each: onnxruntime
        keeps its blocked layout and takes maximum and sum into them. A slope above 1 needs the maximum first.
        """
        if np.max(slopes) > 1:
            positive = self._scaled(self.step("Relu", tensor), 1 - slopes)
        else:
            positive = self.step("Relu", self._scaled(tensor, 1 - slopes))
        return self.step("Add", self._scaled(tensor, slopes), positive)

    def _scaled(self, tensor: str, factors: Floats) -> str:
        return self.step("Conv", tensor, self.constant(factors.reshape(-1, 1, 1, 1)), group=len(factors))

    def linear(self, tensor: str, matrix: Floats, bias: Floats, *, in_bytes: bool = False) -> str:
        """Rows (..., in) times matrix (in, out), plus bias (out,).

        `in_bytes` rounds the weights to whole numbers of 8 bits, one scale an output, and all rows when the graph runs,
        one scale for all: four times as fast where the processor `multiplies_bytes`, in a quarter of the memory.
        """
        if not in_bytes:
            return self.step("Gemm", tensor, self.constant(matrix), self.constant(bias))
        scale = np.abs(matrix).max(axis=0) / 127
        weights, zeros = np.rint(matrix / scale).astype(np.int8), np.zeros(len(bias), np.int8)
        constants = (self.constant(np.asarray(value)) for value in (weights, scale, zeros, bias))
        return self.step("DynamicQuantizeMatMul", tensor, *constants, domain=_OWN_DOMAIN)

    def pixels_first(self, subtract: Floats, divide: float) -> str:
        """The model's image, uint8 (n, h, w, 3) -> float (n, 3, h, w), normalised."""
        planes = self.step("Transpose", self.step("Cast", "image", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
        centred = self.step("Sub", planes, self.constant(subtract.reshape(1, 3, 1, 1)))
        return self.step("Div", centred, self.constant(np.array(divide, np.float32)))

    def model(
        self, name: str, image_shape: Sequence[int | str], outputs: Sequence[tuple[str, Sequence[int | str]]]
    ) -> ModelProto:
        """The finished graph: from an image of bytes to these results, each with its shape."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info("image", TensorProto.UINT8, list(image_shape))],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, list(shape)) for result, shape in outputs],
            self._constants,
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_OWN_DOMAIN, 1)],
            ir_version=_IR_VERSION,
            producer_name="rekognition_local",
        )


def onet(content: bytes) -> ModelProto:
    """MTCNN's output network: image (n, 48, 48, 3) -> box shifts (n, 4), points' x then y (n, 10), scores (n, 2)."""
    graph = Graph()
    # Keras's weights, in order: a convolution is (height, width, in, out), a dense layer (in, out). joblib's format is
    # pickle, which can run code: only the very bytes known may come here, see `ModelFile.content`.
    given = iter(joblib.load(io.BytesIO(content)))
    result = graph.pixels_first(np.full(3, 127.5, np.float32), 128)
    for window, padding in ((3, "SAME_UPPER"), (3, "VALID"), (2, "SAME_UPPER"), (1, "VALID")):
        kernel, bias, slopes = next(given), next(given), next(given)
        result = graph.step("Conv", result, graph.constant(kernel.transpose(3, 2, 0, 1)), graph.constant(bias))
        result = graph.prelu(result, slopes.ravel())
        if window > 1:
            result = graph.step("MaxPool", result, kernel_shape=[window] * 2, strides=[2, 2], auto_pad=padding)

    def dense(tensor: str) -> str:
        return graph.linear(tensor, next(given), next(given))

    # MTCNN was trained on column-major planes.
    hidden = dense(graph.step("Flatten", graph.step("Transpose", result, perm=[0, 3, 2, 1])))
    hidden = graph.step("PRelu", hidden, graph.constant(next(given)))
    shifts, points = dense(hidden), dense(hidden)
    scores = graph.step("Softmax", dense(hidden), axis=1)
    return graph.model("mtcnn_onet", ("n", 48, 48, 3), [(shifts, ("n", 4)), (points, ("n", 10)), (scores, ("n", 2))])
