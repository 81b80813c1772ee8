"""Builds ONNX graphs, and those of dlib's recogniser and MTCNN's output network from their weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from rekognition_local.engine.weights.dlib_weights import (
    AddPrevious,
    Affine,
    Convolution,
    FullyConnected,
    Input,
    Layer,
    Pool,
    Relu,
)

Floats = NDArray[np.float32]

_OPSET, _IR_VERSION = 17, 8


class Graph:
    """An ONNX graph under construction: every step returns the name of its result."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def constant(self, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
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
        kernel = slopes.reshape(-1, 1, 1, 1)
        if np.max(slopes) > 1:
            positive = self._by_channel(self.step("Relu", tensor), 1 - kernel)
        else:
            positive = self.step("Relu", self._by_channel(tensor, 1 - kernel))
        return self.step("Add", self._by_channel(tensor, kernel), positive)

    def _by_channel(self, tensor: str, factors: Floats) -> str:
        return self.step("Conv", tensor, self.constant(factors), group=len(factors))

    def pixels_first(self, image: str, subtract: Floats, divide: float) -> str:
        """uint8 (n, h, w, 3) -> float (n, 3, h, w), normalised."""
        planes = self.step("Transpose", self.step("Cast", image, to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
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
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="rekognition_local",
        )


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A result inside the graph and its shape for one image: (channels, height, width)."""

    name: str
    shape: tuple[int, int, int]


def resnet(layers: Sequence[Layer]) -> ModelProto:
    """The face recognition network of dlib: image (n, 150, 150, 3) RGB 0-255 -> descriptors (n, 128).

    Raises:
        ValueError: the layers are not those of that network.
    """
    graph = Graph()
    picture, *rest = layers
    if not isinstance(picture, Input):
        raise ValueError("The network does not begin with its image.")  # noqa: TRY004 - of a file, not of a caller
    means = np.array(picture.means, np.float32)
    result = _Tensor(graph.pixels_first("image", means, 256), (3, picture.side, picture.side))
    shortcut = result  # what a residual block adds to its own result
    for before, layer in pairwise([picture, *_without_affine(rest)]):
        match layer:
            case Convolution():
                result = _convolution(graph, result, layer)
            case Relu():
                result = _Tensor(graph.step("Relu", result.name), result.shape)
                if isinstance(before, AddPrevious):  # ends a block
                    shortcut = result
            case Pool():
                result, shortcut = _pooled(graph, result, shortcut, layer)
            case AddPrevious():
                result = _sum(graph, result, shortcut)
            case FullyConnected(weights):
                result = _Tensor(graph.step("MatMul", result.name, graph.constant(weights)), (weights.shape[1], 1, 1))
            case _:
                raise ValueError(f"{type(layer).__name__} is out of place.")
    return graph.model("dlib_resnet", ("n", picture.side, picture.side, 3), [(result.name, ("n", result.shape[0]))])


def _without_affine(layers: Sequence[Layer]) -> Iterator[Layer]:
    """The layers with every affine layer taken into the convolution before it: results change by less than 1e-6."""
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        if isinstance(layer, Convolution) and isinstance(following, Affine):
            weights = layer.weights * following.gamma.reshape(-1, 1, 1, 1)
            biases = layer.biases * following.gamma + following.beta
            yield Convolution(weights, biases, layer.stride, layer.padding)
        elif not isinstance(layer, Affine):
            yield layer


def _convolution(graph: Graph, tensor: _Tensor, layer: Convolution) -> _Tensor:
    filters, _, height, width = layer.weights.shape
    name = graph.step(
        "Conv",
        tensor.name,
        graph.constant(layer.weights),
        graph.constant(layer.biases),
        strides=list(layer.stride),
        pads=[*layer.padding, *layer.padding],
    )
    return _Tensor(name, (filters, *_size(tensor, (height, width), layer.stride, layer.padding)))


def _pooled(graph: Graph, result: _Tensor, shortcut: _Tensor, layer: Pool) -> tuple[_Tensor, _Tensor]:
    """The result and the shortcut after a pooling layer, which may stand on either."""
    if layer.window == (0, 0):
        return _Tensor(graph.step("Flatten", graph.step("GlobalAveragePool", result.name)), result.shape), shortcut
    sides = {"kernel_shape": list(layer.window), "strides": list(layer.stride)}
    if layer.kind == "max":
        name = graph.step("MaxPool", result.name, **sides)
        result = _Tensor(name, (result.shape[0], *_size(result, layer.window, layer.stride, (0, 0))))
        return result, result
    # A mean inside the network halves the shortcut of a block whose first convolution halves its result.
    name = graph.step("AveragePool", shortcut.name, **sides)
    return result, _Tensor(name, (shortcut.shape[0], *_size(shortcut, layer.window, layer.stride, (0, 0))))


def _size(
    tensor: _Tensor, window: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> tuple[int, int]:
    """Height and width of what a sliding window makes of a tensor."""
    _, *sides = tensor.shape
    height, width = (
        (side + 2 * pad - extent) // step + 1
        for side, extent, step, pad in zip(sides, window, stride, padding, strict=True)
    )
    return height, width


def _sum(graph: Graph, one: _Tensor, other: _Tensor) -> _Tensor:
    """Both added; the smaller gets zeros at its far ends first, as dlib adds tensors of different sizes."""
    channels, height, width = (max(sides) for sides in zip(one.shape, other.shape, strict=True))
    names = []
    for tensor in (one, other):
        missing = [want - have for want, have in zip((channels, height, width), tensor.shape, strict=True)]
        ends = graph.constant(np.array([0, 0, 0, 0, 0, *missing], np.int64)) if any(missing) else None
        names.append(tensor.name if ends is None else graph.step("Pad", tensor.name, ends))
    return _Tensor(graph.step("Add", *names), (channels, height, width))


def onet(weights: Sequence[Floats]) -> ModelProto:
    """MTCNN's output network: image (n, 48, 48, 3) -> box shifts (n, 4), points' x then y (n, 10), scores (n, 2).

    `weights` are Keras's, in order: a convolution is (height, width, in, out), a dense layer (in, out).
    """
    graph = Graph()
    given = iter(weights)
    result = graph.pixels_first("image", np.full(3, 127.5, np.float32), 128)
    for window, padding in ((3, "SAME_UPPER"), (3, "VALID"), (2, "SAME_UPPER"), (1, "VALID")):
        kernel, bias, slopes = next(given), next(given), next(given)
        result = graph.step("Conv", result, graph.constant(kernel.transpose(3, 2, 0, 1)), graph.constant(bias))
        result = graph.prelu(result, slopes.ravel())
        if window > 1:
            result = graph.step("MaxPool", result, kernel_shape=[window] * 2, strides=[2, 2], auto_pad=padding)

    def dense(tensor: str) -> str:
        return graph.step("Gemm", tensor, graph.constant(next(given)), graph.constant(next(given)))

    # MTCNN was trained on column-major planes.
    hidden = dense(graph.step("Flatten", graph.step("Transpose", result, perm=[0, 3, 2, 1])))
    hidden = graph.step("PRelu", hidden, graph.constant(next(given)))
    shifts, points = dense(hidden), dense(hidden)
    scores = graph.step("Softmax", dense(hidden), axis=1)
    return graph.model("mtcnn_onet", ("n", 48, 48, 3), [(shifts, ("n", 4)), (points, ("n", 10)), (scores, ("n", 2))])
